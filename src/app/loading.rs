//! Models that are loaded, or that stay where another one could not be.

use super::action::Effect;
use super::panels::Panes;
use super::popups::{Picker, Popup};
use super::prompt;
use super::state::State;
use super::state::pane::{Load, Pass};
use crate::worker::protocol::{ListJob, LoadEstimate, Request, Slot, WorkerError};

/// Where a model that was to take another's place could not be loaded, the other one stays.
pub(super) fn keep_models(state: &mut State) {
    let mut kept = Vec::new();
    for slot in Slot::ALL {
        let pane = state.panes.resident_mut(slot);
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

/// Loads the model that a slot is to have.
pub(super) fn load(panes: &mut Panes, slot: Slot) -> Effect {
    let pane = panes.resident_mut(slot);
    if pane.load == Load::Absent {
        // The worker keeps the newest prompt for it.
        pane.pass = Pass::Waiting;
    }
    pane.load = Load::Waiting;
    Effect::Send(Request::Load { slot, reference: pane.reference.clone() })
}

/// Loads again what failed to load. If it was a pass that failed, runs the prompt again.
pub(super) fn retry(state: &mut State) -> Vec<Effect> {
    let panel = state.screen.panel_mut().map(|panel| panel.retry(&mut state.panes));
    if panel.unwrap_or_else(|| state.exact_keys.retry()) {
        return vec![];
    }
    let failed = |slot: &Slot| matches!(state.panes.resident(*slot).load, Load::Failed(_));
    let slots: Vec<Slot> = Slot::ALL.into_iter().filter(failed).collect();
    if slots.is_empty() {
        if state.panes.has_failed_pass() {
            return prompt::run(state, state.run.prompt.clone());
        }
        state.note = Some("nothing has failed".to_owned());
    }
    slots.into_iter().map(|slot| load(&mut state.panes, slot)).collect()
}

/// Opens the model picker for the focused pane.
pub(super) fn open_picker(state: &mut State) -> Vec<Effect> {
    if !state.worker {
        state.note = Some(WorkerError::WorkerGone.to_string());
        return vec![];
    }
    state.popup = Some(Popup::Picker(Picker::new(state.panes.focus)));
    vec![Effect::Send(Request::List(ListJob { pairs: state.pairs.clone() }))]
}

/// What a model takes is known: loads it, unless something is in the way.
pub(super) fn estimated(
    state: &mut State,
    name: String,
    answer: Result<LoadEstimate, WorkerError>,
) -> Vec<Effect> {
    let Some(slot) = state.picker_mut().map(|picker| picker.side.slot()) else { return vec![] };
    let replaced = state.replaced_bytes(slot);
    let loads = state.picker_mut().is_some_and(|picker| picker.estimated(&name, answer, replaced));
    if !loads {
        return vec![];
    }
    state.popup = None;
    begin(state, slot, name)
}

/// Loads a model that was chosen.
pub(super) fn begin(state: &mut State, slot: Slot, name: String) -> Vec<Effect> {
    state.panes.resident_mut(slot).reference.clone_from(&name);
    vec![Effect::Send(Request::Agree { name }), load(&mut state.panes, slot)]
}
