//! Texts that models go on with: a token at a time, until they end or somebody stops them.

use std::sync::Arc;

use attnscope::attention::{Capture, TextEnding};
use attnscope::model::LoadOptions;
use attnscope::worker::protocol::{Choice, Event, JobId, Request, Sampling, Slot, WorkerError, WriteJob};
use attnscope::worker::{self, WorkerHandle};
use tokio::sync::mpsc::Receiver;

use crate::fixture::*;

fn write(capture: &Arc<Capture>, id: u64, limit: usize) -> Request {
    let choice = Choice { sampling: Sampling::default(), is_drawn: false };
    Request::Write(WriteJob {
        slot: Slot::First,
        id: JobId(id),
        capture: capture.clone(),
        prompt_bytes: Some(5),
        first: None,
        choice,
        limit,
        written: 0,
    })
}

/// What was written under a number, and why it ended.
async fn written(
    events: &mut Receiver<Event>,
    of: u64,
) -> (Vec<Arc<Capture>>, Result<TextEnding, WorkerError>) {
    let mut captures = Vec::new();
    let ended = wait_for(events, |event| match event {
        Event::Written { job, capture, .. } if job == JobId(of) => {
            captures.push(capture);
            None
        }
        Event::WritingEnded { job, ended, .. } if job == JobId(of) => Some(ended),
        _ => None,
    })
    .await;
    (captures, ended)
}

async fn scene() -> (WorkerHandle, Receiver<Event>, Arc<Capture>) {
    let (worker, mut events) = worker::spawn(LoadOptions::default());
    load(&worker, Slot::First, "demo:gpt2");
    run(&worker, 1, "write");
    let capture = wait_for(&mut events, |event| captured(event, Slot::First, 1)).await;
    (worker, events, capture)
}

#[tokio::test]
async fn each_token_comes_with_the_pass_over_all_of_the_text() {
    let (worker, mut events, start) = scene().await;
    worker.send(write(&start, 1, 4)).unwrap();
    let (captures, ended) = written(&mut events, 1).await;
    assert_eq!(ended, Ok(TextEnding::Limit(4)));
    let mut before = &start;
    for (at, capture) in captures.iter().enumerate() {
        assert_eq!(
            (capture.tokens.len(), capture.prompt_tokens()),
            (start.tokens.len() + at + 1, start.tokens.len())
        );
        let token = capture.tokens.last().unwrap();
        assert_eq!(token.id, before.next[0].token.id, "the likeliest one");
        assert_eq!(token.span.start, before.tokens.last().unwrap().span.end);
        assert!(capture.drawn.is_some());
        before = capture;
    }
    assert_eq!(captures.len(), 4);
}

#[tokio::test]
async fn a_text_begins_with_the_token_that_is_asked_for() {
    let (worker, mut events, start) = scene().await;
    let Request::Write(job) = write(&start, 1, 2) else { unreachable!() };
    worker.send(Request::Write(WriteJob { first: Some(7), ..job })).unwrap();
    let (captures, _) = written(&mut events, 1).await;
    assert_eq!(captures[0].tokens.last().unwrap().id, 7);
    assert_eq!(captures[1].tokens.last().unwrap().id, captures[0].next[0].token.id);
}

#[tokio::test]
async fn stops_come_within_a_token_and_a_storm_of_them_leaves_the_newest() {
    let (worker, mut events, start) = scene().await;
    for id in 1..=50 {
        worker.send(write(&start, id, 100_000)).unwrap();
        if id % 3 == 0 {
            worker.send(Request::StopWriting).unwrap();
        }
        tokio::time::sleep(std::time::Duration::from_millis(id % 7)).await;
    }
    worker.send(write(&start, 99, 3)).unwrap();
    assert_eq!(written(&mut events, 99).await.1, Ok(TextEnding::Limit(3)));
    worker.send(write(&start, 100, 100_000)).unwrap();
    wait_for(&mut events, |event| matches!(event, Event::Written { .. }).then_some(())).await;
    worker.send(Request::StopWriting).unwrap();
    assert_eq!(written(&mut events, 100).await.1, Err(WorkerError::Cancelled));
    run(&worker, 2, "a story");
    wait_for(&mut events, |event| captured(event, Slot::First, 2)).await;
}

#[tokio::test]
async fn a_newer_prompt_and_another_model_end_a_text() {
    let (worker, mut events, start) = scene().await;
    worker.send(write(&start, 1, 100_000)).unwrap();
    run(&worker, 2, "a story");
    wait_for(&mut events, |event| captured(event, Slot::First, 2)).await;
    worker.send(write(&start, 2, 100_000)).unwrap();
    wait_for(&mut events, |event| matches!(event, Event::Written { .. }).then_some(())).await;
    load(&worker, Slot::First, &golden("gpt2-tiny"));
    let (mut ended, mut ran) = (None, false);
    let both = wait_for(&mut events, |event| {
        match event {
            Event::WritingEnded { ended: why, .. } => ended = Some(why),
            Event::Captured { job: JobId(2), .. } => ran = true,
            _ => {}
        }
        ended.clone().filter(|_| ran)
    });
    let ended = both.await;
    let gone = WorkerError::ModelGone("demo:gpt2".to_owned());
    assert!(ended == Err(gone) || ended == Err(WorkerError::Cancelled), "{ended:?}");
}
