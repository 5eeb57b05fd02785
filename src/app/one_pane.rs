//! One pane at full width: one of two models, or the only one.

use super::state::State;
use crate::config::keys::Command;

/// Gives the focused pane the whole width, or shows both sides again.
pub(super) fn toggle(state: &mut State) {
    state.display.one_pane = !state.display.one_pane;
    let key = |command| state.keys.hint(command);
    if !state.panes.is_alone() {
        return;
    }
    if !state.display.one_pane {
        let (other, picker) = (key(Command::OtherModel), key(Command::ModelPicker));
        state.note = Some(format!("{other} goes to the empty side, {picker} loads a model there"));
    } else if state.panes.is_absent(state.panes.focus.slot()) {
        state.panes.focus = state.panes.focus.other();
    }
}

/// Why a command does nothing where there is one model.
pub(super) fn obstacle(state: &State, command: Command) -> Option<String> {
    let needs_two = match command {
        Command::Difference | Command::Split | Command::Link => true,
        // A model with some heads off is compared with itself.
        Command::ModelShift => state.panes.both.iter().any(|pane| pane.shown.is_none()),
        Command::OtherModel => state.display.one_pane,
        _ => false,
    };
    let key = |command| state.keys.hint(command);
    (needs_two && state.panes.is_alone()).then(|| {
        let (both, picker) = (key(Command::OnePane), key(Command::ModelPicker));
        match state.display.one_pane {
            true => format!("needs two models: {both} shows the other side, {picker} loads one there"),
            false => format!("needs two models: {picker} on the empty side loads one"),
        }
    })
}

/// What is pinned is to be seen beside what it is compared with; an only model has the whole width again after it.
pub(super) fn follow_pin(state: &mut State, was_pinned: bool) {
    match (was_pinned, state.panes.pin.is_some()) {
        (false, true) => state.display.one_pane = false,
        (true, false) if state.panes.is_alone() => {
            state.display.one_pane = true;
            if state.panes.is_absent(state.panes.focus.slot()) {
                state.panes.focus = state.panes.focus.other();
            }
        }
        _ => {}
    }
}
