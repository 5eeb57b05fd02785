//! What layers would predict.

use std::sync::Arc;

use attnscope::attention::{Capture, ModelInfo};
use attnscope::model::LoadOptions;
use attnscope::worker;
use attnscope::worker::protocol::{Asker, Event, LensJob, Request, Slot, WorkerError};

use crate::fixture::*;

/// One pass serves every token; a question after it is closed takes another one.
#[tokio::test]
async fn layers_say_what_they_would_predict() {
    let (worker, mut events) = worker::spawn(LoadOptions::default());
    load(&worker, Slot::First, &golden("gpt-oss-tiny"));
    run(&worker, 1, "write a story about AI");
    let capture = wait_for(&mut events, |event| captured(event, Slot::First, 1)).await;
    let ask = |query, capture: &Arc<Capture>| {
        let question = LensJob { asker: Asker(1), slot: Slot::First, capture: capture.clone(), query };
        worker.send(Request::Lens(question)).unwrap();
    };
    let last = capture.tokens.len() - 1;
    let mut passes = 0;
    for query in [last, 0, 3] {
        ask(query, &capture);
        let found = wait_for(&mut events, |event| match event {
            Event::LensRunning { asker: Asker(1), layer: 1, .. } => {
                passes += 1;
                None
            }
            Event::Lens { question, found } if question.query == query => Some(found),
            _ => None,
        });
        let lens = found.await.unwrap();
        assert_eq!((lens.query, lens.rows.len()), (query, 5));
        if query == last {
            assert_eq!(lens.prediction().unwrap().token, capture.next[0].token);
        }
    }
    assert_eq!(passes, 1);
    // What flows at a token depends on no later one: the stream serves every prompt that this one goes on from.
    run(&worker, 2, "write a");
    let shorter = wait_for(&mut events, |event| captured(event, Slot::First, 2)).await;
    ask(shorter.tokens.len() - 1, &shorter);
    let found = wait_for(&mut events, |event| match event {
        Event::LensRunning { .. } => Some(None),
        Event::Lens { found, .. } => Some(Some(found)),
        _ => None,
    });
    let lens = found.await.expect("no pass").unwrap();
    assert_eq!(lens.prediction().unwrap().token, shorter.next[0].token);
    worker.send(Request::ForgetLens).unwrap();
    ask(1, &capture);
    let again = wait_for(&mut events, |event| match event {
        Event::LensRunning { .. } => Some(true),
        Event::Lens { .. } => Some(false),
        _ => None,
    });
    assert!(again.await, "nothing was kept");
    let model = Arc::new(ModelInfo { name: "another".to_owned(), ..(*capture.model).clone() });
    let stranger = Arc::new(Capture { model, ..(*capture).clone() });
    ask(0, &stranger);
    let found = wait_for(&mut events, |event| match event {
        Event::Lens { question, found } if Arc::ptr_eq(&question.capture, &stranger) => Some(found),
        _ => None,
    });
    assert!(matches!(found.await.unwrap_err(), WorkerError::ModelGone(_)));
}
