//! Models that are loaded, or that stay where another one could not be.

use super::action::Effect;
use super::panels::Panes;
use super::popups::{Picker, Popup};
use super::prompt;
use super::state::State;
use super::state::notes::NO_WORKER;
use super::state::pane::{Load, Pass};
use crate::worker::protocol::{ListJob, LoadEstimate, Request, Side};

/// Where a model that was to take another's place could not be loaded, the other one stays.
pub(super) fn keep_models(state: &mut State) {
    let mut kept = Vec::new();
    for side in Side::BOTH {
        let pane = state.panes.resident_mut(side);
        if let (Load::Failed(_), Some(model)) = (&pane.load, &pane.model) {
            kept.push(model.name.clone());
            pane.keep_model();
        }
    }
    state.note = Some(match kept.is_empty() {
        true => "nothing is under way".to_owned(),
        false => format!("{} stays", kept.join(" and ")),
    });
}

/// Loads the model that a side is to have.
pub(super) fn load(panes: &mut Panes, side: Side) -> Effect {
    let pane = panes.resident_mut(side);
    if pane.load == Load::Absent {
        // The worker keeps the newest prompt for it.
        pane.pass = Pass::Waiting;
    }
    pane.load = Load::Waiting;
    Effect::Send(Request::Load { side, reference: pane.reference.clone() })
}

/// Loads again what failed to load. If it was a pass that failed, runs the prompt again.
pub(super) fn retry(state: &mut State) -> Vec<Effect> {
    if state.screen.panel_mut().is_some_and(|panel| panel.retry(&mut state.panes)) {
        return vec![];
    }
    let failed = |side: &Side| matches!(state.panes.resident(*side).load, Load::Failed(_));
    let sides: Vec<Side> = Side::BOTH.into_iter().filter(failed).collect();
    if sides.is_empty() {
        if state.panes.has_failed_pass() {
            return prompt::run(state, state.run.prompt.clone());
        }
        state.note = Some("nothing has failed".to_owned());
    }
    sides.into_iter().map(|side| load(&mut state.panes, side)).collect()
}

/// Opens the model picker for the focused pane.
pub(super) fn open_picker(state: &mut State) -> Vec<Effect> {
    if !state.worker {
        state.note = Some(NO_WORKER.to_owned());
        return vec![];
    }
    state.popup = Some(Popup::Picker(Picker::new(state.panes.focus)));
    vec![Effect::Send(Request::List(ListJob { pairs: state.pairs.clone() }))]
}

/// What a model takes is known: loads it, unless something is in the way.
pub(super) fn estimated(
    state: &mut State,
    name: String,
    answer: Result<LoadEstimate, String>,
) -> Vec<Effect> {
    let Some(side) = state.picker_mut().map(|picker| picker.side) else { return vec![] };
    let replaced = state.replaced_bytes(side);
    let loads = state.picker_mut().is_some_and(|picker| picker.estimated(&name, answer, replaced));
    if !loads {
        return vec![];
    }
    state.popup = None;
    begin(state, side, name)
}

/// Loads a model that was chosen.
pub(super) fn begin(state: &mut State, side: Side, name: String) -> Vec<Effect> {
    state.panes.resident_mut(side).reference.clone_from(&name);
    vec![Effect::Send(Request::Agree { name }), load(&mut state.panes, side)]
}
