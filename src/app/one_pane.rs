//! One pane at full width: one of two models, or the only one.

use super::{Load, State};
use crate::config::keys::Command;
use crate::worker::protocol::Side;

impl State {
    /// Whether a side has no model, and none was asked for.
    pub fn is_absent(&self, side: Side) -> bool {
        let pane = self.resident(side);
        pane.load == Load::Absent && pane.model.is_none()
    }

    /// Whether there is one model, with nothing pinned beside it.
    pub fn is_alone(&self) -> bool {
        self.pin.is_none() && Side::BOTH.into_iter().any(|side| self.is_absent(side))
    }
}

/// Gives the focused pane the whole width, or shows both sides again.
pub(super) fn toggle(state: &mut State) {
    state.one_pane = !state.one_pane;
    let key = |command| state.keys.hint(command);
    if !state.is_alone() {
        return;
    }
    if !state.one_pane {
        let (other, picker) = (key(Command::OtherModel), key(Command::ModelPicker));
        state.note = Some(format!("{other} goes to the empty side, {picker} loads a model there"));
    } else if state.is_absent(state.focus) {
        state.focus = state.focus.other();
    }
}

/// Why a command does nothing where there is one model.
pub(super) fn obstacle(state: &State, command: Command) -> Option<String> {
    let needs_two = match command {
        Command::Difference | Command::Split | Command::Link => true,
        Command::OtherModel => state.one_pane,
        _ => false,
    };
    let key = |command| state.keys.hint(command);
    (needs_two && state.is_alone()).then(|| {
        let (both, picker) = (key(Command::OnePane), key(Command::ModelPicker));
        match state.one_pane {
            true => format!("needs two models: {both} shows the other side, {picker} loads one there"),
            false => format!("needs two models: {picker} on the empty side loads one"),
        }
    })
}

/// What is pinned is to be seen beside what it is compared with; an only model has the whole width again after it.
pub(super) fn follow_pin(state: &mut State, was_pinned: bool) {
    match (was_pinned, state.pin.is_some()) {
        (false, true) => state.one_pane = false,
        (true, false) if state.is_alone() => {
            state.one_pane = true;
            if state.is_absent(state.focus) {
                state.focus = state.focus.other();
            }
        }
        _ => {}
    }
}
