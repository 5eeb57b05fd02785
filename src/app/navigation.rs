//! What changes the view of the panes, the size of their cells, or the cursor.

use super::action::Effect;
use super::state::State;
use super::state::cursor::Cursor;
use super::state::notes::NOTHING_SHOWN;
use super::state::pane::Pane;
use super::state::zoom::{self, Zoom};
use crate::attention::View;
use crate::config::keys::Command;

/// Does what a command says about views, cells and the cursor.
pub(super) fn navigate(state: &mut State, command: Command) -> Vec<Effect> {
    let zooms = matches!(command, Command::ZoomIn | Command::ZoomOut | Command::Overview);
    if zooms && state.screen.difference.as_ref().is_some_and(|difference| difference.shown().is_some()) {
        state.note = Some("a comparison is as large as it fits".to_owned());
        return vec![];
    }
    if zooms && state.shows_text().is_some() {
        state.note =
            Some(format!("a text has one size: {} shows the matrix", state.keys.hint(Command::Text)));
        return vec![];
    }
    if zooms {
        zoom(state, command);
        return vec![];
    }
    if command == Command::LayerKinds {
        return state.panes.next_layer_kind();
    }
    let pane = state.panes.focused();
    if let Some(selection) = pane.selection.changed(command, pane.info()) {
        return state.panes.select(state.panes.focus, selection);
    }
    let difference = state.screen.difference.as_mut();
    if difference.is_some_and(|difference| difference.command(command, &mut state.panes)) {
        return vec![];
    }
    let pane = state.panes.focused();
    match &pane.shown {
        Some(shown) => {
            if let Some(cursor) = pane.cursor.moved(command, shown.matrix(), pane.viewport) {
                state.panes.point(state.panes.focus, cursor);
            }
        }
        None => state.note = Some(NOTHING_SHOWN.to_owned()),
    }
    vec![]
}

/// Zooms as a command says, with the cursor's cell in the middle.
fn zoom(state: &mut State, command: Command) {
    let is_shown = state.panes.shown().next().is_some();
    let (cell, is_cut, is_whole) = (state.panes.focused().viewport.cell, state.is_cut(), state.is_whole());
    let zoom = match command {
        Command::Overview | Command::ZoomIn if is_whole => Ok(Zoom::Fit),
        Command::Overview if is_shown && !is_cut => Err("all of it is on screen"),
        Command::Overview => Ok(if state.display.zoom == Zoom::Whole { Zoom::Fit } else { Zoom::Whole }),
        _ if !is_shown => Err(NOTHING_SHOWN),
        Command::ZoomIn => zoom::larger(cell).ok_or("cells are as large as they get"),
        _ if is_whole || !is_cut => Err("all of it is on screen"),
        _ => Ok(zoom::smaller(cell).unwrap_or(Zoom::Whole)),
    };
    match zoom {
        Ok(zoom) => state.display.zoom = zoom,
        Err(why) => {
            state.note = Some(why.to_owned());
            if command == Command::Overview {
                state.display.zoom = Zoom::Whole;
            }
        }
    }
    state.panes.both.iter_mut().for_each(Pane::center);
}

/// Points to a cell of the difference; false if none is on screen.
pub(super) fn point_compared(state: &mut State, cursor: Cursor) -> bool {
    let difference = state.screen.difference.as_mut();
    difference.is_some_and(|difference| difference.point(cursor, &mut state.panes))
}

/// Leaves the difference where there is no view to go back to. Returns whether it did.
pub(super) fn leave_difference(state: &mut State) -> bool {
    let is_last = state.panes.focused().selection.view() == View::Mean;
    state.screen.difference.take_if(|_| is_last).is_some()
}

/// Has what is on screen compared, if that has changed. Where nothing can be compared, the panes are shown again, and
/// it is said why.
pub(super) fn refresh_difference(state: &mut State) -> Option<Effect> {
    match state.screen.difference.as_mut()?.refresh(&state.panes) {
        Ok(request) => request.map(Effect::Send),
        Err(why) => {
            give_difference_up(state, why.to_owned());
            None
        }
    }
}

/// Shows the panes again and says why.
pub(super) fn give_difference_up(state: &mut State, why: String) {
    state.note = Some(why);
    state.screen.difference = None;
}
