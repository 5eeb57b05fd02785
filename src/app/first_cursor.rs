//! Where one looks first: at the strongest cell of the newest row, on both sides at the same text.

use super::panels::Panes;
use super::state::cursor::Cursor;
use super::state::link;
use super::state::pane::Pane;
use crate::app::state::side::Side;
use crate::attention::Normalisation;

/// Puts the cursors of panes with a new text on their first place. Where the user chose another, panes aren't new.
pub(super) fn refresh(panes: &mut Panes, normalisation: Normalisation) {
    let is_new = panes.both.each_mut().map(|pane| std::mem::take(&mut pane.is_new));
    if is_new == [false; 2] {
        return;
    }
    for side in Side::BOTH.into_iter().filter(|side| is_new[side.index()]) {
        let matrix = panes.pane(side).shown.as_ref().map(|shown| shown.matrix());
        if let Some(cursor) =
            matrix.map(|matrix| Cursor::at_strongest(matrix, normalisation, Cursor::start(matrix).query))
        {
            put(panes.pane_mut(side), cursor);
        }
    }
    let (from, to) = (panes.focused(), panes.pane(panes.focus.other()));
    let prompt = |pane: &Pane| pane.shown.as_ref().map(|shown| shown.prompt.clone());
    let are_beside = prompt(from) == prompt(to) || panes.pin.is_some();
    if let Some(cursor) = link::same_place(from, from.cursor, to).filter(|_| panes.linked && are_beside) {
        put(panes.pane_mut(panes.focus.other()), cursor);
    }
}

fn put(pane: &mut Pane, cursor: Cursor) {
    pane.point(cursor);
    pane.first_cursor = Some(pane.cursor);
}
