//! Views beside the mean, a layer and a head: which keys lead to them, and where from there.

use attnscope::app::{Side, State};
use attnscope::attention::{LayerKind, View};

use crate::fixture::*;
use crate::screens::{assert_screen, draw};

fn views(state: &State) -> [View; 2] {
    Side::BOTH.map(|side| state.pane(side).shown.as_ref().unwrap().view())
}

fn after(keys: &str) -> [View; 2] {
    let mut state = captured_with_groups();
    press_and_wait(&mut state, keys);
    views(&state)
}

#[test]
fn rollout_comes_and_goes_on_both_sides() {
    assert_eq!(after("R"), [View::Rollout; 2]);
    assert_eq!(after("R R"), [View::Mean; 2]);
    assert_eq!(after("R esc"), [View::Mean; 2]);
    assert_eq!(after("] ] R enter"), [View::Layer(1); 2]);
    assert_eq!(after("x R"), [View::Rollout, View::Mean]);
}

#[test]
fn kinds_of_layers_follow_each_other_and_a_side_without_them_shows_all() {
    let (sliding, full) = (View::Kind(LayerKind::Sliding), View::Kind(LayerKind::Full));
    assert_eq!(after("w"), [View::Mean, sliding]);
    assert_eq!(after("w w"), [full, full]);
    assert_eq!(after("w w w"), [View::Mean; 2]);
    assert_eq!(after("x w"), [full, View::Mean], "unlinked, gpt2 has full layers only");
    assert_eq!(after("tab w esc"), [View::Mean; 2]);
    assert_eq!(after("w ]"), [View::Layer(0); 2]);
}

#[test]
fn a_group_is_that_of_the_head_and_leads_back_to_one() {
    let group = |layer, group| View::Group { layer, group };
    let head = |layer, head| View::Head { layer, head };
    assert_eq!(after("tab ] enter } } } K"), [group(0, 1), group(0, 1)]);
    assert_eq!(after("tab ] K"), [group(0, 0), group(0, 0)]);
    assert_eq!(after("tab ] K }"), [group(0, 1), group(0, 1)]);
    assert_eq!(after("tab ] K } K"), [head(0, 2), head(0, 2)]);
    assert_eq!(after("tab ] K ] esc"), [View::Layer(1); 2]);
    assert_eq!(after("K } }"), [group(0, 2), group(0, 1)], "gpt2 has a group per head, gpt-oss two");
}

#[test]
fn keys_are_weighed_by_what_their_values_add_at_every_depth() {
    let mut state = captured();
    let weighted = |view: View| view.value_weighted().unwrap();
    press_and_wait(&mut state, "V");
    let shown = |state: &State| Side::BOTH.map(|side| state.pane(side).shown.as_ref().unwrap().view());
    assert_eq!(shown(&state), [weighted(View::Mean); 2]);
    let matrix = state.pane(Side::Right).shown.as_ref().unwrap().matrix().clone();
    assert!(matrix.sinks().is_none() && matrix.cells().iter().any(|cell| *cell > 1.0));
    press_and_wait(&mut state, "enter");
    assert_eq!(shown(&state), [weighted(View::Layer(0)); 2]);
    press_and_wait(&mut state, "enter }");
    let head = View::Head { layer: 0, head: 1 };
    assert_eq!(shown(&state), [weighted(head); 2]);
    assert_screen!("value_weighted_head", state, (120, 40));
    press_and_wait(&mut state, "D");
    assert!(state.screen.difference.is_none() && state.note.as_deref().unwrap().contains("not compared"));
    press_and_wait(&mut state, "V");
    assert_eq!(shown(&state), [head; 2]);
    press_and_wait(&mut state, "R V");
    assert_eq!(shown(&state), [weighted(View::Mean); 2], "rollout has no values: the mean");
}
