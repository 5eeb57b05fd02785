//! The help, and the program's own keys.

use attnscope::app::{Effect, Mode, Opened, State, Viewports};
use attnscope::attention::View;

use crate::fixture::*;

#[test]
fn help_goes_as_it_came() {
    let mut state = captured();
    press(&mut state, "?");
    assert_eq!(state.screen.mode(), Mode::Help);
    press(&mut state, "esc");
    assert_eq!((state.screen.mode(), shown(&state)), (Mode::Browse, [View::Mean; 2]));
}

fn help_row(state: &State) -> Option<usize> {
    match state.screen.opened() {
        Opened::Help(help) => Some(help.row),
        _ => None,
    }
}

#[test]
fn help_scrolls_as_far_as_there_is_something_to_see() {
    let mut state = captured();
    press(&mut state, "?");
    state.fit(&Viewports { help_overflow: 3, ..Viewports::default() });
    press(&mut state, "down down");
    assert_eq!(help_row(&state), Some(2));
    press(&mut state, "pagedown");
    assert_eq!(help_row(&state), Some(3));
    state.fit(&Viewports { help_overflow: 1, ..Viewports::default() });
    assert_eq!(help_row(&state), Some(1), "the screen has grown");
    press(&mut state, "? ?");
    assert_eq!(help_row(&state), Some(0));
}

#[test]
fn the_program_s_own_keys_are_effects() {
    let mut state = captured();
    assert!(matches!(press(&mut state, "q")[..], [Effect::Quit]));
    assert!(matches!(press(&mut state, "ctrl-z")[..], [Effect::Suspend]));
    assert!(matches!(press(&mut state, "t")[..], [Effect::CaptureMouse(false)]));
    assert!(matches!(press(&mut state, "t")[..], [Effect::CaptureMouse(true)]));
}
