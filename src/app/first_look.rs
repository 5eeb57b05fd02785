//! Where one looks first: at the strongest cell of the newest row, on both sides at the same text.

use super::{Column, Cursor, State, link};
use crate::attention::{CausalMatrix, Normalisation};
use crate::worker::protocol::Side;

impl Cursor {
    /// The largest value that the last row gives to a token, by the rule that is shown; the first of several.
    fn strongest(matrix: &CausalMatrix, rule: Normalisation) -> Self {
        let start = Self::start(matrix);
        if matrix.size() == 0 {
            return start;
        }
        let row = rule.row(matrix, start.query);
        let larger = |best: Option<(usize, f32)>, cell: (usize, f32)| match best {
            Some((_, value)) if value >= cell.1 => best,
            _ => Some(cell),
        };
        row.keys().fold(None, larger).map_or(start, |(key, _)| Self { column: Column::Key(key), ..start })
    }
}

/// Puts the cursors of panes with a new text on their first place. Where the user chose another, panes aren't new.
pub(super) fn refresh(state: &mut State) {
    let rule = state.rules.normalisation;
    let is_new = Side::BOTH.map(|side| std::mem::take(&mut state.pane_mut(side).is_new));
    if is_new == [false; 2] {
        return;
    }
    for side in Side::BOTH.into_iter().filter(|side| is_new[side.index()]) {
        let matrix = state.pane(side).shown.as_ref().map(|shown| shown.matrix());
        if let Some(cursor) = matrix.map(|matrix| Cursor::strongest(matrix, rule)) {
            put(state, side, cursor);
        }
    }
    let (from, to) = (state.focused(), state.pane(state.focus.other()));
    let prompt = |pane: &super::Pane| pane.shown.as_ref().map(|shown| shown.prompt.clone());
    let are_beside = prompt(from) == prompt(to) || state.pin.is_some();
    if let Some(cursor) = link::same_place(from, from.cursor, to).filter(|_| state.linked && are_beside) {
        put(state, state.focus.other(), cursor);
    }
}

fn put(state: &mut State, side: Side, cursor: Cursor) {
    let pane = state.pane_mut(side);
    pane.point(cursor);
    pane.first_look = Some(pane.cursor);
}
