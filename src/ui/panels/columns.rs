//! How the area between title and legend is shared.

use ratatui::layout::Rect;

use crate::app::{DisplayedCapture, Side, State};
use crate::ui::places::{Body, PanelLayout, Part};
use crate::ui::widgets::area::take_bottom;

/// Columns from which both panes are shown.
const BOTH_FROM: u16 = 64;

/// Both sides next to each other, or the one that keys go to: where there is no room for both, or it is to have all
/// of it.
pub fn columns(state: &State, area: Rect) -> Vec<(Side, Rect)> {
    let both = area.width >= BOTH_FROM && !state.display.one_pane;
    let sides = if both { Side::BOTH.to_vec() } else { vec![state.panes.focus] };
    let width = area.width / sides.len() as u16;
    let column = |(at, side): (usize, &Side)| {
        let x = area.x + at as u16 * width;
        let width = if at + 1 == sides.len() { area.right() - x } else { width };
        (*side, Rect { x, width, ..area })
    };
    sides.iter().enumerate().map(column).collect()
}

/// A box for each model that there is room for: the place of a panel that shows one beside the other.
pub fn boxes(state: &State, frame: Rect, _: u16) -> Body {
    let part = |(side, area)| Part { side, view: None, area };
    let parts = columns(state, frame).into_iter().map(part).collect();
    Body::Panel(PanelLayout { side: state.panes.focus, frame, parts })
}

/// Cuts off what is written under panes on a screen of so many rows.
pub fn take_inspector(state: &State, rest: &mut Rect, screen: u16) -> Rect {
    let height = match screen {
        0..14 => 1,
        14..22 => 2,
        22..32 => 3,
        32..42 => 7.min(most_lines(state)),
        _ => 10.min(most_lines(state)),
    };
    take_bottom(rest, height)
}

/// Lines that can be filled under a pane: the cell, what would come next, and a line per column.
fn most_lines(state: &State) -> u16 {
    let columns =
        |shown: &DisplayedCapture| shown.matrix().size() + usize::from(shown.matrix().sinks().is_some());
    let most = state.panes.shown().map(columns).max();
    let moved =
        state.panes.iter().any(|pane| pane.shown.as_ref().is_some_and(|s| s.capture.before.is_some()));
    most.map_or(3, |columns| columns.min(64) as u16 + 2 + u16::from(moved))
}
