//! Views beside the mean, a layer and a head: which keys lead to them, and where from there.

use attnscope::app::State;
use attnscope::attention::{LayerKind, View};
use attnscope::worker::protocol::Side;

use crate::fixture::*;

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
