//! Prompts, run through the models of both slots.

use std::sync::Arc;

use attnscope::attention::Ablation;
use attnscope::model::LoadOptions;
use attnscope::worker;
use attnscope::worker::protocol::{Event, JobId, Request, Sampling, Slot, WorkerError};

use crate::fixture::*;

#[tokio::test]
async fn a_prompt_sent_while_both_load_runs_on_both() {
    let (worker, mut events) = worker::spawn(LoadOptions::default());
    load(&worker, Slot::First, &golden("gpt2-tiny"));
    load(&worker, Slot::Second, &golden("gpt-oss-tiny"));
    run(&worker, 1, "write a story about AI");
    let mut captures = [None, None];
    let mut loaded = [false, false];
    wait_for(&mut events, |event| {
        match event {
            Event::Loaded { slot, .. } => loaded[slot.index()] = true,
            Event::Captured { slot, capture, .. } => {
                assert!(loaded[slot.index()], "a model is announced before its captures");
                captures[slot.index()] = Some(capture);
            }
            Event::Loading { .. } | Event::Running { .. } => {}
            other => panic!("unexpected {other:?}"),
        }
        captures.iter().all(Option::is_some).then_some(())
    })
    .await;
    let tokens = captures.map(|capture| capture.unwrap().tokens.len());
    assert_eq!(tokens, [7, 7]);
}

#[tokio::test]
async fn a_prompt_that_fails_leaves_the_model_resident() {
    let (worker, mut events) = worker::spawn(LoadOptions::default());
    load(&worker, Slot::First, &golden("gpt2-tiny"));
    run(&worker, 1, "");
    let error = wait_for(&mut events, |event| match event {
        Event::RunFailed { job: JobId(1), error, .. } => Some(error.to_string()),
        _ => None,
    })
    .await;
    assert!(error.contains("empty"), "{error}");
    run(&worker, 2, "write");
    wait_for(&mut events, |event| captured(event, Slot::First, 2)).await;
}

#[tokio::test]
async fn only_the_newest_prompt_is_run_to_its_end() {
    let (worker, mut events) = worker::spawn(LoadOptions::default());
    load(&worker, Slot::First, &golden("gpt2-tiny"));
    loaded(&mut events).await;
    for job in 1..=30 {
        run(&worker, job, "write a story about AI and write it again, and again, and once more");
    }
    let mut finished = 0;
    wait_for(&mut events, |event| {
        finished += u32::from(matches!(event, Event::Captured { .. }));
        captured(event, Slot::First, 30)
    })
    .await;
    assert!(finished < 30, "older prompts were cancelled or dropped, {finished} ran");
}

#[tokio::test]
async fn a_next_token_is_drawn_by_the_rule_that_came_with_the_prompt() {
    let (worker, mut events) = worker::spawn(LoadOptions::default());
    load(&worker, Slot::First, &golden("gpt2-tiny"));
    let mut drawn = Vec::new();
    for (job, seed) in [(1, 5), (2, 5), (3, 6), (4, 7), (5, 8)] {
        let sampling = Sampling { temperature: 9.0, top_p: 1.0, seed };
        let prompt = "write a story".to_owned();
        let ablations = Default::default();
        worker
            .send(Request::Run {
                job: JobId(job),
                prompt,
                chat: None,
                sampling,
                ablations,
                is_kept: [false; 2],
            })
            .unwrap();
        let capture = wait_for(&mut events, |event| captured(event, Slot::First, job)).await;
        drawn.push(capture.drawn.clone().unwrap());
    }
    assert_eq!(drawn[0], drawn[1], "the same seed");
    assert!(drawn[2..].iter().any(|other| other.token != drawn[0].token), "other seeds: {drawn:?}");
    let sampling = Sampling { temperature: 0.0, ..Sampling::default() };
    let ablations = Default::default();
    worker
        .send(Request::Run {
            job: JobId(6),
            prompt: "write".to_owned(),
            chat: None,
            sampling,
            ablations,
            is_kept: [false; 2],
        })
        .unwrap();
    let capture = wait_for(&mut events, |event| captured(event, Slot::First, 6)).await;
    let (drawn, likeliest) = (capture.drawn.as_ref().unwrap(), &capture.next[0]);
    assert_eq!(drawn.token, likeliest.token);
    assert!((drawn.probability - likeliest.probability).abs() < 1e-6);
}

#[tokio::test]
async fn a_cancelled_pass_says_so_and_the_model_stays() {
    let (worker, mut events) = worker::spawn(LoadOptions::default());
    load(&worker, Slot::First, &golden("gpt2-tiny"));
    loaded(&mut events).await;
    run(&worker, 1, &"write a story about AI ".repeat(18));
    worker.send(Request::Cancel).unwrap();
    // Whether the pass or the cancellation is faster, there is one end.
    wait_for(&mut events, |event| match event {
        Event::RunFailed { error: WorkerError::Cancelled, .. } | Event::Captured { job: JobId(1), .. } => {
            Some(())
        }
        Event::RunFailed { error, .. } => panic!("{error}"),
        _ => None,
    })
    .await;
    run(&worker, 2, "write");
    wait_for(&mut events, |event| captured(event, Slot::First, 2)).await;
}

/// The heads that are off come after a pass with all on, which is not run again for others.
#[tokio::test]
async fn a_pass_without_heads_brings_the_one_with_all() {
    let (worker, mut events) = worker::spawn(LoadOptions::default());
    load(&worker, Slot::First, &golden("gpt2-tiny"));
    let run_without = |job, prompt: &str, heads: &str| {
        let ablations = [heads.parse().unwrap(), Ablation::default()];
        let (job, prompt, sampling) = (JobId(job), prompt.to_owned(), Sampling::default());
        worker
            .send(Request::Run { job, prompt, chat: None, sampling, ablations, is_kept: [false; 2] })
            .unwrap();
    };
    run_without(1, "write a story", "0.1");
    let first = wait_for(&mut events, |event| captured(event, Slot::First, 1)).await;
    let before = first.before.clone().unwrap();
    assert_eq!((first.ablation.to_string().as_str(), before.ablation.is_empty()), ("0.1", true));
    assert!(first.logits != before.logits && first.drawn.is_some() && before.drawn.is_some());
    run_without(2, "write a story", "0.1,0.2");
    let second = wait_for(&mut events, |event| captured(event, Slot::First, 2)).await;
    assert!(Arc::ptr_eq(second.before.as_ref().unwrap(), &before), "run once");
    assert_ne!(second.logits, first.logits);
    run(&worker, 3, "write a story");
    let all = wait_for(&mut events, |event| captured(event, Slot::First, 3)).await;
    assert!(Arc::ptr_eq(&all, &before));
    run_without(4, "write", "0.1");
    let other = wait_for(&mut events, |event| captured(event, Slot::First, 4)).await;
    assert_eq!(other.before.as_ref().unwrap().tokens.len(), other.tokens.len());
    run_without(5, "write", "9.1");
    let error = wait_for(&mut events, |event| match event {
        Event::RunFailed { job: JobId(5), error, .. } => Some(error.to_string()),
        _ => None,
    });
    assert!(error.await.contains("head:9.1 can't be switched off"));
}

#[tokio::test]
async fn a_prompt_of_any_size_is_answered() {
    let (worker, mut events) = worker::spawn(LoadOptions::default());
    load(&worker, Slot::First, &golden("gpt2-tiny"));
    loaded(&mut events).await;
    for (job, text) in (1..).zip(["a", " ", "write ", "\n", "<|endoftext|>", "é", "🙂"]) {
        run(&worker, job, &text.repeat(10_000_000 / text.len()));
        let error = failure(&mut events, job).await;
        assert!(error.contains("MB is more tokens than"), "{text:?}: {error}");
        assert!(error.contains("at most 128: shorten it"), "{text:?}: {error}");
    }
}
