//! Loads and passes: how they begin, fail, are stopped and tried again.

use attnscope::app::{Action, Effect, Load, Pass, Side, State, update};
use attnscope::attention::View;
use attnscope::worker::protocol::{Event, JobId, LoadProgress, Request, Slot, WorkerError};
use tui_input::InputRequest;

use crate::fixture::*;
use crate::screens::{draw, text};

#[test]
fn at_the_start_both_models_are_loaded_and_the_prompt_is_run() {
    let mut state = State::new("a".into(), "b".into(), "hello".into(), Default::default(), true);
    let effects = update(&mut state, Action::Start);
    let loads: Vec<_> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Send(Request::Load { slot, reference }) => Some((Side::of(*slot), reference.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!(loads, [(Side::Left, "a"), (Side::Right, "b")]);
    assert_eq!(runs(&effects), [(JobId(1), "hello".to_owned())]);
    assert!(state.is_busy());
}

#[test]
fn loading_ends_when_both_are_captured() {
    let mut state = loaded();
    assert!(state.is_busy(), "the prompt is still to be run");
    hear(&mut state, Event::Running { slot: Slot::First, job: JobId(1), layer: 1, layers: 2 });
    assert_eq!(state.pane(Side::Left).pass, Pass::Running { layer: 1, layers: 2 });
    captured_as(&mut state, &PROMPT, &PROMPT);
    assert!(!state.is_busy());
    assert_eq!(shown(&state), [View::Mean; 2]);
    let cursor = state.pane(Side::Left).cursor;
    assert_eq!(cursor.query, 4, "what the last token looks at");
}

#[test]
fn reports_about_an_older_prompt_change_nothing() {
    let mut state = captured();
    let (side, job) = (Side::Left, state.run.job);
    act(&mut state, Action::Submit);
    hear(&mut state, Event::Running { slot: side.slot(), job, layer: 1, layers: 2 });
    hear(&mut state, Event::RunFailed { slot: side.slot(), job, error: refused("old") });
    hear(&mut state, Event::RunFailed { slot: side.slot(), job, error: WorkerError::Cancelled });
    let effects =
        hear(&mut state, Event::Captured { slot: side.slot(), job, capture: capture(&gpt2(), &["other"]) });
    assert!(effects.is_empty());
    assert_eq!(state.pane(side).pass, Pass::Waiting);
    assert_eq!(state.pane(side).shown.as_ref().unwrap().capture.tokens.len(), 5);
}

/// A panel of both models says which of them is left at an older prompt.
#[test]
fn panels_say_what_is_of_an_older_prompt() {
    let mut state = captured();
    act(&mut state, Action::Submit);
    let job = state.run.job;
    let titles = |state: &mut State| {
        let screen = text(draw(state, (160, 40)).backend().buffer());
        screen.lines().filter(|line| line.contains("○ ") || line.contains("● ")).collect::<String>()
    };
    for keys in ["Q", "P", "B"] {
        press(&mut state, keys);
        assert!(!titles(&mut state).contains("previous prompt"), "both run: {keys}");
        press(&mut state, "Esc");
    }
    hear(&mut state, Event::RunFailed { slot: Slot::First, job, error: refused("too long") });
    hear(&mut state, Event::Captured { slot: Slot::Second, job, capture: capture(&gpt_oss(), &PROMPT) });
    for keys in ["Q", "B", "A", "X", "P"] {
        press(&mut state, keys);
        let titles = titles(&mut state);
        assert_eq!(titles.matches("of the previous prompt").count(), 1, "{keys}: {titles}");
        assert!(titles.find("previous") < titles.find("demo:gpt-oss"), "{keys}: {titles}");
        press(&mut state, "Esc");
    }
}

/// And why there is nothing to show of a model that has run no prompt yet.
#[test]
fn panels_say_why_they_show_nothing() {
    let mut state = loaded();
    let job = state.run.job;
    hear(&mut state, Event::RunFailed { slot: Slot::First, job, error: refused("too long") });
    hear(&mut state, Event::Captured { slot: Slot::Second, job, capture: capture(&gpt_oss(), &PROMPT) });
    state.panes.focus = Side::Right;
    for keys in ["Q", "P", "B", "A", "X"] {
        press(&mut state, keys);
        let screen = text(draw(&mut state, (160, 40)).backend().buffer());
        assert!(screen.contains("too long") && !screen.contains("nothing is shown yet"), "{keys}: {screen}");
        press(&mut state, "Esc");
    }
}

#[test]
fn a_failed_pass_leaves_the_matrix_and_can_be_tried_again() {
    let mut state = captured();
    act(&mut state, Action::Submit);
    let (side, job) = (Side::Right, state.run.job);
    hear(&mut state, Event::RunFailed { slot: side.slot(), job, error: refused("too long") });
    assert_eq!(state.pane(side).pass, Pass::Failed(refused("too long")));
    assert!(state.pane(side).shown.is_some());
    act(&mut state, Action::Edit(InputRequest::InsertChar('!')));
    let effects = press(&mut state, "r");
    assert_eq!(
        runs(&effects),
        [(JobId(3), PROMPT.concat())],
        "the prompt that failed, not what is being written"
    );
    assert!(state.is_edited());
}

#[test]
fn a_failed_load_is_tried_again_on_its_side_only() {
    let mut state = started();
    hear(&mut state, Event::LoadFailed { slot: Slot::Second, error: refused("no network") });
    assert_eq!(state.pane(Side::Right).load, Load::Failed(refused("no network")));
    let effects = press(&mut state, "r");
    let [Effect::Send(Request::Load { slot: Slot::Second, reference })] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!(reference, "demo:gpt-oss");
    assert_eq!(state.pane(Side::Right).load, Load::Waiting);
    hear(&mut state, Event::Loading { slot: Slot::Second, progress: LoadProgress::Resolving });
    assert_eq!(state.pane(Side::Right).load, Load::Running(LoadProgress::Resolving));
}

#[test]
fn a_cancelled_load_keeps_the_model_that_was_there() {
    let mut state = captured();
    hear(&mut state, Event::LoadFailed { slot: Slot::First, error: WorkerError::Cancelled });
    assert_eq!(state.pane(Side::Left).load, Load::Ready);
    let mut state = started();
    hear(&mut state, Event::LoadFailed { slot: Slot::First, error: WorkerError::Cancelled });
    assert!(matches!(state.pane(Side::Left).load, Load::Failed(_)));
}

#[test]
fn what_is_under_way_can_be_stopped_and_run_again() {
    let mut state = captured();
    assert!(press(&mut state, "ctrl-x").is_empty(), "nothing is under way");
    act(&mut state, Action::Submit);
    let job = state.run.job;
    assert!(matches!(press(&mut state, "ctrl-x")[..], [Effect::Send(Request::Cancel)]));
    for side in Side::BOTH {
        hear(&mut state, Event::RunFailed { slot: side.slot(), job, error: WorkerError::Cancelled });
        assert!(matches!(state.pane(side).pass, Pass::Failed(_)));
        assert!(state.pane(side).shown.is_some(), "the matrix that was there stays");
    }
    assert!(!state.is_busy());
    assert_eq!(runs(&press(&mut state, "r")).len(), 1);
}

#[test]
fn a_head_that_cannot_be_computed_is_given_up() {
    let mut state = captured();
    press(&mut state, "enter enter");
    let (side, view) = (Side::Left, head(0, 0));
    let capture = state.pane(side).shown.as_ref().unwrap().capture.clone();
    hear(&mut state, Event::ViewFailed { capture, view, error: refused("no") });
    assert_eq!(state.pane(side).pass, Pass::Failed(refused("no")));
    assert!(!state.pane(side).awaits_head());
}

#[test]
fn without_a_worker_nothing_is_waited_for() {
    let mut state = started();
    act(&mut state, Action::WorkerGone);
    assert!(!state.is_busy());
    assert!(matches!(state.pane(Side::Left).load, Load::Failed(_)));
}
