//! The head grid: a small picture of every head of a model, a row per layer, as many as there is room for.

use ratatui::buffer::Buffer;
use ratatui::layout::{Alignment, Margin, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::face::Face;
use super::model_box::model_box;
use crate::app::{ColorScale, DisplayedCapture, Opened, Scale, Selection, State};
use crate::attention::{Ablation, ModelInfo, View};
use crate::config::keys::Command;
use crate::theme::Theme;
use crate::ui::chrome::hints::{Hint, hint, other_side, pair};
use crate::ui::chrome::legend::{self, Legend, Words};
use crate::ui::facts::{head_facts, heads_to_come, in_columns};
use crate::ui::names::ABLATED;
use crate::ui::places::{Body, PanelLayout, Part};
use crate::ui::widgets::pixels::{draw_awaited, draw_pixels};
use crate::ui::widgets::text::{center, fit, put, right, short, width};
use crate::ui::widgets::window::window;

/// Rows of a picture, which has twice as many columns, and blank rows below it, the largest first.
const SIZES: [(usize, usize); 9] =
    [(16, 1), (12, 1), (10, 1), (8, 1), (7, 1), (6, 1), (5, 1), (4, 1), (3, 1)];
/// The picture where not all can be on screen at once.
const SCROLLED: (usize, usize) = (3, 1);
/// Columns before the pictures, for the layers' numbers.
const LABEL: u16 = 5;
/// Columns between two pictures, for the marks beside them.
const GAP: usize = 2;

/// All heads of the focused model.
pub const FACE: Face = Face { title, hints, legend, place, draw };

fn title(_: &State, other: &str) -> Vec<String> {
    ["all heads of a model, a row per layer", "all heads of a model"]
        .map(|what| format!("{what}{other}"))
        .into()
}

fn hints(state: &State) -> Vec<Hint> {
    vec![
        pair(state, (Command::CursorUp, Command::CursorDown), "layer"),
        pair(state, (Command::CursorLeft, Command::CursorRight), "head"),
        hint(state, Command::Open, "open"),
        hint(state, Command::Back, "back"),
        hint(state, Command::OtherModel, other_side(state)),
    ]
}

fn legend<'a>(state: &State, _: &Body, _: Words, theme: &'a Theme) -> Option<Legend<'a>> {
    let scale = scale(state, state.focused().shown.as_ref()?);
    let bottom = match scale.curve {
        ColorScale::Linear => "0 ".to_owned(),
        ColorScale::Log => format!("≤{} ", short(scale.bottom)),
    };
    let what = if legend::is_value_weighted(state) { "‖α·v W_O‖, raw" } else { "raw" };
    let settings = vec![
        ("heads".to_owned(), what.to_owned()),
        legend::color_scale(state),
        ("top".to_owned(), "of all, first rows are ignored".to_owned()),
        legend::color_map(state, theme),
    ];
    Some(Legend { palette: &theme.values, bottom, top: format!("≥{:.3}", scale.top), settings })
}

/// The head that is chosen, of those that the model on screen has.
fn chosen(state: &State, shown: &DisplayedCapture) -> Selection {
    let chosen = match state.screen.opened() {
        Opened::Grid(grid) => grid.chosen,
        _ => Selection::default(),
    };
    chosen.within(&shown.capture.model)
}

/// The heads that are on screen: those around the chosen one, if there isn't room for all.
fn place(state: &State, frame: Rect, _: u16) -> Body {
    let side = state.panes.focus;
    let parts = state.pane(side).shown.as_ref().map(|shown| parts(state, shown, frame)).unwrap_or_default();
    let part = |(view, area)| Part { side, view: Some(view), area };
    Body::Panel(PanelLayout { side, frame, parts: parts.into_iter().map(part).collect() })
}

fn parts(state: &State, shown: &DisplayedCapture, frame: Rect) -> Vec<(View, Rect)> {
    let model = &shown.capture.model;
    let body = frame.inner(Margin::new(1, 1));
    let (x, y) = (body.x + LABEL, body.y + 1);
    let room = (usize::from(body.right().saturating_sub(x)), usize::from(body.bottom().saturating_sub(y)));
    let count =
        |(rows, blank): (usize, usize)| (room.0 / (2 * rows + GAP), (room.1 + blank) / (rows + blank));
    let all = |size: &(usize, usize)| count(*size).0 >= model.heads && count(*size).1 >= model.layers;
    let (rows, blank) = SIZES.into_iter().find(all).unwrap_or(SCROLLED);
    let (heads, layers) = count((rows, blank));
    let chosen = chosen(state, shown);
    let layers = window(chosen.layer, layers, model.layers);
    let heads = window(chosen.head, heads, model.heads);
    let area = |layer: usize, head: usize| Rect {
        x: x + ((head - heads.start) * (2 * rows + GAP)) as u16,
        y: y + ((layer - layers.start) * (rows + blank)) as u16,
        width: 2 * rows as u16,
        height: rows as u16,
    };
    let row = |layer| heads.clone().map(move |head| (layer, head));
    let places = layers.clone().flat_map(row);
    places.map(|(layer, head)| (View::Head { layer, head }, area(layer, head))).collect()
}

/// The one colour scale of all heads, whichever are on screen.
fn scale(state: &State, shown: &DisplayedCapture) -> Scale {
    Scale::new(state.display.color_scale, shown.heads_extent())
}

/// Draws pictures, numbers, and what the chosen head does.
fn draw(state: &State, body: &Body, theme: &Theme, buffer: &mut Buffer) {
    let Body::Panel(layout) = body else { return };
    let pane = state.pane(layout.side);
    let Some(shown) = &pane.shown else { return };
    let chosen = chosen(state, shown).view().attention();
    let (scale, ablated) = (scale(state, shown), state.panes.ablated_heads(layout.side));
    draw_frame(state, shown, layout, (chosen, &ablated), theme, buffer);
    for &Part { view, area, .. } in &layout.parts {
        let Some(view) = view else { continue };
        draw_numbers(layout, (view, area), chosen, theme, buffer);
        let (layer, head) = (view.layer().unwrap_or(0), view.head().unwrap_or(0));
        match shown.picture(view) {
            Some(picture) => draw_pixels(picture, scale, area, theme, buffer),
            None => draw_awaited(area, theme, buffer),
        }
        if ablated.contains(layer, head) {
            // Over the future, where the picture is blank.
            put(buffer, area.right() - 1, area.y, ABLATED, 1, theme.chrome.accent);
        }
        let (left, right, style) = match () {
            () if view == chosen => ("▐", "▌", theme.chrome.accent),
            () if view == pane.selection.view().attention() => ("│", "│", theme.chrome.text),
            () => continue,
        };
        for y in area.rows().map(|row| row.y) {
            put(buffer, area.x - 1, y, left, 1, style);
            put(buffer, area.right(), y, right, 1, style);
        }
    }
}

fn draw_frame(
    state: &State,
    shown: &DisplayedCapture,
    layout: &PanelLayout,
    (chosen, ablated): (View, &Ablation),
    theme: &Theme,
    buffer: &mut Buffer,
) {
    let (model, chrome) = (&shown.capture.model, &theme.chrome);
    let size = format!("{} layers × {} heads", model.layers, model.heads);
    let what = [heads_to_come(state, layout.side, shown), Some(size)];
    let what: Vec<String> = what.into_iter().flatten().collect();
    let mut facts = head_facts(state, layout.side, shown, chosen);
    let is_ablated = chosen.head().is_some_and(|head| ablated.contains(chosen.layer().unwrap_or(0), head));
    facts.insert(0, format!("{}{}", chosen.short_title(), if is_ablated { " · off" } else { "" }));
    let room = usize::from(layout.frame.width.saturating_sub(5));
    // Which of them are on screen is said first: what isn't, nobody would miss.
    let part = part(&layout.parts, model).map(|part| fit(&part, room));
    let room = room - part.as_deref().map_or(0, width);
    let mut block = model_box(state, layout.side, layout.frame.width, &what, theme)
        .title_bottom(Span::styled(in_columns(facts, room), chrome.accent));
    if let Some(part) = part {
        block = block.title_bottom(Line::from(Span::styled(part, chrome.dim)).alignment(Alignment::Right));
    }
    block.render(layout.frame, buffer);
}

/// Which layers and heads are on screen, where not all of them are.
fn part(parts: &[Part], model: &ModelInfo) -> Option<String> {
    let ends = |what: &str, number: fn(View) -> Option<usize>, count: usize| {
        let number = |part: Option<&Part>| number(part?.view?);
        let (first, last) = (number(parts.first())?, number(parts.last())?);
        let which =
            if first == last { format!("{what} {first}") } else { format!("{what}s {first}–{last}") };
        (last - first + 1 < count).then(|| format!("{which} of {count}"))
    };
    let parts = [ends("layer", View::layer, model.layers), ends("head", View::head, model.heads)];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| format!(" {} ", parts.join(", ")))
}

/// The head's number above the first row of pictures, the layer's before the first column.
fn draw_numbers(
    layout: &PanelLayout,
    (view, area): (View, Rect),
    chosen: View,
    theme: &Theme,
    buffer: &mut Buffer,
) {
    let Some(&Part { view: Some(first), area: corner, .. }) = layout.parts.first() else { return };
    let style = |on: bool| if on { theme.chrome.accent } else { theme.chrome.dim };
    let number = |number: Option<usize>| number.unwrap_or(0).to_string();
    if view.layer() == first.layer() {
        let text = center(&number(view.head()), usize::from(area.width));
        put(buffer, area.x, corner.y - 1, &text, width(&text), style(view.head() == chosen.head()));
    }
    if view.head() == first.head() {
        let room = usize::from(LABEL) - 2;
        let text = right(&fit(&number(view.layer()), room), room);
        let y = area.y + (area.height - 1) / 2;
        put(buffer, corner.x - LABEL, y, &text, room, style(view.layer() == chosen.layer()));
    }
}
