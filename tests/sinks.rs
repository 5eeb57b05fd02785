//! What heads give to no word equals what transformers and numpy compute (`sinks/compute.py` made the numbers), on both
//! engines; and what is massive is found where a checkpoint was made to have it.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use attnscope::attention::Ablation;
use attnscope::attention::Capture;
use attnscope::attention::sinks::{Activation, Sinks, StateActivations};
use attnscope::model::{Cancel, Control, Engine, LoadOptions, Model, Reference};
use serde_json::Value;

#[path = "support/checkpoint.rs"]
#[allow(dead_code)]
mod checkpoint;

const EXPECTED: &str = include_str!("sinks/expected.json");
/// Of our attention to that of Hugging Face transformers.
const TOLERANCE: f32 = 5e-5;
/// Of our residual stream, relative to what is largest in it.
const RESIDUAL: f32 = 2e-4;

fn number(value: &Value) -> f32 {
    value.as_f64().unwrap() as f32
}

fn numbers(value: &Value) -> Vec<f32> {
    value.as_array().unwrap().iter().map(number).collect()
}

fn close(found: f32, expected: f32, tolerance: f32, what: &str) {
    assert!((found - expected).abs() <= tolerance, "{what}: {found}, expected {expected}");
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn measure(folder: PathBuf, ids: &[u32], engine: Engine) -> (Capture, Sinks, Vec<StateActivations>) {
    let mut control = Control { cancel: Cancel::new(), progress: &mut |_| () };
    let options = LoadOptions { engine, ..LoadOptions::default() };
    let model = Model::load(&Reference::Folder(folder), &options, &mut control).unwrap();
    let tokens = model.tokens_from_ids(ids).unwrap();
    let cancel = Cancel::new();
    let (capture, stream) = model.run_keeping(tokens, &Ablation::default(), &cancel, &mut |_| ()).unwrap();
    let activations = model.activations(&stream, &cancel).unwrap();
    let stopped = Cancel::new();
    stopped.cancel();
    assert!(model.activations(&stream, &stopped).is_err());
    let sinks = Sinks::new(&capture, &|| false).unwrap();
    assert_eq!(Sinks::new(&capture, &|| true), None);
    (capture, sinks, activations)
}

#[test]
fn heads_keys_and_residual_streams_are_those_of_transformers() {
    let expected: Value = serde_json::from_str(EXPECTED).unwrap();
    for (name, expected) in expected.as_object().unwrap() {
        for engine in Engine::ALL {
            let what = |of: &str, at: usize| format!("{name} {engine} {of} {at}");
            let ids: Vec<u32> = numbers(&expected["ids"]).into_iter().map(|id| id as u32).collect();
            let (_, sinks, activations) = measure(golden(name), &ids, engine);
            let learned_rate = expected["learned_rate"].as_f64().map(|rate| rate as f32);
            assert_eq!(sinks.learned_rate.is_some(), learned_rate.is_some(), "{name}");
            if let (Some(found), Some(expected)) = (sinks.learned_rate, learned_rate) {
                close(found, expected, 1e-6, &what("learned rate", 0));
            }
            for (layer, heads) in sinks.heads.iter().enumerate() {
                let of = |key: &str| numbers(&expected[key][layer]);
                let (first, strongest, ratios) = (of("first"), of("strongest"), of("first_value_ratio"));
                for (at, head) in heads.iter().enumerate() {
                    close(head.first.unwrap(), first[at], TOLERANCE, &what("first", at));
                    close(head.strongest.1, strongest[at], TOLERANCE, &what("strongest", at));
                    close(head.value_ratio.unwrap(), ratios[at], 1e-3, &what("value ratio", at));
                    if let Some(learned) = head.learned {
                        close(learned, of("learned")[at], TOLERANCE, &what("learned", at));
                    }
                }
            }
            let of = |key: &str| numbers(&expected[key]);
            let (rates, shares, ratios) = (of("rate"), of("share"), of("value_ratio"));
            assert!(rates.iter().any(|rate| *rate > 0.0), "some key of {name} is a sink");
            for (at, key) in sinks.keys.iter().enumerate() {
                close(key.rate, rates[at], 1e-6, &what("rate", at));
                close(key.share, shares[at], TOLERANCE, &what("share", at));
                close(key.value_ratio.unwrap(), ratios[at], 1e-3, &what("value ratio of key", at));
            }
            for (at, expected) in expected["residual"].as_array().unwrap().iter().enumerate() {
                let (state, value) = (&activations[at], number(&expected["value"]));
                let largest = state.largest.unwrap();
                let place = [largest.position, largest.dimension].map(|it| it as u64);
                assert_eq!(
                    place.map(Some),
                    [&expected["at"], &expected["dimension"]].map(Value::as_u64),
                    "{}",
                    what("place", at)
                );
                close(largest.value, value, RESIDUAL * value.abs(), &what("largest", at));
                close(state.median, number(&expected["median"]), RESIDUAL * value.abs(), &what("median", at));
                assert_eq!(Some(state.count as u64), expected["massive"].as_u64());
            }
        }
    }
}

/// A position embedding with one enormous value makes that massive in every state, and nothing else.
#[test]
fn a_massive_activation_is_found_where_a_checkpoint_has_it() {
    let home = tempfile::tempdir().unwrap();
    let folder = checkpoint::copy(&golden("gpt2-tiny"), home.path().join("model"));
    let ids = [5, 6, 7, 8, 9];
    let (_, _, before) = measure(folder.clone(), &ids, Engine::default());
    checkpoint::edit_weights(&folder, |tensors| {
        let name = tensors.keys().find(|name| name.ends_with("wpe.weight")).unwrap().clone();
        let position = tensors.get_mut(&name).unwrap();
        assert_eq!(position.dtype, safetensors::Dtype::F32);
        let at = 4 * (2 * position.shape[1] + 7);
        position.bytes[at..at + 4].copy_from_slice(&(-5000.0_f32).to_le_bytes());
    });
    let (_, _, after) = measure(folder, &ids, Engine::default());
    assert!(before.iter().all(|state| state.count == 0));
    for (at, state) in after.iter().enumerate() {
        assert_eq!(state.count, 1, "{at}: {:?}", state.massive);
        let Activation { position, dimension, value } = state.massive[0];
        assert_eq!((position, dimension), (2, 7), "{at}");
        assert!((value + 5000.0).abs() < 50.0 && state.times().unwrap() > 1000.0, "{at}: {value}");
    }
}
