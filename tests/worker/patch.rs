//! How far parts of the pass over one prompt bring another.

use std::sync::Arc;

use attnscope::attention::Capture;
use attnscope::attention::ModelInfo;
use attnscope::attention::patching::Patched;
use attnscope::model::LoadOptions;
use attnscope::worker;
use attnscope::worker::protocol::{Asker, Event, PatchJob, Request, Slot, WorkerError};

use crate::fixture::*;

#[tokio::test]
async fn a_map_fills_place_after_place_and_can_be_stopped() {
    let (worker, mut events) = worker::spawn(LoadOptions::default());
    load(&worker, Slot::First, &golden("gpt2-tiny"));
    run(&worker, 1, "the cat and the dog");
    let from = wait_for(&mut events, |event| captured(event, Slot::First, 1)).await;
    run(&worker, 2, "the dog and the cat");
    let to = wait_for(&mut events, |event| captured(event, Slot::First, 2)).await;
    let ask = |captures: [Arc<Capture>; 2], what| {
        let question = PatchJob { asker: Asker(0), slot: Slot::First, captures, what, patch: None };
        worker.send(Request::Patch(Box::new(question))).unwrap();
    };
    for what in [Patched::Heads, Patched::Residual] {
        ask([from.clone(), to.clone()], what);
        let (mut partly, mut last) = (0, 0);
        let found = wait_for(&mut events, |event| match event {
            Event::Patching { found, .. } => {
                let done = found.effects.iter().flatten().flatten().count();
                assert!(done > last, "more each time");
                (partly, last) = (partly + 1, done);
                None
            }
            Event::Patched { found, .. } => Some(found.unwrap()),
            _ => None,
        });
        let found = found.await;
        assert!(partly > 0 && found.effects.iter().flatten().all(Option::is_some), "{found:?}");
        assert_eq!(found.what, what);
    }
    ask([from.clone(), to.clone()], Patched::Heads);
    worker.send(Request::StopPatching).unwrap();
    let ended = wait_for(&mut events, |event| match event {
        Event::Patched { found, .. } => Some(found),
        _ => None,
    });
    assert!(matches!(ended.await, Err(WorkerError::Cancelled)));
    let model = Arc::new(ModelInfo { name: "another".to_owned(), ..(*to.model).clone() });
    let strange = |capture: &Capture| Arc::new(Capture { model: model.clone(), ..capture.clone() });
    ask([strange(&from), strange(&to)], Patched::Heads);
    let gone = wait_for(&mut events, |event| match event {
        Event::Patched { found, .. } => Some(found),
        _ => None,
    });
    assert!(matches!(gone.await, Err(WorkerError::ModelGone(_))));
}
