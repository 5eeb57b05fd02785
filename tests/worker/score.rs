//! Scores on repeated random tokens.

use std::sync::Arc;

use attnscope::model::LoadOptions;
use attnscope::worker;
use attnscope::worker::protocol::{Event, Request, Slot, WorkerError};

use crate::fixture::*;

#[tokio::test]
async fn scores_are_computed_beside_prompts_and_stop_when_asked() {
    let (worker, mut events) = worker::spawn(LoadOptions::default());
    load(&worker, Slot::First, &golden("gpt-oss-tiny"));
    let model = loaded(&mut events).await;
    let ask = || worker.send(score(&model, &[""])).unwrap();
    ask();
    run(&worker, 1, "write a story");
    let (mut captured, mut scored) = (false, None);
    let scores = wait_for(&mut events, |event| {
        match event {
            Event::Captured { .. } => captured = true,
            Event::Scored { slot: Slot::First, model: of, scores, .. } => {
                assert!(Arc::ptr_eq(&of, &model));
                scored = Some(scores);
            }
            _ => {}
        }
        scored.clone().filter(|_| captured)
    })
    .await;
    assert_eq!((scores.len(), scores[0].len()), (model.layers, model.heads));
    assert!(scores.iter().flatten().all(|score| (0.0..=1.0).contains(&score.previous)));

    let of_another_load = Arc::new((*model).clone());
    worker.send(score(&of_another_load, &[""])).unwrap();
    ask();
    let again = wait_for(&mut events, |event| match event {
        Event::Scored { scores, .. } => Some(scores),
        _ => None,
    })
    .await;
    assert!(Arc::ptr_eq(&again, &scores), "they are kept");

    load(&worker, Slot::First, &golden("gpt2-tiny"));
    let next = loaded(&mut events).await;
    worker.send(score(&next, &[""])).unwrap();
    worker.send(Request::Cancel).unwrap();
    // Whether the draws or the cancellation are faster, there is one end.
    wait_for(&mut events, |event| match event {
        Event::Scored { .. } => Some(()),
        Event::ScoringFailed { error, .. } => {
            assert_eq!(error, WorkerError::Cancelled);
            Some(())
        }
        _ => None,
    })
    .await;
}

/// Expected: transformers 5 (eager, f32) on the same repeated random tokens, with the slice of head 0.1 zeroed before
/// `c_proj`; the mean of the diagonals at 23.
#[tokio::test]
async fn scores_are_those_of_the_model_without_the_heads_that_are_off() {
    let (worker, mut events) = worker::spawn(LoadOptions::default());
    load(&worker, Slot::First, "demo:gpt2");
    let model = loaded(&mut events).await;
    // Without 0.2 nobody waits for any more: it gives way, and nobody is told that it was stopped.
    worker.send(score(&model, &["0.2"])).unwrap();
    worker.send(score(&model, &["", "0.1"])).unwrap();
    let mut found: Vec<(String, [f32; 2])> = Vec::new();
    wait_for(&mut events, |event| {
        match event {
            Event::Scored { ablation, scores, .. } => {
                found.push((ablation.to_string(), [scores[1][3].induction, scores[1][1].induction]));
            }
            Event::ScoringFailed { error, .. } => panic!("{error}"),
            _ => {}
        }
        found.iter().any(|(heads, _)| heads == "0.1").then_some(())
    })
    .await;
    found.retain(|(heads, _)| heads != "0.2");
    let names: Vec<&str> = found.iter().map(|(heads, _)| heads.as_str()).collect();
    assert_eq!(names, ["", "0.1"]);
    for ((heads, scores), expected) in found.iter().zip([[0.88815, 0.87671], [0.04525, 0.04143]]) {
        let near = scores.iter().zip(expected).all(|(score, expected)| (score - expected).abs() < 5e-5);
        assert!(near, "without {heads:?}: {scores:?}, not {expected:?}");
    }
}
