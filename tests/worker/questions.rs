//! What is computed and found out away from the models.

use std::sync::Arc;

use attnscope::attention::{MeasuredComparison, Texts, View};
use attnscope::model::LoadOptions;
use attnscope::vocabulary::Granularity;
use attnscope::worker;
use attnscope::worker::protocol::{
    Asker, CompareJob, ConfiguredPair, EstimateJob, Event, ListJob, Place, Request, RowJob, SimilarJob, Slot,
    ViewJob,
};

use crate::fixture::*;

/// The newest row is the one that is waited for; what is not there says why.
#[tokio::test]
async fn a_row_is_computed_on_demand() {
    let (worker, mut events) = worker::spawn(LoadOptions::default());
    load(&worker, Slot::Second, &golden("gpt-oss-tiny"));
    run(&worker, 1, "write a story");
    let capture = wait_for(&mut events, |event| captured(event, Slot::Second, 1)).await;
    let ask = |view, query| {
        let question = RowJob { asker: Asker(1), capture: Arc::clone(&capture), view, query };
        worker.send(Request::Row(question)).unwrap();
    };
    ask(View::Mean, 1);
    let (question, row) = wait_for(&mut events, |event| match event {
        Event::Row { question, row } => Some((question, row.unwrap())),
        _ => None,
    })
    .await;
    assert_eq!((question.view, question.query, question.asker), (View::Mean, 1, Asker(1)));
    assert_eq!((row.weights.clone(), row.sink), capture.row(View::Mean, 1).unwrap());
    ask(View::Layer(9), 0);
    let error = wait_for(&mut events, |event| match event {
        Event::Row { row, .. } => row.err().map(|error| error.to_string()),
        _ => None,
    })
    .await;
    assert!(error.contains("layers 0 to 3"), "{error}");
}

#[tokio::test]
async fn a_head_is_computed_on_demand() {
    let (worker, mut events) = worker::spawn(LoadOptions::default());
    load(&worker, Slot::Second, &golden("gpt-oss-tiny"));
    run(&worker, 1, "write a story");
    let capture = wait_for(&mut events, |event| captured(event, Slot::Second, 1)).await;
    let ask = |view| {
        let capture = Arc::clone(&capture);
        worker.send(Request::View(ViewJob { asker: Asker(0), capture, view })).unwrap();
    };
    let wanted = View::Head { layer: 3, head: 2 };
    ask(wanted);
    let matrix = wait_for(&mut events, |event| match event {
        Event::Viewed { view, matrix, .. } if view == wanted => Some(matrix),
        _ => None,
    })
    .await;
    assert_eq!(*matrix, capture.matrix(wanted).unwrap());
    ask(View::Layer(9));
    let error = wait_for(&mut events, |event| match event {
        Event::ViewFailed { error, .. } => Some(error.to_string()),
        _ => None,
    })
    .await;
    assert!(error.contains("layers 0 to 3"), "{error}");
}

#[tokio::test]
async fn heads_are_compared_across_models() {
    let (worker, mut events) = worker::spawn(LoadOptions::default());
    load(&worker, Slot::First, &golden("gpt2-tiny"));
    load(&worker, Slot::Second, &golden("gpt-oss-tiny"));
    run(&worker, 1, "write a story");
    let mut captures = [None, None];
    wait_for(&mut events, |event| {
        if let Event::Captured { slot, capture, .. } = event {
            captures[slot.index()] = Some(capture);
        }
        captures.iter().all(Option::is_some).then_some(())
    })
    .await;
    let both = captures.clone().map(Option::unwrap);
    let head = View::Head { layer: 1, head: 2 };
    let (views, granularity) = ([View::Mean, head], Granularity::Words);
    worker
        .send(Request::Compare(CompareJob { captures: both.clone(), views, granularity, texts: Texts::Same }))
        .unwrap();
    let compared = wait_for(&mut events, |event| match event {
        Event::Compared { found, .. } => Some(found.unwrap()),
        _ => None,
    })
    .await;
    assert_eq!(compared.labels, ["write", "a", "story"]);
    let here =
        MeasuredComparison::of_views(both.each_ref().map(AsRef::as_ref), views, granularity, Texts::Same);
    assert_eq!(Ok(&*compared), here.as_ref());

    worker.send(Request::Similar(SimilarJob { captures, of: 1, head })).unwrap();
    let found = wait_for(&mut events, |event| match event {
        Event::Similar { found, .. } => Some(found.unwrap()),
        _ => None,
    })
    .await;
    let [left, right] = found.map(Option::unwrap);
    assert_eq!((left.len(), left[0].len(), right.len()), (3, 4, 4));
    assert!((right[1][2] - 1.0).abs() < 1e-5 && left[0][0] < 1.0);
}

#[tokio::test]
async fn models_are_listed_and_appraised_beside_everything_else() {
    let (worker, mut events) = worker::spawn(LoadOptions::default());
    let pair = ConfiguredPair { name: "mine".into(), models: vec![golden("gpt2-tiny"), "./none".into()] };
    worker.send(Request::List(ListJob { pairs: vec![pair] })).unwrap();
    let catalogue = wait_for(&mut events, |event| match event {
        Event::Listed { models } => Some(models.unwrap()),
        _ => None,
    })
    .await;
    let here = catalogue.models.iter().find(|model| model.name == golden("gpt2-tiny")).unwrap();
    assert_eq!((here.place, here.pairs.as_slice()), (Place::Folder, &["mine".to_owned()][..]));
    let mut estimates = Vec::new();
    for name in [&here.name, "./none"] {
        worker.send(Request::Estimate(EstimateJob { name: name.to_owned() })).unwrap();
        let estimate = wait_for(&mut events, |event| match event {
            Event::Estimated { name: of, estimate } if of == name => Some(*estimate),
            _ => None,
        })
        .await;
        estimates.push(estimate);
    }
    assert_eq!(estimates[0].as_ref().unwrap().footprint, here.footprint);
    assert!(estimates[1].as_ref().unwrap_err().to_string().contains("no such folder"), "{estimates:?}");
}
