//! Statistics equal what numpy computes from their definitions: `statistics/compute.py` made the numbers.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use attnscope::attention::ablation::next_divergence;
use attnscope::attention::alignment::{Granularity, pieces};
use attnscope::attention::shift::shifted_heads;
use attnscope::attention::{
    Capture, CausalMatrix, Comparison, Normalisation, Statistic, Texts, Token, View, similarity,
};
use attnscope::model::{Cancel, Control, LoadOptions, Model, Reference};
use serde_json::Value;

const EXPECTED: &str = include_str!("statistics/expected.json");
/// Of our attention to that of Hugging Face transformers, and what a statistic may make of it.
const TOLERANCE: f32 = 5e-5;

fn expected() -> Value {
    serde_json::from_str(EXPECTED).unwrap()
}

fn number(value: &Value) -> f32 {
    value.as_f64().unwrap() as f32
}

fn list<T>(value: &Value, read: impl Fn(&Value) -> T) -> Vec<T> {
    value.as_array().unwrap().iter().map(read).collect()
}

fn rows(value: &Value) -> Vec<Vec<f32>> {
    list(value, |row| list(row, number))
}

fn close(found: f32, expected: f32, what: &str) {
    assert!((found - expected).abs() <= TOLERANCE, "{what}: {found}, expected {expected}");
}

/// Rows of S keys, zeros in the future, and the sink.
fn same_rows(found: &CausalMatrix, expected: &[Vec<f32>], what: &str) {
    assert_eq!(found.size(), expected.len(), "{what}");
    for (query, row) in expected.iter().enumerate() {
        let (sink, keys) = row.split_last().unwrap();
        for (key, expected) in keys.iter().enumerate() {
            close(found.get(query, key).unwrap_or(0.0), *expected, &format!("{what} {query}, {key}"));
        }
        close(found.sink(query).unwrap_or(0.0), *sink, &format!("{what} {query}, sink"));
    }
}

fn capture(name: &str, ids: &Value) -> Capture {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    capture_of(&Reference::Folder(folder), ids)
}

fn capture_of(reference: &Reference, ids: &Value) -> Capture {
    let mut progress = |_| ();
    let mut control = Control { cancel: Cancel::new(), progress: &mut progress };
    let model = Model::load(reference, &LoadOptions::default(), &mut control).unwrap();
    let ids = list(ids, |id| u32::try_from(id.as_u64().unwrap()).unwrap());
    model.run(model.tokens_from_ids(&ids).unwrap(), &Cancel::new(), &mut |_| ()).unwrap()
}

#[test]
fn rollout_and_means_of_groups_and_kinds_of_layers() {
    for (name, expected) in expected()["captures"].as_object().unwrap() {
        let capture = capture(name, &expected["prompt_ids"]);
        let views = expected["views"].as_object().unwrap();
        assert!(views.contains_key("rollout") && views.contains_key("full"));
        for (view, expected) in views {
            let what = format!("{name} {view}");
            let view: View = view.parse().unwrap();
            let (matrix, expected) = (capture.matrix(view).unwrap(), rows(expected));
            same_rows(&matrix, &expected, &what);
            assert_eq!(matrix.sinks().is_some(), capture.model.has_sinks, "{what}");
            for query in 0..matrix.size() {
                let (row, sink) = capture.row(view, query).unwrap();
                for (found, whole) in
                    row.iter().chain(&sink).zip(matrix.row(query).iter().chain(&matrix.sink(query)))
                {
                    close(*found, *whole, &format!("{what}, row {query} by itself"));
                }
            }
        }
    }
}

#[test]
fn numbers_of_every_head() {
    for (name, expected) in expected()["captures"].as_object().unwrap() {
        let capture = capture(name, &expected["ids"]);
        for (layer, heads) in expected["heads"].as_array().unwrap().iter().enumerate() {
            for (head, expected) in heads.as_array().unwrap().iter().enumerate() {
                let found = capture.layers[layer].heads[head].statistics;
                for (what, statistic) in [
                    ("sink_mass", Statistic::Sink),
                    ("first_token_mass", Statistic::FirstToken),
                    ("entropy", Statistic::Entropy),
                    ("mean_distance", Statistic::Distance),
                    ("local", Statistic::Local),
                    ("delimiter", Statistic::Delimiter),
                    ("previous", Statistic::PromptPrevious),
                    ("duplicate", Statistic::PromptDuplicate),
                    ("induction", Statistic::PromptInduction),
                ] {
                    let scale = if what == "mean_distance" { 40.0 } else { 1.0 };
                    let Some(found) = found.get(statistic) else {
                        assert_eq!(
                            (capture.tokens.len(), what),
                            (1, "first_token_mass"),
                            "nothing is behind it"
                        );
                        continue;
                    };
                    close(
                        found / scale,
                        number(&expected[what]) / scale,
                        &format!("{name} {layer}.{head} {what}"),
                    );
                }
            }
        }
    }
}

/// The two tokenisations and matrices of a pair.
fn sides(pair: &Value) -> [(Vec<Token>, CausalMatrix); 2] {
    let text = pair["text"].as_str().unwrap().as_bytes();
    [0, 1].map(|side| {
        let mut start = 0;
        let tokens = list(&pair["lengths"][side], |length| length.as_u64().unwrap() as usize);
        let token = |length| {
            let token = Token::from_bytes(0, String::new(), &text[start..start + length], start);
            start += length;
            token
        };
        let tokens: Vec<Token> = tokens.into_iter().map(token).collect();
        let rows = rows(&pair["matrices"][side]);
        let cells = rows.iter().enumerate().flat_map(|(query, row)| row[..=query].to_vec()).collect();
        let sinks = rows.iter().map(|row| *row.last().unwrap()).collect();
        let sinks = pair["sinks"][side].as_bool().unwrap().then_some(sinks);
        let matrix = CausalMatrix::from_cells(tokens.len(), cells, sinks);
        (tokens, matrix)
    })
}

#[test]
fn two_tokenisations_of_one_text() {
    for pair in expected()["pairs"].as_array().unwrap() {
        let [(left, a), (right, b)] = sides(pair);
        for (granularity, name) in [(Granularity::Pieces, "pieces"), (Granularity::Words, "words")] {
            let found = pieces(&left, &right, granularity);
            for side in 0..2 {
                let found: Vec<Vec<usize>> = found
                    .iter()
                    .map(|piece| vec![piece.tokens[side].start, piece.tokens[side].end])
                    .collect();
                let expected =
                    list(&pair[name][side], |range| list(range, |end| end.as_u64().unwrap() as usize));
                assert_eq!(found, expected, "{name} of {}", pair["text"]);
            }
        }
        let comparison =
            Comparison::new([(&left, &a), (&right, &b)], Granularity::Pieces, Texts::Same).unwrap();
        for side in 0..2 {
            same_rows(&comparison.sides()[side], &rows(&pair["pooled"][side]), "pooled");
        }
        close(
            similarity(&comparison.sides()[0], &comparison.sides()[1]),
            number(&pair["similarity"]),
            "similarity",
        );
        let (raw, rest) = (rows(&pair["difference"]), rows(&pair["difference_without_first"]));
        for query in 0..raw.len() {
            close(comparison.divergence(query), number(&pair["divergence"][query]), "divergence");
            let found = comparison.difference(Normalisation::Raw, query);
            close(found.sink.unwrap_or(0.0), *raw[query].last().unwrap(), "difference of sinks");
            let without_first = comparison.difference(Normalisation::WithoutFirst, query);
            for key in 0..=query {
                close(found.keys[key].unwrap(), raw[query][key], "difference");
                if key > 0 {
                    close(
                        without_first.keys[key].unwrap_or(-9.0),
                        rest[query][key - 1],
                        "difference of the rest",
                    );
                }
            }
            assert_eq!(without_first.keys[0], None);
        }
    }
}

/// A model and the same one with an adapter, by what transformers and PEFT computed of them.
#[test]
fn how_far_the_heads_of_two_models_are_apart() {
    let expected = &expected()["shift"];
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let base = Reference::Folder(tests.join("golden/gpt2-tiny"));
    let adapter = Box::new(Reference::Folder(tests.join("lora/attention")));
    let adapted = Reference::Adapted { base: Box::new(base.clone()), adapter };
    let [left, right] = [base, adapted].map(|reference| capture_of(&reference, &expected["ids"]));
    let mut at = 0;
    for layer in 0..left.model.layers {
        for shift in shifted_heads(&left, &right, layer).unwrap() {
            close(shift.divergence, number(&expected["divergence"][at]), "divergence");
            close(shift.flips, number(&expected["flips"][at]), "flips");
            at += 1;
        }
        let itself = shifted_heads(&left, &left, layer).unwrap();
        assert!(itself.iter().all(|shift| (shift.divergence, shift.flips) == (0.0, 0.0)));
    }
    assert_eq!(at, expected["flips"].as_array().unwrap().len());
    close(next_divergence(&left, &right).unwrap() as f32, number(&expected["next"]), "next token");
    assert_eq!(next_divergence(&left, &left), Some(0.0));
    let other = capture("gpt-oss-tiny", &expected["ids"]);
    assert!(shifted_heads(&left, &other, 0).unwrap_err().contains("models of one shape"));
}
