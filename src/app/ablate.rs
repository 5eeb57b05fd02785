//! Heads that are switched off, on either side: what the model does without them comes beside what it does with
//! all.

use super::action::Effect;
use super::prompt;
use super::state::State;
use super::state::ablations::Step;
use super::state::notes::NOTHING_SHOWN;
use crate::app::state::side::Side;
use crate::attention::View;
use crate::config::keys::Command;
use crate::vocabulary::Instead;
use crate::worker::protocol::Slot;

/// Switches the head that is looked at, or chosen among all, off or on again.
pub(super) fn toggle(state: &mut State) -> Vec<Effect> {
    let (slot, layer, head) = match aimed(state) {
        Ok(step) => step,
        Err(why) => {
            state.note = Some(why);
            return vec![];
        }
    };
    state.panes.ablations.toggle((slot, layer, head));
    changed(state, slot)
}

/// Takes the last step back.
pub(super) fn undo(state: &mut State) -> Vec<Effect> {
    match state.panes.ablations.undo() {
        Some(slot) => changed(state, slot),
        None => nothing_off(state),
    }
}

/// Switches all heads on again.
pub(super) fn clear(state: &mut State) -> Vec<Effect> {
    match state.panes.ablations.clear() {
        Some(slot) => changed(state, slot),
        None => nothing_off(state),
    }
}

/// Puts the other thing in the place of heads that are off: nothing, or what they give on average.
pub(super) fn replace(state: &mut State) -> Vec<Effect> {
    let instead = state.panes.ablations.replace();
    let off = Slot::ALL.into_iter().find(|slot| !state.panes.ablations.of(*slot).is_empty());
    let effects = off.map_or_else(Vec::new, |slot| changed(state, slot));
    state.note = Some(match instead {
        Instead::Zero => "heads that are off: nothing in their place".to_owned(),
        Instead::Mean => "heads that are off: their mean over the prompt".to_owned(),
    });
    effects
}

/// A slot has another model: which heads were off means nothing for this one.
pub(super) fn forget(state: &mut State, slot: Slot) -> Vec<Effect> {
    if state.panes.ablations.forget(slot) { changed(state, slot) } else { vec![] }
}

fn nothing_off(state: &mut State) -> Vec<Effect> {
    state.note = Some("all heads are on".to_owned());
    vec![]
}

/// The head that is meant. What is pinned runs nothing: a head of it is that of the model beside it.
fn aimed(state: &State) -> Result<Step, String> {
    let panes = &state.panes;
    let (side, view) = match state.screen.panel() {
        Some(panel) => panel.head(panes).ok_or("there is no head here")?,
        None => (panes.focus, panes.focused().selection.view()),
    };
    let shown = panes.pane(side).shown.as_ref().ok_or(NOTHING_SHOWN)?;
    let View::Head { layer, head } = view.attention() else {
        let key = state.keys.hint(Command::AblateHead);
        return Err(format!("go to a head first: then {key} switches it off"));
    };
    let runs = if panes.pinned(side).is_some() { side.other() } else { side }.slot();
    match &panes.resident(runs).model {
        Some(model) if *model == shown.capture.model => Ok((runs, layer, head)),
        _ => {
            Err(format!("{} is not here any more: its heads can't be switched off", shown.capture.model.name))
        }
    }
}

/// Runs the prompt as the heads are now. What was before comes beside it, unless something else is pinned.
fn changed(state: &mut State, slot: Slot) -> Vec<Effect> {
    let off = state.panes.ablations.of(slot);
    let before = state.panes.pin.as_ref().map(|pin| pin.is_before);
    let mut effects = match before {
        None if !off.is_empty() => pin_before(state, Side::of(slot)),
        Some(true) if off.is_empty() => state.panes.unpin(),
        _ => vec![],
    };
    let key = |command| state.keys.hint(command);
    state.note = Some(match off.is_empty() {
        true => "all heads are on".to_owned(),
        false => {
            let (undo, all) = (key(Command::UndoAblation), key(Command::AllHeadsOn));
            format!("{}: {undo} undoes it, {all} switches all on", off.words())
        }
    });
    effects.extend(prompt::run(state, state.run.prompt.clone()));
    effects
}

/// Puts what a model does with all its heads on beside it.
fn pin_before(state: &mut State, side: Side) -> Vec<Effect> {
    let after = state.panes.pane(side).shown.as_ref().map(|shown| (shown.job, shown.capture.clone()));
    let mut effects = state.panes.pin(side, true);
    let renewed =
        after.and_then(|(job, after)| state.panes.refresh_pin(side, (job, &state.run.prompt), &after));
    effects.extend(renewed);
    effects
}
