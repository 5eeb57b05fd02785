//! What hiding spans changes.

use std::sync::Arc;

use attnscope::attention::knockout::HiddenSpan;
use attnscope::model::LoadOptions;
use attnscope::worker;
use attnscope::worker::protocol::{Asker, EffectJob, Event, Request, Slot, WorkerError};

use crate::fixture::*;

/// Span after span; a prompt goes first; and who stops it goes on later from where it was.
#[tokio::test]
async fn spans_are_hidden_one_after_another_until_it_is_stopped() {
    let (worker, mut events) = worker::spawn(LoadOptions::default());
    load(&worker, Slot::First, &golden("gpt-oss-tiny"));
    run(&worker, 1, "write a story about AI");
    let capture = wait_for(&mut events, |event| captured(event, Slot::First, 1)).await;
    let spans: Arc<[HiddenSpan]> = HiddenSpan::words(&capture.tokens).into();
    let (asker, slot, count) = (Asker(1), Slot::First, spans.len());
    assert!(count > 2);
    let question =
        EffectJob { asker, slot, capture: capture.clone(), spans: spans.clone(), done: 0, keys: None };
    worker.send(Request::Effect(question.clone())).unwrap();
    for done in 0..count {
        let found = wait_for(&mut events, |event| match event {
            Event::Effect { question, found } => Some((question.done, found)),
            _ => None,
        });
        let (at, effect) = found.await;
        let effect = effect.unwrap();
        assert_eq!((at, &effect.span), (done, &spans[done]));
        let is_last = done + 1 == count;
        assert_eq!(
            (effect.later == 0, effect.divergence == 0.0, effect.change == 0.0),
            (is_last, is_last, is_last)
        );
        assert!(effect.share > 0.0 && effect.weighted > 0.0);
    }
    // From the last one on, as after a stop.
    worker.send(Request::Effect(EffectJob { done: count - 1, ..question.clone() })).unwrap();
    let found = wait_for(&mut events, |event| match event {
        Event::Effect { question, found } => Some((question.done, found.is_ok())),
        _ => None,
    });
    assert_eq!(found.await, (count - 1, true));
    // Many of them are stopped before the end.
    let many: Arc<[HiddenSpan]> = vec![spans[0].clone(); 100_000].into();
    worker.send(Request::Effect(EffectJob { spans: many, ..question })).unwrap();
    let begun = wait_for(&mut events, |event| matches!(event, Event::Effect { .. }).then_some(()));
    begun.await;
    worker.send(Request::StopEffect).unwrap();
    let stopped = wait_for(&mut events, |event| match event {
        Event::Effect { found, .. } => found.err(),
        _ => None,
    });
    assert_eq!(stopped.await, WorkerError::Cancelled);
}
