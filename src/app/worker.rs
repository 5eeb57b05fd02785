//! What the worker's reports change. Reports about an older prompt change nothing.

use super::pane::{Load, Pass};
use super::{Effect, State};
use crate::worker::protocol::{Event, JobId, Side};

pub(super) fn update(state: &mut State, event: Event) -> Vec<Effect> {
    if job(&event).is_some_and(|job| job != state.job) {
        return vec![];
    }
    match event {
        Event::Loading { side, progress } => state.pane_mut(side).load = Load::Running(progress),
        Event::Loaded { side, model } => {
            let pane = state.pane_mut(side);
            pane.load = Load::Ready;
            pane.selection = pane.selection.within(&model);
            pane.model = Some(model);
        }
        Event::LoadFailed { side, error } => state.pane_mut(side).load = Load::Failed(error),
        Event::LoadCancelled { side } => {
            let pane = state.pane_mut(side);
            let without = || Load::Failed("the load was stopped".to_owned());
            pane.load = if pane.model.is_some() { Load::Ready } else { without() };
        }
        Event::Running { side, layer, layers, .. } => {
            state.pane_mut(side).pass = Pass::Running { layer, layers }
        }
        Event::RunFailed { side, error, .. } => state.pane_mut(side).pass = Pass::Failed(error),
        // A pass that a newer prompt stopped is of an older job, and was left out above.
        Event::Cancelled { side, .. } => {
            state.pane_mut(side).pass = Pass::Failed("the pass was stopped".to_owned());
        }
        Event::Captured { side, job, capture } => {
            let prompt = state.prompt.clone();
            let pane = state.pane_mut(side);
            pane.pass = Pass::Idle;
            pane.take(job, prompt, capture);
            return show(state, side);
        }
        Event::ViewFailed { side, view, error, .. } => {
            let pane = state.pane_mut(side);
            if pane.selection.view() == view {
                pane.pass = Pass::Failed(error);
                pane.stay();
                return show(state, side);
            }
        }
        Event::Viewed { side, job, view, matrix } => {
            let pane = state.pane_mut(side);
            pane.keep(job, view, matrix);
            if pane.selection.view() == view {
                return show(state, side);
            }
        }
    }
    vec![]
}

/// The prompt that an event is about, if it is about the newest one only.
fn job(event: &Event) -> Option<JobId> {
    match event {
        Event::Running { job, .. }
        | Event::Captured { job, .. }
        | Event::RunFailed { job, .. }
        | Event::Cancelled { job, .. } => Some(*job),
        Event::Loading { .. }
        | Event::Loaded { .. }
        | Event::LoadFailed { .. }
        | Event::LoadCancelled { .. }
        | Event::ViewFailed { .. }
        | Event::Viewed { .. } => None,
    }
}

fn show(state: &mut State, side: Side) -> Vec<Effect> {
    state.pane_mut(side).refresh(side).map(Effect::Send).into_iter().collect()
}
