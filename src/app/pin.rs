//! A capture that stays on screen while newer prompts run: in the place of the other model, beside the model
//! that it came from.

use super::pane::Pane;
use super::update::{follow, point};
use super::{Effect, State};
use crate::config::keys::Command;
use crate::worker::protocol::Side;

/// A pane that shows what was pinned.
#[derive(Debug, Clone)]
pub struct Pin {
    /// Which.
    pub side: Side,
    /// The pane whose place it takes; it goes on with its model.
    pub behind: Pane,
}

/// Pins what the focused pane shows in the place of the other pane, or gives the place back.
pub(super) fn toggle(state: &mut State) -> Vec<Effect> {
    if let Some(Pin { side, behind }) = state.pin.take() {
        *state.pane_mut(side) = behind;
        return if state.linked { follow(state, side.other()) } else { vec![] };
    }
    let Some(pinned) = state.focused().pinned() else {
        state.note = Some("there is nothing to pin yet".to_owned());
        return vec![];
    };
    let side = state.focus.other();
    let behind = std::mem::replace(state.pane_mut(side), pinned);
    state.pin = Some(Pin { side, behind });
    let key = state.keys.hint(Command::Pin);
    state.note = Some(format!("pinned: the next prompt comes beside it; {key} unpins"));
    state.pane_mut(side).refresh().map(Effect::Send).into_iter().collect()
}

/// After a newer prompt has come on screen beside a pinned one, both cursors stand on the same text again.
pub(super) fn keep_linked(state: &mut State) {
    if state.pin.is_some() && state.linked {
        point(state, state.focus, state.focused().cursor);
    }
}
