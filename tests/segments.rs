//! What segments of a prompt give each other equals what numpy computes from its definition
//! (`segments/compute.py` made the numbers), and what rows say in views that numpy was not asked about.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;

use attnscope::attention::segments::{
    Cut, NamedSpan, NamedSpans, SegmentShares, Segments, Unmeasured, lookback,
};
use attnscope::attention::{Capture, CausalMatrix, Token, View};
use attnscope::model::{Cancel, Control, LoadOptions, Model, Reference};
use serde_json::Value;

const EXPECTED: &str = include_str!("segments/expected.json");
/// Of our attention to that of Hugging Face transformers, and what sums over a hundred keys may make of it.
const TOLERANCE: f32 = 5e-5;

fn numbers(value: &Value) -> Vec<f32> {
    value.as_array().unwrap().iter().map(|value| value.as_f64().unwrap() as f32).collect()
}

fn rows(value: &Value) -> Vec<Vec<f32>> {
    value.as_array().unwrap().iter().map(numbers).collect()
}

fn same(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() <= TOLERANCE, "{what} {at}: {found}, expected {expected}");
    }
}

/// A pass over ids, each of them a letter of a text, so that bytes are tokens.
fn pass(name: &str, ids: &Value) -> Capture {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    let mut control = Control { cancel: Cancel::new(), progress: &mut |_| () };
    let model = Model::load(&Reference::Folder(folder), &LoadOptions::default(), &mut control).unwrap();
    let ids = ids.as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32);
    let tokens = ids.enumerate().map(|(at, id)| Token::from_bytes(id, "x".to_owned(), b"x", at)).collect();
    model.run(tokens, &Cancel::new(), &mut |_| ()).unwrap()
}

fn cut(capture: &Capture, ranges: &Value) -> Arc<Segments> {
    let span = |range: &Value| NamedSpan {
        name: range[0].as_str().unwrap().to_owned(),
        start: range[1].as_u64().unwrap() as usize,
        end: range[2].as_u64().unwrap() as usize,
    };
    let spans: Vec<NamedSpan> = ranges.as_array().unwrap().iter().map(span).collect();
    let cut = Cut::Named(Arc::new(NamedSpans::try_from(spans).unwrap()));
    let text = "x".repeat(capture.tokens.len());
    Arc::new(Segments::new(capture, &text, &cut).unwrap())
}

fn measured(capture: &Capture, segments: &Arc<Segments>, view: View) -> SegmentShares {
    SegmentShares::new(capture, segments.clone(), view, &|| false).unwrap()
}

#[test]
fn shares_and_what_is_expected_are_those_of_numpy() {
    let expected: Value = serde_json::from_str(EXPECTED).unwrap();
    for (name, expected) in expected.as_object().unwrap() {
        let capture = pass(name, &expected["ids"]);
        let segments = cut(&capture, &expected["ranges"]);
        let names: Vec<&str> =
            expected["names"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
        assert_eq!(segments.names(), names, "{name}");
        for (view, expected) in expected["views"].as_object().unwrap() {
            let found = measured(&capture, &segments, view.parse().unwrap());
            let what = |of: &str| format!("{name} {view} {of}");
            let (shares, by_length) = (rows(&expected["shares"]), rows(&expected["expected"]));
            for (at, row) in found.rows.iter().enumerate() {
                same(&row.shares, &shares[at], &what("shares"));
                same(row.expected.as_ref().unwrap(), &by_length[at], &what("expected"));
                let all = row.sink + row.shares.iter().sum::<f32>();
                assert!((all - 1.0).abs() < 1e-5, "{}: {all}", what("sum"));
            }
            let of = |of: fn(&attnscope::attention::segments::SegmentRow) -> f32| {
                found.rows.iter().map(of).collect::<Vec<_>>()
            };
            same(&of(|row| row.sink), &numbers(&expected["sink"]), &what("sink"));
            same(&of(|row| row.first), &numbers(&expected["first"]), &what("first"));
        }
    }
}

#[test]
fn lookback_ratios_are_those_of_numpy() {
    let expected: Value = serde_json::from_str(EXPECTED).unwrap();
    for (name, expected) in expected.as_object().unwrap() {
        let capture = pass(name, &expected["ids"]);
        let segments = cut(&capture, &expected["ranges"]);
        let found = lookback(&capture, &segments, &|| false).unwrap().unwrap();
        for (layer, expected) in rows(&expected["lookback"]).iter().enumerate() {
            let ratios: Vec<f32> = found.ratios[layer].iter().map(|ratio| ratio.unwrap()).collect();
            same(&ratios, expected, &format!("{name} {layer}"));
        }
        let (most, ranked) = (found.most().unwrap(), found.ranked());
        assert_eq!((most, ranked.len()), (ranked[0], capture.model.layers * capture.model.heads));
        assert_eq!(found.of(most.0), Some(most.1));
        assert_eq!(found.of(View::Mean), None);
    }
}

/// Whatever way a view's rows come about, they are those that [`Capture::row`] gives.
#[test]
fn every_view_is_the_sum_of_its_rows() {
    let expected: Value = serde_json::from_str(EXPECTED).unwrap();
    let expected = &expected["gpt-oss-tiny"];
    let mut capture = pass("gpt-oss-tiny", &expected["ids"]);
    let segments = cut(&capture, &expected["ranges"]);
    let views = [
        "mean",
        "layer:0",
        "head:2.1",
        "group:1.1",
        "sliding",
        "full",
        "rollout",
        "value-weighted:mean",
        "value-weighted:head:1.3",
    ];
    let check = |capture: &Capture, view: &str| {
        let view: View = view.parse().unwrap();
        let found = measured(capture, &segments, view);
        for query in 0..capture.tokens.len() {
            let (row, sink) = capture.row(view, query).unwrap();
            let sum: f32 = row.iter().sum();
            let scale = if view.is_value_weighted() { 1.0 / sum } else { 1.0 };
            let mut bar = vec![0.0; segments.count() + 2];
            (bar[0], bar[1]) = (sink.unwrap_or(0.0), scale * row[0]);
            for (key, value) in row.iter().enumerate().skip(1) {
                bar[2 + segments.of(key)] += scale * value;
            }
            same(found.bar(query), &bar, &format!("{view} {query}"));
            let all: f32 = bar.iter().sum();
            assert!((all - 1.0).abs() < 1e-4, "{view} {query}: {all}");
        }
        assert_eq!(found.bar(capture.tokens.len()), [0.0; 0]);
    };
    views.iter().for_each(|view| check(&capture, view));
    // Of a prompt whose matrices have cells of several tokens, rows are computed again, and rollout has none.
    capture.mean = CausalMatrix::zeros(100, 2, true);
    for layer in &mut capture.layers {
        Arc::make_mut(layer).mean = CausalMatrix::zeros(100, 2, true);
    }
    views.iter().filter(|view| **view != "rollout").for_each(|view| check(&capture, view));
    let refused = SegmentShares::new(&capture, segments.clone(), View::Rollout, &|| false).unwrap_err();
    assert!(
        refused.to_string().contains("cell of 2 tokens") || refused.to_string().contains("of 2 tokens"),
        "{refused}"
    );
    let stopped = SegmentShares::new(&capture, segments.clone(), View::Mean, &|| true);
    assert_eq!(stopped, Err(Unmeasured::Stopped));
    assert_eq!(lookback(&capture, &segments, &|| true), Err(Unmeasured::Stopped));
}

/// Segments of one token each are the matrix itself.
#[test]
fn segments_of_one_token_are_the_matrix() {
    let expected: Value = serde_json::from_str(EXPECTED).unwrap();
    let ids = serde_json::json!(expected["gpt-oss-tiny"]["ids"].as_array().unwrap()[..9]);
    let capture = pass("gpt-oss-tiny", &ids);
    let ranges: Vec<Value> = (0..9).map(|at| serde_json::json!([format!("t{at}"), at, at + 1])).collect();
    let segments = cut(&capture, &serde_json::json!(ranges));
    let found = measured(&capture, &segments, View::Mean);
    for (query, row) in found.rows.iter().enumerate() {
        same(&row.shares[..=query], capture.mean.row(query), "row");
        assert!(row.shares[query + 1..].iter().all(|share| *share == 0.0), "a segment sees no later one");
        same(&[row.sink], &[capture.mean.sink(query).unwrap()], "sink");
    }
}
