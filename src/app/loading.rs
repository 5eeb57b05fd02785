//! Models that are loaded, or that stay where another one could not be.

use super::pane::{Load, Pass};
use super::{Effect, State, leaderboard, lens, prompt};
use crate::worker::protocol::{Request, Side};

/// Where a model that was to take another's place could not be loaded, the other one stays.
pub(super) fn keep_models(state: &mut State) {
    let mut kept = Vec::new();
    for side in Side::BOTH {
        let pane = state.resident_mut(side);
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
pub(super) fn load(state: &mut State, side: Side) -> Effect {
    let pane = state.resident_mut(side);
    if pane.load == Load::Absent {
        // The worker keeps the newest prompt for it.
        pane.pass = Pass::Waiting;
    }
    pane.load = Load::Waiting;
    Effect::Send(Request::Load { side, reference: pane.reference.clone() })
}

/// Loads again what failed to load. If it was a pass that failed, runs the prompt again.
pub(super) fn retry(state: &mut State) -> Vec<Effect> {
    if leaderboard::retry(state) || lens::retry(state) {
        return vec![];
    }
    let failed = |side: &Side| matches!(state.resident(*side).load, Load::Failed(_));
    let sides: Vec<Side> = Side::BOTH.into_iter().filter(failed).collect();
    if sides.is_empty() {
        if Side::BOTH.into_iter().any(|side| matches!(state.resident(side).pass, Pass::Failed(_))) {
            return prompt::run(state, state.prompt.clone());
        }
        state.note = Some("nothing has failed".to_owned());
    }
    sides.into_iter().map(|side| load(state, side)).collect()
}
