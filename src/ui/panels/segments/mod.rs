//! The segments of the prompt: for each model a matrix of what they give each other, a row for each segment that looks,
//! and under it a bar for each query of the chosen one.

mod cells;
mod strip;
mod table;

use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Rect};
use ratatui::widgets::Widget;

use super::columns::columns;
use super::face::Face;
use super::model_box::{facts_in_both, model_box};
use crate::app::{ColorScale, Column, Opened, SegmentCells, SegmentStage, Side, State};
use crate::attention::segments::{Lookback, SegmentShares};
use crate::config::keys::Command;
use crate::theme::Theme;
use crate::ui::chrome::hints::{Hint, hint, other_side, pair};
use crate::ui::chrome::legend::{self, Legend, Words};
use crate::ui::facts::{fewer_facts, heads_to_come, nothing_yet, why_not};
use crate::ui::names::{short_view_name, view_names};
use crate::ui::places::{Body, CellPlace, PanelLayout, Part};
use crate::ui::widgets::area::{inset, put_under, take_bottom, take_top};
use crate::ui::widgets::progress::spinner;
use crate::ui::widgets::text::{number, put_notice, short};
use cells::scale;

/// What segments of the prompt give each other.
pub const FACE: Face = Face { title, hints, legend, place, draw };

fn title(state: &State, _: &str) -> Vec<String> {
    let titles = |what: &str| view_names(state).map(|view| format!("segments{what} · {view}"));
    [
        titles(" of the prompt: how much each looks at each"),
        titles(": how much each looks at each"),
        titles(""),
    ]
    .concat()
}

fn hints(state: &State) -> Vec<Hint> {
    vec![
        pair(state, (Command::CursorUp, Command::CursorDown), "who looks"),
        pair(state, (Command::CursorLeft, Command::CursorRight), "at what"),
        hint(state, Command::MarkSpan, "cut otherwise"),
        hint(state, Command::Normalisation, "share, ratio, expected"),
        pair(state, (Command::PreviousLayer, Command::NextLayer), "layer"),
        pair(state, (Command::PreviousHead, Command::NextHead), "head"),
        hint(state, Command::OtherModel, other_side(state)),
        hint(state, Command::Open, "go there"),
        hint(state, Command::Back, "back"),
    ]
}

fn legend<'a>(state: &State, _: &Body, words: Words, theme: &'a Theme) -> Option<Legend<'a>> {
    let map = &state.screen.segments;
    let what = match (map.cells, words) {
        (SegmentCells::Shares, Words::All) => "share of attention, a row and its sink sum to 1",
        (SegmentCells::Shares, Words::Few) => "share",
        (SegmentCells::Ratios, Words::All) => "times what its length alone would give",
        (SegmentCells::Ratios, Words::Few) => "times expected",
        (SegmentCells::Expected, Words::All) => "what its length alone would give",
        (SegmentCells::Expected, Words::Few) => "expected",
    };
    let settings = vec![
        (state.keys.hint(Command::Normalisation), what.to_owned()),
        (state.keys.hint(Command::MarkSpan), format!("by {}", map.cut_by())),
    ];
    if map.cells == SegmentCells::Ratios {
        let (bottom, top) = ("÷4 ".to_owned(), "×4".to_owned());
        return Some(Legend { palette: &theme.differences, bottom, top, settings });
    }
    let (scale, is_clipped) = scale(state)?;
    let bottom = match scale.curve {
        ColorScale::Linear => "0 ".to_owned(),
        ColorScale::Log => format!("≤{} ", short(scale.bottom)),
    };
    let looks = [legend::color_scale(state), legend::color_map(state, theme)];
    let settings = settings.into_iter().chain(looks).collect();
    Some(Legend { palette: &theme.values, bottom, top: legend::top(scale.top, is_clipped), settings })
}

/// A box for each model that there is room for, and their cells.
fn place(state: &State, frame: Rect, _: u16) -> Body {
    let part = |(side, area)| Part { side, view: None, area };
    let parts: Vec<Part> = columns(state, frame).into_iter().map(part).collect();
    let cells = |part: &Part| {
        let map = &state.screen.segments;
        let found = map.found_of(part.side).zip(map.chosen(part.side));
        let places = found.map(|(found, chosen)| {
            let (area, _) = areas(&found.shares, part.area);
            table::places(&found.shares, chosen, area)
        });
        let place = |(row, column, area)| CellPlace { side: part.side, row, column, area };
        places.into_iter().flatten().map(place).collect::<Vec<_>>()
    };
    let cells = parts.iter().flat_map(cells).collect();
    Body::Cells(PanelLayout { side: state.panes.focus, frame, parts }, cells)
}

/// Where the matrix and the strip of a box are.
fn areas(shares: &SegmentShares, frame: Rect) -> (Rect, Rect) {
    let mut rest = frame.inner(Margin::new(1, 1));
    let height = strip::height(rest.height, shares.rows.len());
    let strip = take_bottom(&mut rest, height);
    (rest, strip)
}

fn draw(state: &State, body: &Body, theme: &Theme, buffer: &mut Buffer) {
    let (Body::Cells(layout, _), Opened::Segments) = (body, state.screen.opened()) else { return };
    let scale = scale(state).map(|(scale, _)| scale);
    let about = facts_in_both(state, &layout.parts, |side| about(state, side));
    for part in &layout.parts {
        draw_frame(state, part, &about[part.side.index()], theme, buffer);
        let map = &state.screen.segments;
        let (Some(found), Some(chosen), Some(scale)) =
            (map.found_of(part.side), map.chosen(part.side), scale)
        else {
            draw_notice(state, part.side, part.area.inner(Margin::new(1, 1)), theme, buffer);
            continue;
        };
        let (area, strip) = areas(&found.shares, part.area);
        let has_focus = part.side == state.panes.focus;
        let look = table::Look { cells: map.cells, scale, chosen, has_focus };
        table::draw(&found.shares, &look, area, theme, buffer);
        strip::draw(&found.shares, chosen, strip, theme, buffer);
    }
}

/// Whose attention it is, and what the prompt was cut into.
fn about(state: &State, side: Side) -> Vec<String> {
    let found = state.screen.segments.found_of(side);
    let about = found.map(|found| vec![found.shares.view.short_title(), found.shares.segments.cut_into()]);
    about.unwrap_or_default()
}

fn draw_frame(state: &State, part: &Part, about: &[String], theme: &Theme, buffer: &mut Buffer) {
    let (pane, side, map) = (state.pane(part.side), part.side, &state.screen.segments);
    model_box(state, side, part.area.width, about, theme).render(part.area, buffer);
    let to_come = pane.shown.as_ref().and_then(|shown| heads_to_come(state, side, shown));
    let texts = match (status(state, side).or(to_come), map.found_of(side), map.chosen(side)) {
        (Some(status), ..) => vec![status],
        (None, Some(found), Some(chosen)) => {
            fewer_facts(facts(&found.shares, found.lookback.as_deref(), chosen))
        }
        _ => vec![],
    };
    put_under(part.area, (&texts, theme.chrome.accent), "", theme, buffer);
}

/// What is under way while an older answer is on screen, or went wrong.
fn status(state: &State, side: Side) -> Option<String> {
    let of = state.screen.segments.sides[side.index()].as_ref()?;
    of.found.as_ref()?;
    match &of.stage {
        SegmentStage::Waiting => Some(format!("{} {}", spinner(state), of.view.short_title())),
        SegmentStage::Failed(error) => Some(why_not(state, error)),
        SegmentStage::Known => None,
    }
}

/// The chosen cell in numbers, the most telling first.
fn facts(shares: &SegmentShares, lookback: Option<&Lookback>, (row, column): (usize, Column)) -> Vec<String> {
    let of = &shares.rows[row];
    if of.queries == 0 {
        return vec!["its rows give nothing to any token".to_owned()];
    }
    let mut facts = match column {
        Column::Sink => vec![format!("{} → sink {:.3}", row + 1, of.sink)],
        Column::Key(to) => {
            let expected = of.expected.as_ref().map(|expected| format!("by length {:.3}", expected[to]));
            let ratio = shares.ratio(row, to).map(|ratio| format!("×{}", number(ratio)));
            let share = format!("{} → {}: {:.3}", row + 1, to + 1, of.shares[to]);
            [Some(share), expected, ratio].into_iter().flatten().collect()
        }
    };
    facts.extend(lookback.and_then(|lookback| match lookback.of(shares.view) {
        Some(ratio) => Some(format!("lookback ratio {ratio:.2}")),
        None => {
            let (head, ratio) = lookback.most()?;
            Some(format!("looks back most: {} {ratio:.2}", short_view_name(head)))
        }
    }));
    if column == Column::Key(shares.segments.of(0)) {
        facts.push(format!("{:.3} of it to the first token", of.first));
    }
    facts.push(format!("{} queries", of.queries));
    facts
}

/// What is said before there is an answer.
fn draw_notice(state: &State, side: Side, area: Rect, theme: &Theme, buffer: &mut Buffer) {
    let map = &state.screen.segments;
    let (text, style) = match map.sides[side.index()].as_ref().map(|of| &of.stage) {
        None => (nothing_yet(state, side), theme.chrome.dim),
        Some(SegmentStage::Failed(error)) => {
            let cut = state.keys.hint(Command::MarkSpan);
            (format!("{} · {cut} cuts it otherwise", why_not(state, error)), theme.chrome.error)
        }
        Some(_) => (format!("{} measuring row by row", spinner(state)), theme.chrome.text),
    };
    let mut under = inset(area);
    take_top(&mut under, 1);
    put_notice(buffer, under, &[text], style);
}
