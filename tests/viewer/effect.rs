//! Effect in the viewer: what is hidden, what is shown, and what its keys do.

use std::sync::Arc;

use attnscope::app::{Column, Effect, EffectSide, EffectStage, Opened, Side, State};
use attnscope::attention::ablation::NextChange;
use attnscope::attention::knockout::SpanEffect;
use attnscope::theme::ColorDepth;
use attnscope::worker::protocol::{Asker, EffectJob, Event, Request, Slot, WorkerError};

use crate::fixture::*;
use crate::screens::{assert_screen, draw, draw_with, text};

fn questions(effects: &[Effect]) -> Vec<EffectJob> {
    let question = |effect: &Effect| match effect {
        Effect::Send(Request::Effect(question)) => Some(question.clone()),
        _ => None,
    };
    effects.iter().filter_map(question).collect()
}

fn names(question: &EffectJob) -> Vec<&str> {
    question.spans.iter().map(|span| span.name.as_str()).collect()
}

/// Later spans matter more, and every second one against the token.
fn effect(question: &EffectJob) -> Arc<SpanEffect> {
    let (at, capture) = (question.done, &question.capture);
    let sign = if at.is_multiple_of(2) { -1.0 } else { 1.0 };
    let next = capture.next.iter().rev().enumerate();
    let next = next.map(|(at, next)| NextChange { before: next.clone(), after: 0.1 * at as f32 + 0.05 });
    Arc::new(SpanEffect {
        span: question.spans[at].clone(),
        later: capture.tokens.len() - question.spans[at].tokens.end,
        share: 0.05 + 0.1 * at as f32,
        weighted: 0.3 - 0.05 * at as f32,
        push: 0.4 * (at as f32 - 1.0),
        change: sign * (0.25 + at as f64),
        divergence: 0.02 * at as f64,
        next: next.collect(),
    })
}

/// The worker hides the next spans, so many of each question.
pub fn answered(state: &mut State, effects: &[Effect], count: usize) {
    for question in questions(effects) {
        for done in (question.done..question.spans.len()).take(count) {
            let question = Box::new(EffectJob { done, ..question.clone() });
            let found = Ok(effect(&question));
            hear(state, Event::Effect { question, found });
        }
    }
}

fn side(state: &State, side: Side) -> &EffectSide {
    match state.screen.opened() {
        Opened::Effect(effects) => effects.sides[side.index()].as_ref().unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn screens() {
    let mut state = captured();
    let effects = press(&mut state, "X");
    assert!(state.is_busy());
    hear(&mut state, Event::EffectRunning { asker: Asker(0), done: 0, layer: 1, layers: 2 });
    assert_screen!("effect_while_it_runs", state, (100, 24));
    answered(&mut state, &effects, 9);
    assert!(!state.is_busy());
    press(&mut state, "down");
    assert_screen!("effect", state, (120, 36));
    assert_screen!("effect_wide", state, (200, 40));
    assert_screen!("effect_80x24", state, (80, 24));
    assert_screen!("effect_40x12", state, (40, 12));
    let (terminal, _) = draw_with(&mut state, (80, 24), ColorDepth::None);
    insta::assert_snapshot!("effect_without_colours", terminal.backend());
    for width in [1, 5, 20, 41, 63, 64] {
        for height in [1, 4, 7, 12] {
            draw(&mut state, (width, height));
        }
    }
}

/// The span is quoted, and what has nothing behind it changes nothing.
#[test]
fn next_tokens_before_and_after_are_of_the_chosen_span() {
    let mut state = captured();
    let effects = press(&mut state, "X");
    answered(&mut state, &effects, 9);
    let screen = |state: &mut State| text(draw(state, (120, 36)).backend().buffer());
    press(&mut state, "down");
    let of_a_word = screen(&mut state);
    assert!(of_a_word.contains("next token when “a” is hidden:"), "{of_a_word}");
    assert_eq!((of_a_word.matches("│ before ").count(), of_a_word.matches("│ after ").count()), (2, 2));
    press(&mut state, "end tab end");
    let of_the_last = screen(&mut state);
    assert_eq!(of_the_last.matches("nothing is behind “AI”").count(), 2, "{of_the_last}");
    assert!(!of_the_last.contains("│ before ") && !of_the_last.contains("│ after "), "{of_the_last}");
}

/// A prompt of one sentence is hidden word by word; a marked span alone.
#[test]
fn what_is_hidden_is_the_marked_span_or_each_part() {
    let mut state = captured();
    let effects = press(&mut state, "X");
    assert_eq!(names(&questions(&effects)[0]), ["write", "a", "story", "about", "AI"]);
    assert_eq!(side(&state, Side::Left).cut_by, "words");
    press(&mut state, "esc");
    press(&mut state, "space left left space");
    let effects = press(&mut state, "X");
    let hidden = &questions(&effects)[0];
    assert_eq!((hidden.spans.len(), side(&state, Side::Left).cut_by), (1, "the marked span"));
    let span = state.pane(Side::Left).span.clone().unwrap();
    assert_eq!(hidden.spans[0].tokens, span.cells);
    // The next units, and back to the span.
    let by: Vec<_> = ["space"; 4]
        .map(|key| {
            press(&mut state, key);
            side(&state, Side::Left).cut_by
        })
        .to_vec();
    assert_eq!(
        by,
        ["words", "words", "words", "words"],
        "auto, paragraphs and sentences are one, then words"
    );
    press(&mut state, "space");
    assert_eq!(side(&state, Side::Left).cut_by, "the marked span");
}

#[test]
fn it_is_stopped_goes_on_and_forgets_with_the_panel() {
    let mut state = captured();
    let effects = press(&mut state, "X");
    answered(&mut state, &effects, 2);
    assert_eq!((side(&state, Side::Left).effects.len(), state.is_busy()), (2, true));
    let stopped = press(&mut state, "ctrl-x");
    assert!(matches!(stopped[..], [Effect::Send(Request::StopEffect)]), "{stopped:?}");
    for question in questions(&effects) {
        let question = Box::new(EffectJob { done: 2, ..question });
        hear(&mut state, Event::Effect { question, found: Err(WorkerError::Cancelled) });
    }
    assert!(!state.is_busy());
    assert!(matches!(side(&state, Side::Left).stage, EffectStage::Failed(WorkerError::Cancelled)));
    assert!(text(draw(&mut state, (120, 40)).backend().buffer()).contains("2 of 5 spans"));
    let again = press(&mut state, "r");
    assert_eq!(questions(&again).iter().map(|question| question.done).collect::<Vec<_>>(), [2, 2]);
    answered(&mut state, &again, 9);
    assert_eq!((side(&state, Side::Left).effects.len(), state.is_busy()), (5, false));
    let effects = press(&mut state, "esc X");
    assert_eq!(questions(&effects)[0].done, 0);
    let closed = press(&mut state, "X");
    assert!(matches!(closed[..], [Effect::Send(Request::StopEffect)]), "{closed:?}");
}

#[test]
fn an_answer_about_something_else_changes_nothing() {
    let mut state = captured();
    let old = press(&mut state, "X");
    let effects = captured_as(&mut state, &["a", " new", " one"], &["a", " new", " one"]);
    assert_eq!(names(&questions(&effects)[0]), ["a", "new", "one"]);
    answered(&mut state, &old, 1);
    assert!(side(&state, Side::Left).effects.is_empty());
    answered(&mut state, &effects, 3);
    let late = Box::new(EffectJob { done: 1, ..questions(&effects)[0].clone() });
    let found = Ok(effect(&late));
    hear(&mut state, Event::Effect { question: late, found });
    assert_eq!(side(&state, Side::Left).effects.len(), 3, "once is enough");
}

#[test]
fn the_chosen_span_is_gone_to() {
    let mut state = captured();
    let effects = press(&mut state, "X");
    answered(&mut state, &effects, 9);
    press(&mut state, "down down enter");
    assert!(matches!(state.screen.opened(), Opened::Nothing));
    let cursor = state.pane(Side::Left).cursor;
    assert_eq!((cursor.query, cursor.column), (4, Column::Key(2)));
}

#[test]
fn before_a_prompt_was_read_and_without_an_output_head_it_says_so() {
    let mut state = loaded();
    assert_eq!(press(&mut state, "X").len(), 0);
    assert_eq!(state.note.as_deref(), Some("this model has not read a prompt yet"));
    let mut state = captured();
    let mut silent = (*gpt2()).clone();
    silent.has_output_head = false;
    let job = state.run.job;
    let capture = capture(&Arc::new(silent), &["write", " a", " story", " about", " AI"]);
    hear(&mut state, Event::Captured { slot: Slot::First, job, capture });
    assert_eq!(questions(&press(&mut state, "X")).len(), 1, "of the other model");
    assert!(text(draw(&mut state, (120, 40)).backend().buffer()).contains("it predicts nothing"));
}
