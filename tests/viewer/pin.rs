//! A pinned capture stays on screen, in the place of the other model, while newer prompts run beside it.

use std::sync::Arc;

use attnscope::app::{Action, Arrangement, Column, Effect, Load, Pass, Side, State};
use attnscope::attention::{Capture, View};
use attnscope::worker::protocol::{Event, LoadProgress, Request, Slot, ViewJob};

use crate::fixture::*;
use crate::screens::{assert_screen, draw, text};

const LONGER: [&str; 6] = ["write", " a", " long", " story", " about", " AI"];

/// What the panes show: the model, and the prompt.
fn shown(state: &State) -> [(String, String); 2] {
    Side::BOTH.map(|side| {
        let shown = state.pane(side).shown.as_ref().unwrap();
        (shown.capture.model.name.clone(), shown.prompt.clone())
    })
}

fn on(model: &str, prompt: &[&str]) -> (String, String) {
    (model.to_owned(), prompt.concat())
}

/// gpt2's reading of the first prompt is pinned, and both models have read a longer one.
fn pinned() -> State {
    let mut state = captured();
    press(&mut state, "p");
    run(&mut state, &LONGER);
    state
}

fn run(state: &mut State, texts: &[&str]) {
    state.editor.draft = texts.concat().into();
    act(state, Action::Submit);
    captured_as(state, texts, texts);
}

fn query(state: &State, side: Side) -> usize {
    state.pane(side).cursor.query
}

#[test]
fn two_prompts_of_one_model_stand_side_by_side() {
    let mut state = captured();
    press(&mut state, "p");
    assert_eq!(shown(&state), [on("demo:gpt2", &PROMPT), on("demo:gpt2", &PROMPT)]);
    run(&mut state, &LONGER);
    assert_eq!(shown(&state), [on("demo:gpt2", &LONGER), on("demo:gpt2", &PROMPT)]);
    press(&mut state, "p");
    assert_eq!(shown(&state), [on("demo:gpt2", &LONGER), on("demo:gpt-oss", &LONGER)], "it went on behind");
    assert!(state.panes.pin.is_none() && !state.is_busy());
    press(&mut state, "tab p");
    assert_eq!(shown(&state), [on("demo:gpt-oss", &LONGER), on("demo:gpt-oss", &LONGER)]);
}

/// Asked of what both say: `long` is left over.
#[test]
fn a_pinned_prompt_and_a_newer_one_are_subtracted_split_and_shifted_by_words() {
    let mut state = pinned();
    press_and_wait(&mut state, "D");
    let compared = state.screen.compared().expect("two prompts are compared");
    assert_eq!(compared.labels(), ["write", "a", "story", "about", "AI"]);
    let comparison = compared.comparison();
    let left_over =
        comparison.left_over().each_ref().map(|runs| runs.iter().map(|run| run.label.as_str()).collect());
    let left_over: [Vec<&str>; 2] = left_over;
    assert_eq!(left_over, [vec!["long"], vec![]]);
    for row in 0..5 {
        let side = &comparison.sides()[0];
        let sum = side.row(row).iter().sum::<f32>() + comparison.left_out(0, row).unwrap();
        assert!((sum - 1.0).abs() < 1e-5, "row {row} sums to {sum}");
    }
    press(&mut state, "up up");
    assert_eq!([query(&state, Side::Left), query(&state, Side::Right)], [3, 2], "story");
    assert_screen!("two_prompts", state, (120, 34));
    press_and_wait(&mut state, "d");
    assert_eq!(state.screen.difference.as_ref().unwrap().arrangement, Arrangement::Split);
    press_and_wait(&mut state, "d");
    assert!(state.screen.difference.is_none());
    let effects = press(&mut state, "W");
    assert!(
        effects.iter().any(|effect| matches!(effect, Effect::Send(Request::Shift(_)))),
        "heads are matched on what both prompts say: {:?}",
        state.note
    );
}

/// At the usual size of a terminal: the model, that it is pinned, and how the prompt begins; what else there is gives way.
#[test]
fn panels_name_the_model_and_the_prompt_of_what_is_pinned() {
    for key in ["A", "B", "X", "L", "Q", "H"] {
        let mut state = pinned();
        press_and_wait(&mut state, key);
        let screen = text(draw(&mut state, (80, 24)).backend().buffer());
        assert!(screen.contains(" ○ demo:gpt2  pinned: write"), "{key}: {screen}");
        assert!(screen.contains(" ● demo:gpt2 "), "{key}: {screen}");
    }
    let mut state = pinned();
    press_and_wait(&mut state, "B");
    assert_screen!("segments_beside_a_pinned_prompt", state, (80, 24));
}

#[test]
fn a_pinned_pane_says_what_is_behind_it_and_which_key_brings_that_back() {
    let mut state = captured();
    press(&mut state, "p");
    let screen = text(draw(&mut state, (80, 24)).backend().buffer());
    assert!(screen.contains("gpt-oss is behind this: p unpins "), "{screen}");
    let mut state = alone();
    press(&mut state, "p");
    let screen = text(draw(&mut state, (80, 24)).backend().buffer());
    assert!(screen.contains(" no model is behind this: p unpins "), "{screen}");
}

#[test]
fn prompts_without_a_common_word_are_not_compared_and_say_why() {
    let mut state = captured();
    press(&mut state, "p");
    run(&mut state, &["nothing", " here"]);
    press_and_wait(&mut state, "D");
    assert!(state.screen.difference.is_none());
    assert!(state.note.as_deref().unwrap().contains("no word in common"), "{:?}", state.note);
}

#[test]
fn cursors_are_linked_by_what_both_prompts_say() {
    let mut state = pinned();
    assert_eq!([query(&state, Side::Left), query(&state, Side::Right)], [5, 4], "at the last token of each");
    press(&mut state, "up up");
    assert_eq!([query(&state, Side::Left), query(&state, Side::Right)], [3, 2], "story");
    press(&mut state, "tab up up right");
    assert_eq!([query(&state, Side::Left), query(&state, Side::Right)], [0, 0]);
    press(&mut state, "x down down down x");
    assert_eq!([query(&state, Side::Left), query(&state, Side::Right)], [4, 3], "linked again: about");
}

#[test]
fn a_newer_prompt_comes_with_the_text_that_the_pinned_cursor_is_on() {
    let mut state = pinned();
    press(&mut state, "tab up up");
    run(&mut state, &["write", " a", " good", " long", " story", " about", " AI"]);
    assert_eq!([query(&state, Side::Left), query(&state, Side::Right)], [4, 2], "story");
}

#[test]
fn views_go_together_and_each_capture_gets_its_own_heads() {
    let mut state = pinned();
    press_and_wait(&mut state, "enter");
    let effects = press(&mut state, "enter }");
    let asked: Vec<(usize, View)> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Send(Request::View(ViewJob { capture, view, .. })) => Some((capture.tokens.len(), *view)),
            _ => None,
        })
        .collect();
    let first = View::Head { layer: 0, head: 0 };
    let second = View::Head { layer: 0, head: 1 };
    assert_eq!(asked, [(6, first), (5, first), (6, second), (5, second)]);
    answer(&mut state, effects);
    for side in Side::BOTH {
        let shown = state.pane(side).shown.as_ref().unwrap();
        assert_eq!((shown.view(), shown.matrix()), (second, &shown.capture.matrix(second).unwrap()));
    }
    press_and_wait(&mut state, "p");
    let oss = state.pane(Side::Right).shown.as_ref().unwrap();
    assert_eq!((oss.view(), oss.matrix()), (second, &oss.capture.matrix(second).unwrap()), "it follows");
}

/// A head of the model behind that was asked for before the pin comes after it.
#[test]
fn a_late_head_of_the_model_behind_is_not_taken_for_the_pinned_ones() {
    let mut state = captured();
    let effects = press(&mut state, "enter enter");
    let pin = press(&mut state, "p");
    let oss = |effect: &Effect| matches!(effect, Effect::Send(Request::View(ViewJob { capture, .. })) if capture.model.has_sinks);
    let (late, own): (Vec<Effect>, Vec<Effect>) = effects.into_iter().chain(pin).partition(oss);
    assert_eq!(late.len(), 1);
    answer(&mut state, late);
    assert_eq!(state.pane(Side::Right).shown.as_ref().unwrap().view(), View::Layer(0), "not its own");
    answer(&mut state, own);
    let shown = state.pane(Side::Right).shown.as_ref().unwrap();
    assert_eq!(shown.matrix(), &shown.capture.matrix(View::Head { layer: 0, head: 0 }).unwrap());
}

#[test]
fn what_is_heard_of_a_model_behind_a_pin_reaches_that_model() {
    let mut state = pinned();
    let side = Side::Right;
    hear(&mut state, Event::Loading { slot: side.slot(), progress: LoadProgress::Resolving });
    assert!(state.is_busy());
    assert_eq!((&state.pane(side).load, state.pane(side).is_busy()), (&Load::Ready, false));
    hear(&mut state, Event::LoadFailed { slot: side.slot(), error: refused("no") });
    assert_eq!(state.panes.resident(side.slot()).load, Load::Failed(refused("no")));
    let effects = press(&mut state, "r");
    let [Effect::Send(Request::Load { slot: Slot::Second, reference })] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!(reference, "demo:gpt-oss");
    hear(&mut state, Event::Loaded { slot: side.slot(), model: gpt_oss() });
    assert_eq!(state.pane(side).model.as_ref().unwrap().name, "demo:gpt2");
    act(&mut state, Action::WorkerGone);
    press(&mut state, "p");
    assert!(matches!(state.pane(side).load, Load::Failed(_)));
}

#[test]
fn the_prompt_grows_on_the_side_that_is_not_pinned() {
    let mut state = pinned();
    press(&mut state, "tab");
    assert_eq!(runs(&press(&mut state, ".")), []);
    assert_eq!(state.note.as_deref(), Some("this is pinned: Tab goes to the prompt that grows"));
    let effects = press(&mut state, "tab .");
    assert_eq!(runs(&effects)[0].1, LONGER.concat() + " research");
    assert_eq!(state.pane(Side::Right).pass, Pass::Idle, "what is pinned runs nothing");
    assert_eq!(runs(&press(&mut state, ","))[0].1, LONGER.concat());
}

#[test]
fn a_row_of_the_pinned_prompt_is_copied_from_it() {
    let mut state = pinned();
    let effects = press(&mut state, "tab end y");
    let [Effect::Copy(text)] = &effects[..] else { panic!("{effects:?}") };
    let names: Vec<&str> = text.lines().filter_map(|line| line.split('\t').next()).collect();
    assert_eq!(names, ["key", "write", "a", "story", "about", "AI"]);
}

#[test]
fn there_is_nothing_to_pin_before_something_is_shown() {
    let mut state = loaded();
    press(&mut state, "p");
    assert_eq!(
        (state.note.as_deref(), state.panes.pin.is_none()),
        (Some("there is nothing to pin yet"), true)
    );
    assert_eq!(state.pane(Side::Left).cursor.column, Column::Key(0));
}

/// What is shown may be older than what is running.
#[test]
fn what_is_pinned_is_what_is_seen() {
    let mut state = captured();
    let before: Arc<Capture> = state.pane(Side::Left).shown.as_ref().unwrap().capture.clone();
    state.editor.draft = LONGER.concat().into();
    act(&mut state, Action::Submit);
    press(&mut state, "p");
    captured_as(&mut state, &LONGER, &LONGER);
    let pinned = state.pane(Side::Right).shown.as_ref().unwrap();
    assert!(Arc::ptr_eq(&pinned.capture, &before));
    assert_eq!(pinned.prompt, PROMPT.concat());
}
