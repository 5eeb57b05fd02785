//! What parts of a pass add to a logit.

use std::sync::Arc;

use attnscope::attention::{Capture, ModelInfo};
use attnscope::model::LoadOptions;
use attnscope::worker;
use attnscope::worker::protocol::{Asker, Event, PushJob, Request, Slot, WorkerError};

use crate::fixture::*;

#[tokio::test]
async fn any_token_and_any_next_token_is_told_apart() {
    let (worker, mut events) = worker::spawn(LoadOptions::default());
    load(&worker, Slot::First, &golden("gpt-oss-tiny"));
    run(&worker, 1, "write a story about AI");
    let capture = wait_for(&mut events, |event| captured(event, Slot::First, 1)).await;
    let ask = |capture: &Arc<Capture>, query, target, versus| {
        let (asker, slot, capture) = (Asker(1), Slot::First, capture.clone());
        let question = PushJob { asker, slot, capture, query, target, versus };
        worker.send(Request::Push(question)).unwrap();
    };
    let last = capture.tokens.len() - 1;
    for (query, target, versus) in
        [(last, None, None), (0, None, None), (last, Some(5), Some(6)), (last, Some(5), None)]
    {
        ask(&capture, query, target, versus);
        let found = wait_for(&mut events, |event| match event {
            Event::Pushed { question, found } => Some((question.query, found)),
            _ => None,
        });
        let (asked, push) = found.await;
        let push = push.unwrap();
        assert_eq!((asked, push.query), (query, query));
        assert!(push.residual().abs() <= 1e-4 * push.logit.abs(), "{}", push.residual());
        assert_eq!(push.versus.as_ref().map(|next| next.token.id), versus);
        match target {
            Some(target) => assert_eq!(push.target.token.id, target),
            None if query == last => assert_eq!(push.target.token, capture.next[0].token),
            None => {}
        }
    }
    ask(&capture, 99, None, None);
    ask(&capture, last, Some(5), Some(5));
    let error = wait_for(&mut events, |event| match event {
        Event::Pushed { found, .. } => found.err(),
        _ => None,
    });
    let error = error.await.to_string();
    assert!(error.contains("no token 99") || error.contains("against itself"), "{error}");
    let model = Arc::new(ModelInfo { name: "another".to_owned(), ..(*capture.model).clone() });
    let stranger = Arc::new(Capture { model, ..(*capture).clone() });
    ask(&stranger, 0, None, None);
    let found = wait_for(&mut events, |event| match event {
        Event::Pushed { question, found } if Arc::ptr_eq(&question.capture, &stranger) => Some(found),
        _ => None,
    });
    assert!(matches!(found.await.unwrap_err(), WorkerError::ModelGone(_)));
}
