//! The score map: for each model a cell per head, a row per layer, in the colour of a statistic.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::columns::columns;
use super::face::Face;
use crate::app::{ColorScale, DisplayedCapture, Extent, Scale, Side, State};
use crate::attention::{Over, View};
use crate::config::keys::Command;
use crate::theme::Theme;
use crate::ui::chrome::hints::{Hint, hint, pair};
use crate::ui::chrome::legend::{self, Legend, Words};
use crate::ui::facts::{heads_to_come, in_columns, scores_to_come, sweep_to_come};
use crate::ui::names::{ABLATED, model_names};
use crate::ui::places::{Body, PanelLayout, Part};
use crate::ui::widgets::area::boxed;
use crate::ui::widgets::text::{center, fit, put, put_centered, right, short, width};
use crate::ui::widgets::values::number;
use crate::ui::widgets::window::window;

/// Columns and rows of a cell, the largest first.
const SIZES: [(u16, u16); 9] = [(7, 3), (7, 2), (6, 2), (5, 2), (5, 1), (4, 1), (3, 1), (2, 1), (1, 1)];
/// Columns before the cells: the mark of the chosen layer, its number, and a blank.
const LABEL: u16 = 5;

/// A statistic of all heads of both models.
pub const FACE: Face = Face { title, hints, legend, place, draw };

fn title(state: &State, _: &str) -> String {
    format!("score map: {}", state.screen.map.statistic.title())
}

fn hints(state: &State) -> Vec<Hint> {
    vec![
        pair(state, (Command::CursorUp, Command::CursorDown), "layer"),
        pair(state, (Command::CursorLeft, Command::CursorRight), "head"),
        hint(state, Command::Open, "open"),
        hint(state, Command::Normalisation, "next statistic"),
        hint(state, Command::OtherModel, "other model"),
        hint(state, Command::AblateHead, "switch it off"),
        hint(state, Command::Back, "back"),
    ]
}

fn legend<'a>(state: &State, _: &Body, words: Words, theme: &'a Theme) -> Option<Legend<'a>> {
    let (scale, statistic) = (scale(state)?, state.screen.map.statistic);
    let bottom = match scale.curve {
        ColorScale::Linear => "0 ".to_owned(),
        ColorScale::Log => format!("≤{} ", short(scale.bottom)),
    };
    let what = match words {
        Words::All => format!("{} ({})", statistic.title(), statistic.unit()),
        Words::Few => format!("{} ({})", statistic.heading(), statistic.unit()),
    };
    let settings = vec![
        (state.keys.hint(Command::Normalisation), what),
        legend::color_scale(state),
        legend::color_map(state, theme),
    ];
    Some(Legend { palette: &theme.values, bottom, top: format!("{:.3}", scale.top), settings })
}

/// The one scale of both models, up to the largest value; nothing while none is known.
fn scale(state: &State) -> Option<Scale> {
    let values = Side::BOTH.into_iter().filter_map(|side| state.screen.map.values(&state.panes, side));
    let known: Vec<f32> = values.flatten().flatten().flatten().collect();
    let is_known = !known.is_empty();
    is_known.then(|| Scale::new(state.display.color_scale, Extent::of(known)))
}

/// Where the cells of a side are.
struct Cells {
    /// The corner of the first one.
    at: (u16, u16),
    /// Columns and rows of each.
    size: (u16, u16),
    /// The layers and heads that are on screen: the chosen one among them.
    layers: Range<usize>,
    heads: Range<usize>,
}

impl Cells {
    /// The largest cells of which all fit into a box, or the smallest ones around the head that is chosen.
    fn of(state: &State, side: Side, frame: Rect) -> Option<Self> {
        let model = &state.pane(side).shown.as_ref()?.capture.model;
        let chosen = state.screen.map.chosen(&state.panes, side)?;
        let body = frame.inner(Margin::new(1, 1));
        let at = (body.x + LABEL, body.y + 1);
        let room = (body.right().saturating_sub(at.0), body.bottom().saturating_sub(at.1));
        let count = |size: (u16, u16)| (usize::from(room.0 / size.0), usize::from(room.1 / size.1));
        let fits = |size: &(u16, u16)| count(*size).0 >= model.heads && count(*size).1 >= model.layers;
        let size = SIZES.into_iter().find(fits).unwrap_or((1, 1));
        let (heads, layers) = count(size);
        let layers = window(chosen.layer().unwrap_or(0), layers, model.layers);
        let heads = window(chosen.head().unwrap_or(0), heads, model.heads);
        Some(Self { at, size, layers, heads })
    }

    fn x(&self, head: usize) -> u16 {
        self.at.0 + (head - self.heads.start) as u16 * self.size.0
    }

    fn y(&self, layer: usize) -> u16 {
        self.at.1 + (layer - self.layers.start) as u16 * self.size.1
    }

    fn area(&self, layer: usize, head: usize) -> Rect {
        Rect { x: self.x(head), y: self.y(layer), width: self.size.0, height: self.size.1 }
    }

    fn all(&self) -> impl Iterator<Item = (usize, usize)> {
        let heads = self.heads.clone();
        self.layers.clone().flat_map(move |layer| heads.clone().map(move |head| (layer, head)))
    }
}

fn place(state: &State, frame: Rect, _: u16) -> Body {
    let parts = |(side, area): (Side, Rect)| {
        let cells = Cells::of(state, side, area);
        let parts = |cells: Cells| {
            let part = |(layer, head)| {
                let view = Some(View::Head { layer, head });
                Part { side, view, area: cells.area(layer, head) }
            };
            cells.all().map(part).collect::<Vec<_>>()
        };
        cells.map(parts).unwrap_or_default()
    };
    let parts = columns(state, frame).into_iter().flat_map(parts).collect();
    Body::Panel(PanelLayout { side: state.panes.focus, frame, parts })
}

fn draw(state: &State, body: &Body, theme: &Theme, buffer: &mut Buffer) {
    let Body::Panel(layout) = body else { return };
    let scale = scale(state);
    for (side, frame) in columns(state, layout.frame) {
        let map = &state.screen.map;
        let shown = state.pane(side).shown.as_ref();
        let parts = shown.zip(map.chosen(&state.panes, side)).zip(map.values(&state.panes, side));
        let Some(((shown, chosen), values)) = parts else {
            draw_box(state, side, frame, (String::new(), Vec::new()), theme, buffer);
            put_centered(buffer, frame, frame.y + frame.height / 2, "nothing is shown yet", theme.chrome.dim);
            continue;
        };
        let chosen = (chosen.layer().unwrap_or(0), chosen.head().unwrap_or(0));
        let value = |(layer, head): (usize, usize)| *values.get(layer)?.get(head)?;
        let what = what(state, side, shown);
        let facts = facts(state, side, chosen, value(chosen));
        draw_box(state, side, frame, (what, facts), theme, buffer);
        let Some(cells) = Cells::of(state, side, frame) else { continue };
        draw_numbers(&cells, chosen, theme, buffer);
        let ablated = state.panes.ablated_heads(side);
        for at in cells.all() {
            let area = cells.area(at.0, at.1);
            let style = draw_cell(area, value(at), scale, theme, buffer);
            if ablated.contains(at.0, at.1) {
                put(buffer, area.right() - 1, area.y, ABLATED, 1, style.add_modifier(Modifier::BOLD));
            }
            if at == chosen {
                mark(area, side == state.panes.focus, style, buffer);
            }
        }
    }
}

/// What a box is of: its model's size, what of it is off, and what is under way.
fn what(state: &State, side: Side, shown: &DisplayedCapture) -> String {
    let (model, ablation) = (&shown.capture.model, &shown.capture.ablation);
    let without = (!ablation.is_empty()).then(|| format!("without {ablation}"));
    let scores = match state.screen.map.statistic.over() {
        Over::Prompt(..) => None,
        Over::Repeated(_) => scores_to_come(state, "↻", shown),
        Over::Sweep => sweep_to_come(state, "KL", shown),
    };
    let size = format!("{} layers × {} heads", model.layers, model.heads);
    let parts = [Some(size), without, heads_to_come(state, side, shown), scores];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// What is known of the chosen head.
fn facts(state: &State, side: Side, (layer, head): (usize, usize), value: Option<f32>) -> Vec<String> {
    let statistic = state.screen.map.statistic;
    let is_ablated = state.panes.ablated_heads(side).contains(layer, head);
    let name = View::Head { layer, head }.short_title() + if is_ablated { " · off" } else { "" };
    let value = value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3} ({})", statistic.unit()));
    vec![format!("{name} · {} {value}", statistic.heading()), statistic.over().to_string()]
}

fn draw_box(
    state: &State,
    side: Side,
    frame: Rect,
    (what, facts): (String, Vec<String>),
    theme: &Theme,
    buffer: &mut Buffer,
) {
    let chrome = &theme.chrome;
    let room = usize::from(frame.width.saturating_sub(4));
    let name = format!(" {} ", model_names(state)[side.index()]);
    let what = fit(&format!(" {what} "), room.saturating_sub(width(&name)));
    let border = if side == state.panes.focus { chrome.focus } else { chrome.border };
    boxed(border)
        .title(Line::from(vec![
            Span::styled(fit(&name, room), chrome.strong),
            Span::styled(what, chrome.dim),
        ]))
        .title_bottom(Span::styled(in_columns(facts, room), chrome.accent))
        .render(frame, buffer);
}

/// The heads' numbers above the cells, as many as there is room for, and the layers' before them.
fn draw_numbers(cells: &Cells, (layer, head): (usize, usize), theme: &Theme, buffer: &mut Buffer) {
    if cells.heads.is_empty() || cells.layers.is_empty() {
        return;
    }
    let style = |is_chosen: bool| if is_chosen { theme.chrome.accent } else { theme.chrome.dim };
    let end = cells.x(cells.heads.end - 1) + cells.size.0;
    let columns = usize::from(cells.size.0);
    let digits = width(&cells.heads.end.to_string());
    let every = (digits + 1).div_ceil(columns.max(1));
    // The chosen head's number comes last, over the others where they are close.
    let numbered = cells.heads.clone().filter(|at| at.is_multiple_of(every) && at.abs_diff(head) >= every);
    for at in numbered.chain([head]) {
        let text = if at == head { format!("▾{at}") } else { at.to_string() };
        let text = if columns > width(&text) { center(&text, columns) } else { text };
        let x = cells.x(at).min(end.saturating_sub(width(&text) as u16)).max(cells.at.0);
        put(buffer, x, cells.at.1 - 1, &text, width(&text), style(at == head));
    }
    for at in cells.layers.clone() {
        let text = format!("{}{}", if at == layer { "▸" } else { " " }, right(&at.to_string(), 3));
        let y = cells.y(at) + (cells.size.1 - 1) / 2;
        put(buffer, cells.at.0 - LABEL, y, &text, usize::from(LABEL), style(at == layer));
    }
}

/// Fills a cell with its colour, or its glyph, and writes its value into it if there is room. Returns its style.
fn draw_cell(
    area: Rect,
    value: Option<f32>,
    scale: Option<Scale>,
    theme: &Theme,
    buffer: &mut Buffer,
) -> Style {
    let columns = usize::from(area.width);
    let middle = area.y + (area.height - 1) / 2;
    let Some((value, scale)) = value.zip(scale) else {
        put(buffer, area.x, middle, &center("–", columns), columns, theme.chrome.masked);
        return theme.chrome.masked;
    };
    let level = scale.level(value);
    let style = theme.values.cell(level);
    let line = theme.values.glyph(level).unwrap_or(' ').to_string().repeat(columns);
    for y in area.top()..area.bottom() {
        put(buffer, area.x, y, &line, columns, style);
    }
    if let Some(number) = number(value, area.width).filter(|_| area.width > 3) {
        let free = area.width.saturating_sub(width(&number) as u16);
        put(buffer, area.x + free / 2, middle, &number, columns, style);
    }
    style
}

/// The chosen head: a cross where there is no more room, and else all of its cell.
fn mark(area: Rect, has_focus: bool, style: Style, buffer: &mut Buffer) {
    if area.width == 1 {
        put(buffer, area.x, area.y, "+", 1, style.add_modifier(Modifier::BOLD));
        return;
    }
    let modifier = if has_focus { Modifier::REVERSED } else { Modifier::UNDERLINED };
    buffer.set_style(area.intersection(buffer.area), Style::new().add_modifier(modifier | Modifier::BOLD));
}
