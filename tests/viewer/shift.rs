//! How far the heads of two models of one shape are apart.

use std::sync::Arc;

use attnscope::app::{Action, Effect, ExportContent, Mode, ModelShift, Opened, Popup, Side, State, update};
use attnscope::attention::ablation::next_divergence;
use attnscope::attention::shift::shifted_heads;
use attnscope::attention::{Capture, ModelInfo, View};
use attnscope::worker::protocol::{Event, LayerShift, Request, ShiftJob, Slot, WorkerError};

use crate::fixture::*;
use crate::screens::{assert_screen, draw, text};

/// Both panes show gpt2, the right one another revision of it.
fn revisions() -> State {
    let mut state = captured();
    let model = Arc::new(ModelInfo { name: "org/gpt2@new".to_owned(), ..(*gpt2()).clone() });
    let effects = hear(&mut state, Event::Loaded { slot: Slot::Second, model: model.clone() });
    answer(&mut state, effects);
    let mut pass: Capture = (*capture(&model, &PROMPT)).clone();
    pass.layers.iter_mut().for_each(reverse_queries);
    pass.logits[0] = 1.0;
    let (slot, job) = (Slot::Second, state.run.job);
    let effects = hear(&mut state, Event::Captured { slot, job, capture: Arc::new(pass) });
    answer(&mut state, effects);
    state
}

fn shift(state: &State) -> &ModelShift {
    match state.screen.opened() {
        Opened::Shift(shift) => shift,
        _ => panic!("it is not open"),
    }
}

/// The layer that is asked for.
fn asked(effects: &[Effect]) -> Option<ShiftJob> {
    effects.iter().find_map(|effect| match effect {
        Effect::Send(Request::Shift(job)) => Some(job.clone()),
        _ => None,
    })
}

fn found(job: &ShiftJob) -> Event {
    let [left, right] = job.captures.each_ref();
    let heads = shifted_heads(left, right, job.layer).unwrap();
    let found = LayerShift { heads, next: next_divergence(left, right) };
    Event::Shifted { question: job.clone(), found: Ok(Arc::new(found)) }
}

/// Answers layer after layer.
fn finish(state: &mut State, mut effects: Vec<Effect>) -> usize {
    let mut layers = 0;
    while let Some(job) = asked(&effects) {
        effects = hear(state, found(&job));
        layers += 1;
    }
    layers
}

#[test]
fn heads_are_compared_layer_by_layer_and_the_furthest_come_first() {
    let mut state = revisions();
    let effects = press(&mut state, "W");
    assert_eq!((state.screen.mode(), asked(&effects).unwrap().layer), (Mode::Panel, 0));
    assert!(state.is_busy());
    let layers = finish(&mut state, effects);
    let shift = shift(&state);
    assert_eq!((shift.done, layers, shift.heads.len()), (2, 2, 2 * gpt2().heads));
    assert!(shift.heads.is_sorted_by(|a, b| a.divergence >= b.divergence) && shift.heads[0].divergence > 0.0);
    assert!(shift.next.unwrap() > 0.0 && !state.is_busy());
    assert_screen!("model_shift", state, (120, 34));
    let head = shift_head(&state, 1);
    press(&mut state, "down enter");
    assert_eq!((state.screen.mode(), state.focused().selection.view()), (Mode::Browse, head));
}

fn shift_head(state: &State, row: usize) -> View {
    shift(state).heads[row].view()
}

/// One model beside itself without a head is not two models, and what moved is exported.
#[test]
fn it_is_said_what_is_compared_and_it_is_exported() {
    let mut state = alone();
    press_and_wait(&mut state, "enter enter }");
    let effects = press(&mut state, "a");
    answer(&mut state, effects);
    let (slot, job, capture) = (Slot::First, state.run.job, ablated(&gpt2(), &PROMPT, "0.1"));
    let effects = hear(&mut state, Event::Captured { slot, job, capture });
    answer(&mut state, effects);
    let effects = press(&mut state, "W");
    finish(&mut state, effects);
    assert_screen!("shift_without_a_head", state, (100, 24));
    for size in [(60, 20), (80, 24), (200, 60)] {
        let screen = text(draw(&mut state, size).backend().buffer());
        assert!(screen.contains("how far heads move without 0.1"), "{screen}");
        assert!(!screen.contains("both models") && !screen.contains("other model"), "{screen}");
    }
    press(&mut state, "e");
    let Some(Popup::Export(dialog)) = &state.popup else { panic!("no export dialog") };
    assert_eq!(dialog.choice().0, ExportContent::Shift);
    let formats: Vec<&str> =
        dialog.choices.iter().filter(|it| it.0 == ExportContent::Shift).map(|it| it.1.name()).collect();
    assert_eq!(formats, ["svg", "png", "csv", "json"]);
}

#[test]
fn it_can_be_stopped_and_goes_on() {
    let mut state = revisions();
    let effects = press(&mut state, "W");
    let job = asked(&effects).unwrap();
    assert_eq!(asked(&press(&mut state, "ctrl-x")).map(|job| job.layer), None);
    assert_eq!(shift(&state).stopped.as_deref(), Some("stopped"));
    assert_eq!(
        asked(&hear(&mut state, found(&job))).map(|job| job.layer),
        None,
        "nobody waits for that any more"
    );
    let effects = press(&mut state, "r");
    assert_eq!(asked(&effects).map(|job| job.layer), Some(0));
    let failed = Event::Shifted { question: job, found: Err(WorkerError::Refused("no memory".to_owned())) };
    hear(&mut state, failed);
    assert_eq!(shift(&state).stopped.as_deref(), Some("no memory"));
    press(&mut state, "W");
    assert_eq!(state.screen.mode(), Mode::Browse);
}

#[test]
fn models_of_other_shapes_are_not_compared_and_say_why() {
    let mut state = captured();
    press(&mut state, "W");
    assert_eq!(state.screen.mode(), Mode::Browse);
    assert!(state.note.as_deref().unwrap().contains("models of one shape"));
    let mut state = revisions();
    let effects = press(&mut state, "W");
    finish(&mut state, effects);
    let effects = update(&mut state, Action::Focus(Side::Right));
    assert_eq!(asked(&effects).map(|job| job.layer), None, "all is known");
}
