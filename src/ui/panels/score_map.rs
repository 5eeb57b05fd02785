//! The score map: for each model a cell per head, a row per layer, in the colour of a statistic.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::Span;
use ratatui::widgets::Widget;

use super::columns::columns;
use super::face::Face;
use super::model_box::{model_box, room};
use crate::app::{ColorScale, DisplayedCapture, Extent, Scale, Side, State};
use crate::attention::{Over, View};
use crate::config::keys::Command;
use crate::theme::Theme;
use crate::ui::chrome::hints::{Hint, hint, other_side, pair};
use crate::ui::chrome::legend::{self, Legend, Words};
use crate::ui::facts::{heads_to_come, in_columns, nothing_yet, scores_to_come, sweep_to_come};
use crate::ui::names::ABLATED;
use crate::ui::places::{Body, PanelLayout, Part};
use crate::ui::widgets::heatmap::{Cells, Sign, draw_cell, draw_numbers, mark};
use crate::ui::widgets::text::{put, put_centered, short};
use crate::vocabulary::Instead;

/// A statistic of all heads of both models.
pub const FACE: Face = Face { title, hints, legend, place, draw };

fn title(state: &State, _: &str) -> Vec<String> {
    let statistic = state.screen.map.statistic;
    [statistic.title(), statistic.short_id().to_owned()].map(|what| format!("score map: {what}")).into()
}

fn hints(state: &State) -> Vec<Hint> {
    vec![
        pair(state, (Command::CursorUp, Command::CursorDown), "layer"),
        pair(state, (Command::CursorLeft, Command::CursorRight), "head"),
        hint(state, Command::Open, "open"),
        hint(state, Command::Normalisation, "next statistic"),
        hint(state, Command::OtherModel, other_side(state)),
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
fn cells(state: &State, side: Side, frame: Rect) -> Option<Cells> {
    let model = &state.pane(side).shown.as_ref()?.capture.model;
    let chosen = state.screen.map.chosen(&state.panes, side)?;
    let chosen = (chosen.layer().unwrap_or(0), chosen.head().unwrap_or(0));
    Some(Cells::of(frame, (model.layers, model.heads), chosen))
}

fn place(state: &State, frame: Rect, _: u16) -> Body {
    let parts = |(side, area): (Side, Rect)| {
        let cells = cells(state, side, area);
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
            draw_box(state, side, frame, (Vec::new(), Vec::new()), theme, buffer);
            let why = nothing_yet(state, side);
            put_centered(buffer, frame, frame.y + frame.height / 2, &why, theme.chrome.dim);
            continue;
        };
        let chosen = (chosen.layer().unwrap_or(0), chosen.head().unwrap_or(0));
        let value = |(layer, head): (usize, usize)| *values.get(layer)?.get(head)?;
        let what = what(state, side, shown);
        let facts = facts(state, side, chosen, value(chosen));
        draw_box(state, side, frame, (what, facts), theme, buffer);
        let Some(cells) = cells(state, side, frame) else { continue };
        draw_numbers(&cells, chosen, theme, buffer);
        let ablated = state.panes.ablated_heads(side);
        for at in cells.all() {
            let area = cells.area(at.0, at.1);
            let style = draw_cell(area, value(at), (scale, Sign::Above), theme, buffer);
            if ablated.contains(at.0, at.1) {
                put(buffer, area.right() - 1, area.y, ABLATED, 1, style.add_modifier(Modifier::BOLD));
            }
            if at == chosen {
                mark(area, side == state.panes.focus, style, buffer);
            }
        }
    }
}

/// What is under way in a box, and its model's size.
fn what(state: &State, side: Side, shown: &DisplayedCapture) -> Vec<String> {
    let model = &shown.capture.model;
    let scores = match state.screen.map.statistic.over() {
        Over::Prompt(..) => None,
        Over::Repeated(_) => scores_to_come(state, "↻", shown),
        Over::Sweep => sweep_to_come(state, "KL", shown),
    };
    let size = format!("{} layers × {} heads", model.layers, model.heads);
    let parts = [heads_to_come(state, side, shown), scores, Some(size)];
    parts.into_iter().flatten().collect()
}

/// What is known of the chosen head.
fn facts(state: &State, side: Side, (layer, head): (usize, usize), value: Option<f32>) -> Vec<String> {
    let statistic = state.screen.map.statistic;
    let is_ablated = state.panes.ablated_heads(side).contains(layer, head);
    let name = View::Head { layer, head }.short_title() + if is_ablated { " · off" } else { "" };
    let value = value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3} ({})", statistic.unit()));
    let swept = state.pane(side).shown.as_ref().and_then(|shown| shown.swept());
    let by_mean = swept.filter(|swept| statistic.needs_sweep() && swept.instead == Instead::Mean);
    let mut facts = vec![format!("{name} · {} {value}", statistic.heading())];
    // Not nothing, which is usual.
    facts.extend(by_mean.map(|_| "at its mean".to_owned()));
    facts.push(statistic.over().to_string());
    facts
}

fn draw_box(
    state: &State,
    side: Side,
    frame: Rect,
    (what, facts): (Vec<String>, Vec<String>),
    theme: &Theme,
    buffer: &mut Buffer,
) {
    model_box(state, side, frame.width, &what, theme)
        .title_bottom(Span::styled(in_columns(facts, room(frame.width)), theme.chrome.accent))
        .render(frame, buffer);
}
