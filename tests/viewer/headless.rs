//! A model without an output head: attention as ever, and "no output head" where it would predict. And what of a
//! model's files is not honoured.

use std::sync::Arc;

use attnscope::app::{Effect, LensStage, Side, State};
use attnscope::attention::{Ablation, Capture, ModelInfo};
use attnscope::worker::protocol::{Asker, Event, Request, Slot};

use crate::fixture::*;
use crate::screens::{draw, text};

fn headless() -> Arc<ModelInfo> {
    Arc::new(ModelInfo { has_output_head: false, ..(*gpt2()).clone() })
}

fn read_by(model: &Arc<ModelInfo>, off: &str) -> Capture {
    let capture = (*capture(model, &PROMPT)).clone();
    let ablation = if off.is_empty() { Ablation::default() } else { off.parse().unwrap() };
    Capture { logits: Vec::new(), next: Vec::new(), drawn: None, ablation, ..capture }
}

/// Left is without a head, right has one.
fn shown() -> State {
    let mut state = started();
    hear(&mut state, Event::Loaded { slot: Slot::First, model: headless() });
    hear(&mut state, Event::Loaded { slot: Slot::Second, model: gpt_oss() });
    let job = state.run.job;
    for (side, capture) in
        [(Side::Left, Arc::new(read_by(&headless(), ""))), (Side::Right, capture(&gpt_oss(), &PROMPT))]
    {
        let effects = hear(&mut state, Event::Captured { slot: side.slot(), job, capture });
        answer(&mut state, effects);
    }
    state
}

#[test]
fn where_next_tokens_would_stand() {
    for size in [(80, 24), (120, 36), (200, 60)] {
        let mut state = shown();
        let screen = text(draw(&mut state, size).backend().buffer());
        assert!(screen.contains("no output head"), "{size:?}");
        assert!(size.0 < 120 || screen.contains("research"), "the other model predicts");
    }
}

#[test]
fn nothing_is_appended_or_chosen() {
    for key in [".", "<", ">"] {
        let mut state = shown();
        state.panes.focus = Side::Left;
        let effects = press(&mut state, key);
        assert!(runs(&effects).is_empty(), "{key}");
        assert!(
            state.note.as_deref().is_some_and(|note| note.contains("no output head")),
            "{:?}",
            state.note
        );
    }
}

#[test]
fn its_layers_are_not_asked() {
    let mut state = shown();
    let effects = press(&mut state, "P");
    let asked: Vec<Asker> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Send(Request::Lens(question)) => Some(question.asker),
            _ => None,
        })
        .collect();
    assert_eq!(asked, [Asker(1)], "only the right one");
    let stage = lens_panel(&state, Side::Left).map(|lens| lens.stage.clone());
    assert!(
        matches!(&stage, Some(LensStage::Failed(why)) if why.to_string().contains("no output head")),
        "{stage:?}"
    );
    let screen = text(draw(&mut state, (160, 40)).backend().buffer());
    assert!(screen.contains("no output head"));
}

#[test]
fn heads_go_off_without_next_tokens_that_change() {
    let mut state = shown();
    let before = Arc::new(read_by(&headless(), ""));
    let after = Capture { before: Some(before), ..read_by(&headless(), "0.1") };
    let job = state.run.job;
    let effects = hear(&mut state, Event::Captured { slot: Slot::First, job, capture: Arc::new(after) });
    answer(&mut state, effects);
    let screen = text(draw(&mut state, (160, 40)).backend().buffer());
    assert!(screen.contains("no output head"));
}

#[test]
fn what_is_not_honoured_is_said_when_the_model_is_there() {
    let mut state = started();
    let notes = vec!["a LORA adapter of a/b\u{1b} is not applied".to_owned()];
    let model = Arc::new(ModelInfo { notes, ..(*gpt2()).clone() });
    hear(&mut state, Event::Loaded { slot: Slot::First, model });
    let note = state.note.clone().unwrap();
    assert!(note.contains("adapter of a/b\\u{1b} is not applied"), "{note}");
}
