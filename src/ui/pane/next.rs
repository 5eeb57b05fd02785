//! What the models would write next: the likeliest tokens and, where one is drawn, that one; a mark is before
//! the one that would be appended.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::{Side, State};
use crate::attention::{NO_OUTPUT_HEAD, NextToken};
use crate::theme::Theme;
use crate::ui::names::visible;
use crate::ui::places::PaneLayout;
use crate::ui::widgets::bar::bar;
use crate::ui::widgets::text::{fit, put, put_line, right, width};
use crate::vocabulary::{TextColoring, signed};
use crate::worker::protocol::Sampling;

/// Columns of a probability: `100.0%`.
const SHARE: usize = 6;
/// Columns of a change, and of the blank after it: `+100.0 `.
const CHANGE: usize = 7;

/// In a line: as many as there is room for, the marked one among them.
pub fn in_a_line(state: &State, layout: &PaneLayout, area: Rect, theme: &Theme, buffer: &mut Buffer) {
    let listed = state.candidates(layout.side);
    let marked = state.marked(layout.side);
    let change = |next: &NextToken| {
        change(state, layout.side, next).map_or_else(String::new, |change| format!(" {change}"))
    };
    // A mark before a token's text, and a blank after it.
    let beside = |next: &NextToken| 3 + width(&share(next)) + width(&change(next));
    let heading = heading(state, layout.side).concat();
    let mut room = usize::from(area.width).saturating_sub(width(&heading).max(5));
    let pair: Vec<&NextToken> = listed.first().into_iter().chain(listed.get(marked)).copied().collect();
    let needed: usize = pair.iter().map(|next| width(&visible(next)) + beside(next)).sum();
    // Both are in sight, cut if need be: the likeliest, and the one that would be appended.
    let is_tight = marked > 0 && needed > room;
    let most = if is_tight {
        room.saturating_sub(pair.iter().map(|next| beside(next)).sum()) / 2
    } else {
        usize::MAX
    };
    let name = |next: &NextToken| fit(&visible(next), most);
    let columns = |next: &NextToken| width(&name(next)) + beside(next);
    // Then what there is room for, the likeliest first.
    let rest = (1..listed.len()).filter(|at| *at != marked);
    let mut on_screen = Vec::new();
    for at in [0].into_iter().chain((marked > 0).then_some(marked)).chain(rest) {
        let Some(next) = listed.get(at).filter(|next| columns(next) <= room) else { break };
        room -= columns(next);
        on_screen.push(at);
    }
    on_screen.sort_unstable();
    let mut x = put(buffer, area.x, area.y, &heading, area.width.into(), theme.chrome.dim);
    if has_no_head(state, layout.side) {
        put(buffer, x + 2, area.y, NO_OUTPUT_HEAD, room, theme.chrome.text);
        return;
    }
    for (at, next) in on_screen.into_iter().map(|at| (at, listed[at])) {
        let rest = Rect { x, width: area.right().saturating_sub(x), ..area };
        let mark = if at == marked { " ▸" } else { "  " };
        let pieces = [
            (mark.to_owned(), theme.chrome.accent),
            (format!("{} ", name(next)), theme.chrome.text),
            (share(next), theme.chrome.strong),
            (change(next), theme.chrome.accent),
        ];
        x = put_line(buffer, rest, pieces);
    }
}

/// A line for each, with bars that compare between the two sides.
pub fn with_bars(state: &State, layout: &PaneLayout, area: Rect, theme: &Theme, buffer: &mut Buffer) {
    let chrome = &theme.chrome;
    let room = usize::from(area.width);
    let Sampling { temperature, top_p, seed } = state.run.sampling;
    let listed = state.candidates(layout.side);
    let changes: Vec<Option<String>> = listed.iter().map(|next| change(state, layout.side, next)).collect();
    let changing = if changes.iter().any(Option::is_some) { CHANGE } else { 0 };
    let begin = heading(state, layout.side).concat();
    let heading = match state.run.is_drawn {
        _ if has_no_head(state, layout.side) => format!("{begin}: {NO_OUTPUT_HEAD}"),
        true => format!("{begin}: T {temperature}, p {top_p}, seed {seed}"),
        false if changing > 0 => format!("{begin}, and its change"),
        false => format!("{begin}, likeliest first"),
    };
    put(buffer, area.x, area.y, &fit(&heading, room), room, chrome.dim);
    let marked = state.marked(layout.side);
    let on_screen = in_sight(listed.len(), marked, usize::from(area.height.saturating_sub(1)));
    let names = listed.iter().map(|next| width(&visible(next))).max().unwrap_or(0).min(room / 3);
    let bars = room.saturating_sub(names + SHARE + changing + 4);
    let largest = Side::BOTH
        .into_iter()
        .flat_map(|side| state.candidates(side))
        .map(|next| next.probability)
        .fold(f32::MIN_POSITIVE, f32::max);
    for (y, at) in (area.y + 1..area.bottom()).zip(on_screen) {
        let next = listed[at];
        let (mark, style) = if at == marked { ("▸ ", chrome.accent) } else { ("  ", chrome.text) };
        let x = put(buffer, area.x, y, mark, 2, chrome.accent);
        put(buffer, x, y, &fit(&visible(next), names), names, style);
        let x = x + names as u16 + 1;
        let x = put(buffer, x, y, &format!("{:>SHARE$}", share(next)), SHARE, chrome.strong) + 1;
        let text = changes[at].as_deref().unwrap_or_default();
        put(buffer, x, y, &right(text, changing.saturating_sub(1)), changing, chrome.accent);
        let x = x + changing as u16;
        put(buffer, x, y, &bar(next.probability / largest, bars), bars, chrome.bar);
    }
}

/// What is listed. Where a text is coloured by the push on what comes after a token in its midst, it is said that this is what
/// comes after its end.
fn heading(state: &State, side: Side) -> [&'static str; 2] {
    let pane = state.pane(side);
    let tokens = pane.shown.as_ref().map_or(0, |shown| shown.capture.tokens.len());
    let is_of_another = state.shows_text() == Some(TextColoring::Push) && pane.token() + 1 < tokens;
    [if state.run.is_drawn { "drawn" } else { "next" }, if is_of_another { " at the end" } else { "" }]
}

fn has_no_head(state: &State, side: Side) -> bool {
    let shown = state.pane(side).shown.as_ref();
    shown.is_some_and(|shown| !shown.capture.model.has_output_head)
}

/// The listed tokens that are on screen in so many rows: the likeliest, and the marked one in the last row where it would
/// not be among them.
fn in_sight(listed: usize, marked: usize, rows: usize) -> Vec<usize> {
    let mut on_screen: Vec<usize> = (0..listed.min(rows)).collect();
    if marked >= rows
        && rows > 1
        && let Some(last) = on_screen.last_mut()
    {
        *last = marked;
    }
    on_screen
}

/// By how many hundredths heads that are off raise or lower a next token's probability: `+9.8`; `=` if by none
/// that is seen.
fn change(state: &State, side: Side, next: &NextToken) -> Option<String> {
    let change = signed(state.pane(side).shown.as_ref()?.change(next)? * 100.0, 1);
    Some(if change == "0.0" { "=".to_owned() } else { change })
}

fn share(next: &NextToken) -> String {
    format!("{:.1}%", next.probability * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likeliest_is_always_in_sight_and_the_marked_one_with_it() {
        assert_eq!(in_sight(12, 0, 4), [0, 1, 2, 3]);
        assert_eq!(in_sight(12, 3, 4), [0, 1, 2, 3]);
        assert_eq!(in_sight(12, 11, 4), [0, 1, 2, 11]);
        assert_eq!(in_sight(2, 1, 4), [0, 1]);
        assert_eq!(in_sight(12, 11, 1), [0], "one row is the likeliest's");
        assert_eq!(in_sight(12, 11, 0), [] as [usize; 0]);
    }
}
