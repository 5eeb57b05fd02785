//! Storms of requests, and workers whose front end has gone.

use std::sync::Arc;

use attnscope::model::LoadOptions;
use attnscope::worker;
use attnscope::worker::protocol::{Asker, Event, LensJob, Request, Slot, WorkerError};

use crate::fixture::*;
use crate::patience::patience;

/// A storm of everything at once is over soon after its last request, and the worker then does what it did before.
#[tokio::test]
async fn after_a_storm_of_prompts_loads_and_stops_the_newest_of_each_is_done() {
    let (worker, mut events) = worker::spawn(LoadOptions::default());
    load(&worker, Slot::First, &golden("gpt2-tiny"));
    run(&worker, 1, "write");
    let capture = wait_for(&mut events, |event| captured(event, Slot::First, 1)).await;
    for job in 2..300 {
        let request = match job % 6 {
            0 => Request::Cancel,
            1 => Request::CancelPasses,
            2 => score(&capture.model, &["", "0.1"]),
            3 => {
                let (asker, slot, capture) = (Asker(job as usize / 6 % 2), Slot::First, Arc::clone(&capture));
                Request::Lens(LensJob { asker, slot, capture, query: 0 })
            }
            4 => Request::Load { slot: Slot::First, reference: golden("gpt-oss-tiny") },
            _ => prompt(job, "write a story about AI"),
        };
        worker.send(request).unwrap();
        tokio::task::yield_now().await;
        while events.try_recv().is_ok() {}
    }
    run(&worker, 300, "write a story");
    load(&worker, Slot::First, "demo:gpt2");
    let mut loaded = None;
    let newest = wait_for(&mut events, |event| match event {
        Event::Loaded { model, .. } => {
            loaded = Some(model.name.clone());
            None
        }
        event => captured(event, Slot::First, 300).filter(|capture| capture.model.name == "demo:gpt2"),
    })
    .await;
    assert_eq!((loaded.as_deref(), newest.tokens.len()), (Some("demo:gpt2"), 3));
}

/// Events end when all that was under way has: nothing goes on in the background.
#[tokio::test]
async fn when_all_handles_are_dropped_the_events_end() {
    let (worker, mut events) = worker::spawn(LoadOptions::default());
    load(&worker, Slot::First, &golden("gpt2-tiny"));
    let model = loaded(&mut events).await;
    worker.send(score(&model, &["", "0.1", "0.2"])).unwrap();
    for job in 1..20 {
        run(&worker, job, &"write a story about AI ".repeat(18));
    }
    load(&worker, Slot::Second, "demo:gpt-oss");
    drop(worker);
    let over = async {
        let mut stopped = Vec::new();
        while let Some(event) = events.recv().await {
            if let Event::LoadFailed { error, .. } | Event::RunFailed { error, .. } = event {
                stopped.push(error);
            }
        }
        stopped
    };
    let stopped = tokio::time::timeout(patience(), over).await.expect("every thread has let go");
    assert!(stopped.iter().all(|error| *error == WorkerError::Cancelled), "{stopped:?}");
}
