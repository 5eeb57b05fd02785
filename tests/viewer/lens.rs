//! The logit lens in the viewer: what is asked, what is shown, and what is kept.

use std::sync::Arc;

use attnscope::app::{Effect, LensStage, Side, State};
use attnscope::attention::lens::{Lens, LensRow};
use attnscope::worker::protocol::{Asker, Event, LensJob, Request, Slot};

use crate::fixture::*;
use crate::screens::{assert_screen, draw, text};

fn asked(effects: &[Effect]) -> Vec<LensJob> {
    let question = |effect: &Effect| match effect {
        Effect::Send(Request::Lens(question)) => Some(question.clone()),
        _ => None,
    };
    effects.iter().filter_map(question).collect()
}

/// Of which pane, of which side's model, and after which token.
fn places(effects: &[Effect]) -> Vec<(Side, Side, usize)> {
    asked(effects)
        .iter()
        .map(|question| (Side::BOTH[question.asker.0], Side::of(question.slot), question.query))
        .collect()
}

/// Layers that grow more certain of what is predicted in the end.
fn lens(question: &LensJob) -> Arc<Lens> {
    let model = &question.capture.model;
    let next = &question.capture.next;
    let row = |row: usize| {
        let certain = row as f32 / model.layers as f32;
        let mut own = next[usize::from(row < model.layers / 2)].clone();
        own.probability = 0.05 + 0.6 * certain;
        LensRow { of_last: 0.6 * certain * certain + 0.05, next: vec![own] }
    };
    Arc::new(Lens { query: question.query, rows: (0..=model.layers).map(row).collect() })
}

/// The worker answers.
fn answered(state: &mut State, effects: &[Effect]) {
    for question in asked(effects) {
        let found = Ok(lens(&question));
        hear(state, Event::Lens { question, found });
    }
}

fn open() -> State {
    let mut state = captured();
    let effects = press(&mut state, "P");
    assert_eq!(places(&effects), [(Side::Left, Side::Left, 4), (Side::Right, Side::Right, 4)]);
    assert!(state.is_busy());
    answered(&mut state, &effects);
    assert!(!state.is_busy());
    state
}

#[test]
fn both_models_say_what_their_layers_would_predict() {
    let mut state = captured();
    let effects = press(&mut state, "P");
    hear(&mut state, Event::LensRunning { asker: Asker(0), layer: 1, layers: 2 });
    assert_screen!("lens_while_it_runs", state, (100, 24));
    answered(&mut state, &effects);
    assert_screen!("lens", state, (120, 40));
    assert_screen!("lens_80x24", state, (80, 24));
    assert_screen!("lens_small", state, (30, 10));
}

#[test]
fn it_follows_the_cursor_and_shows_the_older_answer_meanwhile() {
    let mut state = open();
    let effects = press(&mut state, "up left");
    let expected = [3, 2].map(|query| Side::BOTH.map(|side| (side, side, query))).concat();
    assert_eq!(places(&effects), expected);
    let old = asked(&effects).remove(0);
    hear(&mut state, Event::Lens { found: Ok(lens(&old)), question: old });
    let panel = lens_panel(&state, Side::Left).unwrap();
    assert_eq!((panel.query, &panel.stage), (2, &LensStage::Waiting), "an answer to an older question");
    assert_eq!(panel.lens.as_ref().unwrap().query, 4, "which stays until the new one is there");
    answered(&mut state, &effects);
    assert_eq!(lens_panel(&state, Side::Left).unwrap().lens.as_ref().unwrap().query, 2);
    assert_eq!(places(&press(&mut state, "home")).len(), 2);
    assert_eq!(state.pane(Side::Left).cursor.query, 0);
    press(&mut state, "end");
    assert_eq!(state.pane(Side::Left).cursor.query, 4);
}

#[test]
fn another_prompt_is_asked_about_and_closing_keeps_nothing() {
    let mut state = open();
    state.editor.draft = "a new one".into();
    act(&mut state, attnscope::app::Action::Submit);
    let effects = press(&mut state, "P");
    assert_eq!(places(&effects).len(), 2);
    let effects = captured_as(&mut state, &["a", " new", " one"], &["a", " new", " one"]);
    assert_eq!(places(&effects), Side::BOTH.map(|side| (side, side, 2)));
    let effects = press(&mut state, "esc");
    assert!(matches!(effects[..], [Effect::Send(Request::ForgetLens)]), "{effects:?}");
    assert!(lens_panel(&state, Side::Left).is_none() && !state.is_busy());
    let effects = press(&mut state, "P P");
    assert!(matches!(effects.last(), Some(Effect::Send(Request::ForgetLens))), "the same key closes it");
}

#[test]
fn what_failed_is_tried_again() {
    let mut state = captured();
    let effects = press(&mut state, "P");
    for question in asked(&effects) {
        hear(&mut state, Event::Lens { question, found: Err(failed("no memory")) });
    }
    assert!(!state.is_busy());
    assert!(text(draw(&mut state, (120, 40)).backend().buffer()).contains("no memory · r tries again"));
    assert_eq!(places(&press(&mut state, "r")).len(), 2);
}

/// What is pinned is asked of the model that it came from.
#[test]
fn a_pinned_pane_has_its_own_model() {
    let mut state = captured();
    let effects = press(&mut state, "p P");
    assert_eq!(places(&effects), [(Side::Left, Side::Left, 4), (Side::Right, Side::Left, 4)]);
    let mut state = captured();
    press(&mut state, "p");
    hear(&mut state, Event::Loaded { slot: Slot::First, model: gpt_oss() });
    let effects = press(&mut state, "P");
    assert_eq!(places(&effects), []);
    assert!(text(draw(&mut state, (120, 40)).backend().buffer()).contains("demo:gpt2 is not here any more"));
}

#[test]
fn there_is_nothing_to_look_into_before_a_prompt_was_read() {
    let mut state = loaded();
    assert_eq!(press(&mut state, "P").len(), 0);
    assert_eq!(state.note.as_deref(), Some("this model has not read a prompt yet"));
}
