//! Loads and swaps of models.

use std::path::Path;

use attnscope::model::LoadOptions;
use attnscope::worker;
use attnscope::worker::protocol::{Asker, Event, LensJob, Request, Slot, WorkerError};

use crate::fixture::*;

#[tokio::test]
async fn a_failed_slot_leaves_the_other_alone() {
    let (worker, mut events) = worker::spawn(LoadOptions::default());
    load(&worker, Slot::First, "./no/such/folder");
    load(&worker, Slot::Second, &golden("gpt-oss-tiny"));
    run(&worker, 1, "write");
    let error = wait_for(&mut events, |event| match event {
        Event::LoadFailed { slot: Slot::First, error } => Some(error.to_string()),
        _ => None,
    })
    .await;
    assert!(error.contains("no/such/folder"), "{error}");
    // It may have come before the failure, so ask again.
    run(&worker, 2, "write");
    wait_for(&mut events, |event| captured(event, Slot::Second, 2)).await;
}

#[tokio::test]
async fn a_model_is_swapped_while_the_other_slot_stays() {
    let (worker, mut events) = worker::spawn(LoadOptions::default());
    load(&worker, Slot::First, &golden("gpt2-tiny"));
    run(&worker, 1, "write a story");
    let first = wait_for(&mut events, |event| captured(event, Slot::First, 1)).await;
    load(&worker, Slot::First, &golden("gpt-oss-tiny"));
    // The newest prompt runs through the new model without being sent again.
    let second = wait_for(&mut events, |event| captured(event, Slot::First, 1)).await;
    assert_eq!((first.model.family.as_str(), second.model.family.as_str()), ("gpt2", "gpt_oss"));
}

#[tokio::test]
async fn a_swap_leaves_the_other_slot_alone() {
    let (worker, mut events) = worker::spawn(LoadOptions::default());
    load(&worker, Slot::First, &golden("gpt2-tiny"));
    load(&worker, Slot::Second, &golden("gpt-oss-tiny"));
    run(&worker, 1, "write a story");
    let mut slots = vec![Slot::First, Slot::Second];
    wait_for(&mut events, |event| {
        slots.retain(|slot| captured(event.clone(), *slot, 1).is_none());
        slots.is_empty().then_some(())
    })
    .await;
    load(&worker, Slot::First, "demo:gpt2");
    let swapped = wait_for(&mut events, |event| match event {
        Event::Captured { slot: Slot::First, capture, .. } => Some(capture),
        Event::Loading { slot: Slot::First, .. }
        | Event::Loaded { slot: Slot::First, .. }
        | Event::Running { slot: Slot::First, .. } => None,
        other => panic!("unexpected {other:?}"),
    })
    .await;
    assert_eq!(swapped.model.name, "demo:gpt2");
    run(&worker, 2, "write");
    let right = wait_for(&mut events, |event| captured(event, Slot::Second, 2)).await;
    assert_eq!(right.model.family, "gpt_oss");
}

#[tokio::test]
async fn a_swap_that_is_stopped_leaves_the_model_that_was_there() {
    let (worker, mut events) = worker::spawn(LoadOptions::default());
    load(&worker, Slot::First, &golden("gpt2-tiny"));
    run(&worker, 1, "write");
    wait_for(&mut events, |event| captured(event, Slot::First, 1)).await;
    // A load that is over before it is stopped is done again.
    loop {
        load(&worker, Slot::First, "demo:gpt-oss");
        worker.send(Request::Cancel).unwrap();
        let was_stopped = wait_for(&mut events, |event| match event {
            Event::LoadFailed { slot: Slot::First, error: WorkerError::Cancelled } => Some(true),
            Event::Loaded { .. } => Some(false),
            Event::Loading { .. }
            | Event::Running { .. }
            | Event::RunFailed { .. }
            | Event::Captured { .. } => None,
            other => panic!("unexpected {other:?}"),
        });
        if was_stopped.await {
            break;
        }
        load(&worker, Slot::First, &golden("gpt2-tiny"));
        wait_for(&mut events, |event| match event {
            Event::Captured { capture, .. } => (capture.model.family == "gpt2").then_some(()),
            _ => None,
        })
        .await;
    }
    run(&worker, 2, "write a story");
    let capture = wait_for(&mut events, |event| captured(event, Slot::First, 2)).await;
    assert_eq!(capture.model.family, "gpt2");
    // And is none the worse for it: the next one takes its place, and runs the newest prompt.
    load(&worker, Slot::First, "demo:gpt-oss");
    let capture = wait_for(&mut events, |event| captured(event, Slot::First, 2)).await;
    assert_eq!(capture.model.family, "gpt_oss");
}

#[tokio::test]
async fn a_load_after_everything_was_stopped_runs_the_newest_prompt() {
    let (worker, mut events) = worker::spawn(LoadOptions::default());
    run(&worker, 1, "write");
    worker.send(Request::Cancel).unwrap();
    load(&worker, Slot::First, &golden("gpt2-tiny"));
    wait_for(&mut events, |event| captured(event, Slot::First, 1)).await;
}

#[tokio::test]
async fn weights_that_are_cut_while_they_are_in_use_are_named() {
    for model in ["gpt2-tiny", "gpt-oss-tiny"] {
        let folder = tempfile::tempdir().unwrap();
        for name in ["config.json", "tokenizer.json", "model.safetensors"] {
            std::fs::copy(Path::new(&golden(model)).join(name), folder.path().join(name)).unwrap();
        }
        let weights = folder.path().join("model.safetensors");
        let (worker, mut events) = worker::spawn(LoadOptions::default());
        load(&worker, Slot::First, folder.path().to_str().unwrap());
        run(&worker, 1, "write a story");
        let capture = wait_for(&mut events, |event| captured(event, Slot::First, 1)).await;
        std::fs::File::options().write(true).open(&weights).unwrap().set_len(4096).unwrap();
        run(&worker, 2, "write another story");
        let error = failure(&mut events, 2).await;
        assert!(error.contains("model.safetensors: was cut from"), "{error}");
        assert!(error.contains("to 4096 bytes while it was in use"), "{error}");
        // What is asked between passes looks at them, too.
        let (asker, slot) = (Asker(0), Slot::First);
        worker.send(Request::Lens(LensJob { asker, slot, capture: capture.clone(), query: 0 })).unwrap();
        worker.send(score(&capture.model, &[""])).unwrap();
        let mut errors = Vec::new();
        wait_for(&mut events, |event| {
            match event {
                Event::Lens { found: Err(error), .. } | Event::ScoringFailed { error, .. } => {
                    errors.push(error.to_string())
                }
                _ => {}
            }
            (errors.len() == 2).then_some(())
        })
        .await;
        assert!(errors.iter().all(|error| error.contains("was cut from")), "{errors:?}");
        // The whole file, and a load, make it good.
        std::fs::copy(Path::new(&golden(model)).join("model.safetensors"), &weights).unwrap();
        load(&worker, Slot::First, folder.path().to_str().unwrap());
        loaded(&mut events).await;
        run(&worker, 3, "write a story");
        wait_for(&mut events, |event| captured(event, Slot::First, 3)).await;
    }
}
