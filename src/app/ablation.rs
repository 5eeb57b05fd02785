//! Heads that are switched off, on either side: what the model does without them comes beside what it does with
//! all.

use super::update::NOTHING_SHOWN;
use super::{Effect, ListedHead, Mode, State, pin, prompt};
use crate::attention::{Ablation, View};
use crate::config::keys::Command;
use crate::worker::protocol::Side;

/// Which heads are off: each step switched one off, or on again; the newest is the last.
#[derive(Debug, Clone, Default)]
pub struct Ablations {
    steps: Vec<Step>,
}

/// A side, a layer and a head.
type Step = (Side, usize, usize);

impl Ablations {
    /// The heads of a side's model that are off.
    pub fn of(&self, side: Side) -> Ablation {
        let mut ablation = Ablation::default();
        self.steps
            .iter()
            .filter(|step| step.0 == side)
            .for_each(|&(_, layer, head)| ablation.toggle(layer, head));
        ablation
    }
}

impl State {
    /// The heads that are off in a pane: in what is pinned, or as it was last asked of the model.
    pub fn heads_off(&self, side: Side) -> Ablation {
        match (self.pinned(side), &self.pane(side).shown) {
            (Some(_), Some(shown)) => shown.capture.ablation.clone(),
            _ => self.ablations.of(side),
        }
    }
}

/// Switches the head that is looked at, or chosen among all, off or on again.
pub(super) fn toggle(state: &mut State) -> Vec<Effect> {
    let (side, layer, head) = match aimed(state) {
        Ok(step) => step,
        Err(why) => {
            state.note = Some(why);
            return vec![];
        }
    };
    state.ablations.steps.push((side, layer, head));
    changed(state, side)
}

/// Takes the last step back.
pub(super) fn undo(state: &mut State) -> Vec<Effect> {
    match state.ablations.steps.pop() {
        Some((side, ..)) => changed(state, side),
        None => nothing_off(state),
    }
}

/// Switches all heads on again.
pub(super) fn clear(state: &mut State) -> Vec<Effect> {
    let Some((side, ..)) = state.ablations.steps.pop() else { return nothing_off(state) };
    state.ablations.steps.clear();
    changed(state, side)
}

/// A side has another model: which of its heads were off means nothing for this one.
pub(super) fn forget(state: &mut State, side: Side) -> Vec<Effect> {
    let count = state.ablations.steps.len();
    state.ablations.steps.retain(|step| step.0 != side);
    if state.ablations.steps.len() == count { vec![] } else { changed(state, side) }
}

fn nothing_off(state: &mut State) -> Vec<Effect> {
    state.note = Some("all heads are on".to_owned());
    vec![]
}

/// The head that is meant. What is pinned runs nothing: a head of it is that of the model beside it.
fn aimed(state: &State) -> Result<Step, String> {
    let (side, view) = match state.mode {
        Mode::Leaderboard => match state.listed_heads().get(state.leaderboard.row) {
            Some(ListedHead { side, entry }) => (*side, entry.view()),
            None => return Err("there is no head here".to_owned()),
        },
        Mode::HeadGrid(chosen) => (state.focus, chosen.view()),
        _ => (state.focus, state.focused().selection.view()),
    };
    let shown = state.pane(side).shown.as_ref().ok_or(NOTHING_SHOWN)?;
    let View::Head { layer, head } = view.attention() else {
        let key = state.keys.hint(Command::AblateHead);
        return Err(format!("go to a head first: then {key} switches it off"));
    };
    let runs = if state.pinned(side).is_some() { side.other() } else { side };
    match &state.resident(runs).model {
        Some(model) if *model == shown.capture.model => Ok((runs, layer, head)),
        _ => {
            Err(format!("{} is not here any more: its heads can't be switched off", shown.capture.model.name))
        }
    }
}

/// Runs the prompt as the heads are now. What was before comes beside it, unless something else is pinned.
fn changed(state: &mut State, side: Side) -> Vec<Effect> {
    let off = state.ablations.of(side);
    let before = state.pin.as_ref().map(|pin| pin.is_before);
    let mut effects = match before {
        None if !off.is_empty() => pin::put_before(state, side),
        Some(true) if off.is_empty() => pin::release(state),
        _ => vec![],
    };
    let key = |command| state.keys.hint(command);
    state.note = Some(match off.is_empty() {
        true => "all heads are on".to_owned(),
        false => {
            let (undo, all) = (key(Command::UndoAblation), key(Command::AllHeadsOn));
            format!("without {off}: {undo} undoes it, {all} switches all on")
        }
    });
    effects.extend(prompt::run(state, state.prompt.clone()));
    effects
}
