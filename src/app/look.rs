//! What a pane looks at, its view and its cell, and how the other pane follows.

use super::update::NOTHING_SHOWN;
use super::{Cursor, Depth, Effect, Pane, Selection, State, difference, link, zoom};
use crate::attention::{LayerKind, View};
use crate::config::keys::Command;
use crate::worker::protocol::Side;

/// What changes the view, or moves the cursor.
pub(super) fn look(state: &mut State, command: Command) -> Vec<Effect> {
    let zooms = matches!(command, Command::ZoomIn | Command::ZoomOut | Command::Overview);
    if zooms && state.difference.as_ref().is_some_and(|difference| difference.shown().is_some()) {
        state.note = Some("a comparison is as large as it fits".to_owned());
        return vec![];
    }
    if zoom::change(state, command) {
        return vec![];
    }
    if command == Command::LayerKinds {
        return next_layer_kind(state);
    }
    let pane = state.focused();
    if let Some(selection) = pane.selection.changed(command, pane.info()) {
        return select(state, state.focus, selection);
    }
    if difference::moved(state, command) {
        return vec![];
    }
    let pane = state.focused();
    match &pane.shown {
        Some(shown) => {
            if let Some(cursor) = pane.cursor.moved(command, shown.matrix(), pane.viewport) {
                point(state, state.focus, cursor);
            }
        }
        None => state.note = Some(NOTHING_SHOWN.to_owned()),
    }
    vec![]
}

/// Goes from the mean of all layers to that of the sliding ones, of the full ones, and back. Which models have
/// layers of a kind differs: a side without them keeps its mean of all.
fn next_layer_kind(state: &mut State) -> Vec<Effect> {
    let followers = || Side::BOTH.into_iter().filter(|side| state.linked || *side == state.focus);
    let depth = followers().map(|side| state.pane(side).selection.depth).find(|depth| *depth != Depth::Mean);
    let order = [LayerKind::Sliding, LayerKind::Full];
    let shown = order.iter().position(|kind| depth == Some(Depth::Kind(*kind)));
    let after = &order[shown.map_or(0, |at| at + 1)..];
    let has = |kind: LayerKind| {
        let model = |side: Side| state.pane(side).info();
        followers().filter_map(model).any(|model| model.has(View::Kind(kind)))
    };
    let next = after.iter().copied().find(|kind| has(*kind)).map_or(Depth::Mean, Depth::Kind);
    select(state, state.focus, Selection { depth: next, ..state.focused().selection })
}

/// Sets a pane to a view, and the other one after it.
pub(super) fn select(state: &mut State, side: Side, selection: Selection) -> Vec<Effect> {
    let linked = state.linked;
    let pane = state.pane_mut(side);
    pane.selection = pane.info().map_or(selection, |model| selection.within(model));
    let other = state.pane_mut(side.other());
    if linked {
        other.selection = other.selection.following(selection, other.info());
    }
    state.panes.iter_mut().filter_map(Pane::refresh).map(Effect::Send).collect()
}

/// Moves the cursor of a pane, and the other one to the same text.
pub(super) fn point(state: &mut State, side: Side, cursor: Cursor) {
    state.pane_mut(side).point(cursor);
    let (from, to) = (state.pane(side), state.pane(side.other()));
    if let Some(cursor) = link::same_place(from, from.cursor, to).filter(|_| state.linked) {
        state.pane_mut(side.other()).point(cursor);
    }
}

/// Brings the other pane to view and cursor of one, if they are linked.
pub(super) fn follow(state: &mut State, side: Side) -> Vec<Effect> {
    let (selection, cursor) = (state.pane(side).selection, state.pane(side).cursor);
    let effects = select(state, side, selection);
    point(state, side, cursor);
    effects
}
