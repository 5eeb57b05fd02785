//! A pass over the newest prompt, which comes on screen: one that has just run, or one that was kept.

use std::sync::Arc;

use super::action::Effect;
use super::state::State;
use super::state::pane::Pass;
use crate::app::state::side::Side;
use crate::attention::{Capture, escape_controls};
use crate::worker::protocol::Slot;

/// The newest prompt's pass of a slot is here.
pub(super) fn take(state: &mut State, slot: Slot, capture: Arc<Capture>) -> Vec<Effect> {
    if let Some(note) = capture.computed.note {
        state.note = Some(format!("{}: {note}", escape_controls(&capture.model.name)));
    }
    let (job, prompt) = (state.run.job, &state.run.prompt);
    let pane = state.panes.resident_mut(slot);
    pane.pass = Pass::Idle;
    pane.take(job, prompt.clone(), capture.clone(), capture.before.as_deref());
    let request = pane.refresh().map(Effect::Send);
    let before = state.panes.refresh_pin(Side::of(slot), (job, prompt), &capture);
    state.panes.keep_linked();
    request.into_iter().chain(before).collect()
}
