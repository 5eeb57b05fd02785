//! A capture that stays on screen while newer prompts run: in the place of the other model, beside the model
//! that it came from.

use super::look::{follow, point};
use super::pane::Pane;
use super::{Effect, State};
use crate::attention::Capture;
use crate::config::keys::Command;
use crate::worker::protocol::{JobId, Side};

/// A pane that shows what was pinned.
#[derive(Debug, Clone)]
pub struct Pin {
    /// Which.
    pub side: Side,
    /// Whether it is what the model beside it does with all its heads on.
    pub is_before: bool,
    /// The pane whose place it takes; it goes on with its model.
    pub behind: Pane,
}

/// Pins what the focused pane shows in the place of the other pane, or gives the place back.
pub(super) fn toggle(state: &mut State) -> Vec<Effect> {
    if state.pin.is_some() {
        return release(state);
    }
    let effects = put(state, state.focus, false);
    let key = state.keys.hint(Command::Pin);
    state.note = Some(match state.pin {
        Some(_) => format!("pinned: the next prompt comes beside it; {key} unpins"),
        None => "there is nothing to pin yet".to_owned(),
    });
    effects
}

/// Gives the place of what is pinned back.
pub(super) fn release(state: &mut State) -> Vec<Effect> {
    let Some(Pin { side, behind, .. }) = state.pin.take() else { return vec![] };
    *state.pane_mut(side) = behind;
    if state.linked { follow(state, side.other()) } else { vec![] }
}

/// Puts what a model does with all its heads on beside it.
pub(super) fn put_before(state: &mut State, side: Side) -> Vec<Effect> {
    let after = state.pane(side).shown.as_ref().map(|shown| (shown.job, shown.capture.clone()));
    let mut effects = put(state, side, true);
    effects.extend(after.and_then(|(job, after)| renew(state, side, job, &after)));
    effects
}

fn put(state: &mut State, of: Side, is_before: bool) -> Vec<Effect> {
    let Some(pinned) = state.pane(of).pinned() else { return vec![] };
    let side = of.other();
    let behind = std::mem::replace(state.pane_mut(side), pinned);
    state.pin = Some(Pin { side, is_before, behind });
    state.pane_mut(side).refresh().map(Effect::Send).into_iter().collect()
}

/// A model has run without some heads: what it does with all is renewed beside it, if that is what is there.
pub(super) fn renew(state: &mut State, of: Side, job: JobId, after: &Capture) -> Option<Effect> {
    let pin = state.pin.as_ref().filter(|pin| pin.is_before && pin.side == of.other())?;
    let (before, prompt, side) = (after.before.clone()?, state.prompt.clone(), pin.side);
    let pane = state.pane_mut(side);
    pane.take(job, prompt, before, Some(after));
    pane.refresh().map(Effect::Send)
}

/// After a newer prompt has come on screen beside a pinned one, both cursors stand on the same text again.
pub(super) fn keep_linked(state: &mut State) {
    if state.pin.is_some() && state.linked {
        point(state, state.focus, state.focused().cursor);
    }
}
