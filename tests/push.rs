//! Push as TransformerLens computes it, and as forward hooks on transformers do: `push/README.md` says how.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use attnscope::attention::Ablation;
use attnscope::attention::push::Push;
use attnscope::model::{Cancel, Control, DeviceChoice, Engine, LoadOptions, Model, Precision, Reference};
use serde_json::Value;

const EXPECTED: &str = include_str!("push/expected.json");
/// Of the largest push of a pass.
const TOLERANCE: f64 = 2e-5;

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
