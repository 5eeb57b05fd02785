//! Push as TransformerLens computes it, and as forward hooks on transformers do; and what hiding spans does, as
//! transformers says with a mask of four dimensions: `push/README.md` says how.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;

use attnscope::attention::knockout::{HiddenSpan, KeyMeasures, SpanEffect};
use attnscope::attention::push::Push;
use attnscope::attention::{Ablation, View};
use attnscope::model::{Cancel, Control, DeviceChoice, Engine, LoadOptions, Model, Precision, Reference};
use serde_json::Value;

const EXPECTED: &str = include_str!("push/expected.json");
/// Of the largest push of a pass.
const TOLERANCE: f64 = 2e-5;

/// Of an attention weight.
const ATTENTION: f64 = 2e-5;
/// Of Δ ln p and KL.
const NATS: f64 = 1e-4;

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().flat_map(numbers).collect(),
        value => vec![value.as_f64().unwrap()],
    }
}

fn load(name: &str, engine: Engine) -> Model {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    let mut control = Control { cancel: Cancel::new(), progress: &mut |_| () };
    let (device, precision) = (DeviceChoice::Cpu, Precision::F32);
    let options = LoadOptions { engine, device, precision, offline: true, ..LoadOptions::default() };
    Model::load(&Reference::Folder(folder), &options, &mut control).unwrap()
}

fn id(value: &Value) -> Option<u32> {
    value.as_u64().map(|id| id as u32)
}

/// What is expected of a pass, in one list, and what was found, in the same order.
fn both(expected: &Value, push: &Push) -> (Vec<f64>, Vec<f64>) {
    let of = ["heads", "keys", "mlps", "embedding"].map(|key| numbers(&expected[key]));
    let heads = push.heads.iter().map(|head| head.total);
    let keys = push.heads.iter().flat_map(|head| (0..=push.query).map(|key| f64::from(head.key(key))));
    let found = heads.chain(keys).chain(push.mlps.iter().copied()).chain([push.embedding]).collect();
    (of.concat(), found)
}

#[test]
fn every_part_pushes_as_others_say() {
    let expected: Value = serde_json::from_str(EXPECTED).unwrap();
    let models = expected["push"].as_object().unwrap();
    assert_eq!(models.len(), 5);
    for (name, of_model) in models {
        for engine in [Engine::Auto, Engine::Generic] {
            let model = load(name, engine);
            let ids: Vec<u32> = numbers(&of_model["ids"]).iter().map(|id| *id as u32).collect();
            let tokens = model.tokens_from_ids(&ids).unwrap();
            let cancel = Cancel::new();
            let capture = model.run_without(tokens, &Ablation::default(), &cancel, &mut |_| ()).unwrap();
            for expected in of_model["passes"].as_array().unwrap() {
                let query = expected["query"].as_u64().unwrap() as usize;
                let pass = model.run_token(&capture, query, 1, &cancel).unwrap();
                if query + 1 == ids.len() {
                    assert_eq!(pass.next, capture.next[..1], "{name}: what is known is not computed again");
                }
                let versus = id(&expected["versus"]);
                let push = model.push(&capture, &pass, (None, versus), &cancel).unwrap();
                assert_eq!(Some(push.target.token.id), id(&expected["target"]), "{name}");
                let (expected, found) = both(expected, &push);
                assert_eq!(expected.len(), found.len(), "{name}");
                let top = expected.iter().fold(0f64, |top, push| top.max(push.abs()));
                for (at, (expected, found)) in expected.iter().zip(&found).enumerate() {
                    let off = (expected - found).abs();
                    assert!(
                        off <= TOLERANCE * top,
                        "{name} {engine:?} {query} {versus:?}, {at}: {found}, not {expected}"
                    );
                }
            }
        }
    }
}

/// Forgetting any of these would be seen: it moves a push by far more than is tolerated.
#[test]
fn every_trap_moves_a_push() {
    let expected: Value = serde_json::from_str(EXPECTED).unwrap();
    let models = expected["push"].as_object().unwrap();
    let traps = models.values().filter_map(|of_model| of_model.get("traps")?.as_object());
    let traps: Vec<(&String, f64)> =
        traps.flatten().map(|(trap, moved)| (trap, moved.as_f64().unwrap())).collect();
    assert_eq!(traps.len(), 4 * 3 + 7);
    for (trap, moved) in traps {
        assert!(moved > 100.0 * TOLERANCE, "{trap}: {moved}");
    }
}

/// Hiding a span does to the next token, and to every head, what it does with a mask in transformers; and what is behind
/// it runs, nothing else.
#[test]
fn hiding_a_span_does_what_a_mask_does() {
    let expected: Value = serde_json::from_str(EXPECTED).unwrap();
    let models = expected["effect"].as_object().unwrap();
    assert_eq!(models.len(), 4);
    for (name, of_model) in models {
        for engine in [Engine::Auto, Engine::Generic] {
            let model = load(name, engine);
            let ids: Vec<u32> = numbers(&of_model["ids"]).iter().map(|id| *id as u32).collect();
            let (tokens, cancel) = (model.tokens_from_ids(&ids).unwrap(), Cancel::new());
            let capture = Arc::new(model.run(tokens, &cancel, &mut |_| ()).unwrap());
            let pass = model.run_token(&capture, ids.len() - 1, 1, &cancel).unwrap();
            let push = model.push(&capture, &pass, (None, None), &cancel).unwrap();
            let keys = KeyMeasures::new(&capture, &push).unwrap();
            assert_eq!(Some(keys.target.token.id), id(&of_model["target"]), "{name}");
            for of_span in of_model["spans"].as_array().unwrap() {
                let span = numbers(&of_span["span"]);
                let span = span[0] as usize..span[1] as usize;
                let what = format!("{name} {engine:?} {span:?}");
                let hidden = model.run_hiding(&capture, span.clone(), &cancel, &mut |_| ()).unwrap();
                let rows = numbers(&of_span["rows"]);
                let mut rows = rows.chunks_exact(ids.len());
                for layer in 0..capture.model.layers {
                    for head in 0..capture.model.heads {
                        let found = hidden.row(View::Head { layer, head }, ids.len() - 1).unwrap().0;
                        let off =
                            found.iter().zip(rows.next().unwrap()).map(|(a, b)| (f64::from(*a) - b).abs());
                        let off = off.max_by(f64::total_cmp).unwrap_or(0.0);
                        assert!(off <= ATTENTION, "{what}: {layer}.{head} is off by {off}");
                    }
                }
                let span = HiddenSpan::of(&capture.tokens, span);
                let effect = SpanEffect::new(span.clone(), &capture, &hidden, &keys).unwrap();
                let close = |found: f64, expected: &Value, of: &str| {
                    let expected = expected.as_f64().unwrap();
                    assert!((found - expected).abs() <= NATS, "{what}: {of} {found}, not {expected}");
                };
                close(effect.change, &of_span["change"], "change");
                close(effect.divergence, &of_span["kl"], "KL");
                assert_eq!(id(&of_span["next"]), Some(hidden.next[0].token.id), "{what}");
                let later = ids.len() - span.tokens.end;
                assert_eq!(effect.later, later, "{what}");
                if later == 0 {
                    assert!(Arc::ptr_eq(&hidden, &capture), "{what}: nothing runs");
                } else {
                    assert_eq!(hidden.computed.from, span.tokens.end, "{what}");
                    let sums = numbers_of(&keys, &span);
                    assert_eq!((effect.share, effect.weighted, effect.push), sums, "{what}");
                }
                // The head that is looked at is of that model, and so is what its parts add.
                let pass = model.run_token(&hidden, ids.len() - 1, 1, &cancel).unwrap();
                let push = model.push(&hidden, &pass, (None, None), &cancel).unwrap();
                assert!(push.residual().abs() <= 1e-4 * push.logit.abs(), "{what}: {}", push.residual());
            }
        }
    }
}

/// Of a span's keys: share, value-weighted share, push.
fn numbers_of(keys: &KeyMeasures, span: &HiddenSpan) -> (f32, f32, f32) {
    let sum = |values: &[f32]| values[span.tokens.clone()].iter().sum::<f32>();
    (sum(&keys.shares), sum(&keys.weighted), sum(&keys.pushes))
}

/// A capture with a span hidden is not what the same prompt gives without it, and the next prompt doesn't go on from it.
#[test]
fn nothing_of_a_hidden_span_is_kept() {
    let model = load("gpt2-tiny", Engine::Auto);
    let (ids, cancel) = ([5, 9, 3, 5, 9, 8], Cancel::new());
    let run = |ids: &[u32]| model.run(model.tokens_from_ids(ids).unwrap(), &cancel, &mut |_| ()).unwrap();
    let before = Arc::new(run(&ids));
    let hidden = model.run_hiding(&before, 1..3, &cancel, &mut |_| ()).unwrap();
    assert_ne!(hidden.logits, before.logits);
    assert_eq!(run(&ids).logits, before.logits);
    for span in [3..3, 4..7, 9..10] {
        let error = model.run_hiding(&before, span, &cancel, &mut |_| ()).unwrap_err().to_string();
        assert!(error.contains("there is no span") && error.contains("tokens 0 to 5"), "{error}");
    }
    cancel.cancel();
    assert!(model.run_hiding(&before, 1..3, &cancel, &mut |_| ()).is_err());
}
