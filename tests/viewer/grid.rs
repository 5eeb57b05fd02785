//! The head grid: a panel that is walked and opens a head.

use attnscope::app::{Action, Opened, Side, State, update};
use attnscope::attention::View;

use crate::fixture::*;

fn chosen(state: &State) -> Option<View> {
    match state.screen.opened() {
        Opened::Grid(grid) => Some(grid.chosen.view()),
        _ => None,
    }
}

#[test]
fn the_head_grid_is_walked_and_opens_the_head_that_is_chosen() {
    let mut state = captured();
    press(&mut state, "g");
    assert_eq!(chosen(&state), Some(head(0, 0)));
    press(&mut state, "down right right right");
    assert_eq!(chosen(&state), Some(head(1, 2)), "and none beyond the last");
    press(&mut state, "pageup home s n");
    assert_eq!(chosen(&state), Some(head(0, 0)), "rules change under it");
    assert_eq!(shown(&state), [View::Mean; 2], "nothing is opened by walking");
    press_and_wait(&mut state, "pagedown end enter");
    assert_eq!((chosen(&state), shown(&state)), (None, [head(1, 2); 2]));
    press(&mut state, "g left esc");
    assert_eq!((chosen(&state), shown(&state)), (None, [head(1, 2); 2]), "left as it was");
    press(&mut state, "g m");
    assert_eq!((chosen(&state), shown(&state)), (None, [View::Mean; 2]));
}

#[test]
fn the_head_grid_is_of_the_focused_model() {
    let mut state = captured();
    press_and_wait(&mut state, "tab g pagedown end enter g");
    assert_eq!(chosen(&state), Some(head(2, 4)));
    press(&mut state, "tab");
    assert_eq!(chosen(&state), Some(head(0, 0)), "where the other model is");
    act(&mut state, Action::Scroll { side: Side::Left, rows: 3, columns: 1 });
    assert_eq!(chosen(&state), Some(head(1, 1)));
    let effects = update(&mut state, Action::ShowView { side: Side::Left, view: head(1, 0) });
    answer(&mut state, effects);
    assert_eq!((chosen(&state), shown(&state)), (None, [head(1, 0); 2]));
    press(&mut started(), "g");
    assert_eq!(chosen(&started()), None, "there is nothing to show yet");
}
