//! Activation patching, as forward hooks on Hugging Face transformers do it: `patch/compute.py` made the numbers.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;

use attnscope::attention::Capture;
use attnscope::attention::patching::{LogitPair, PatchPlace, Patched};
use attnscope::model::{Cancel, Control, Engine, LoadOptions, Model, Patch, Reference};
use serde_json::Value;

const EXPECTED: &str = include_str!("patch/expected.json");
/// Of an effect: a share of the way between two differences of logits.
const TOLERANCE: f64 = 1e-3;

/// Calls `check` with each checkpoint, each engine, both passes, and what is expected of them.
fn each_model(check: impl Fn(&Model, [Arc<Capture>; 2], LogitPair, &Value)) {
    let expected: Value = serde_json::from_str(EXPECTED).unwrap();
    for (name, expected) in expected.as_object().unwrap() {
        for engine in [Engine::Auto, Engine::Generic] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
            let mut control = Control { cancel: Cancel::new(), progress: &mut |_| () };
            let options = LoadOptions { engine, ..LoadOptions::default() };
            let model = Model::load(&Reference::Folder(folder), &options, &mut control).unwrap();
            let passes = [0, 1].map(|at: usize| {
                let ids =
                    expected["prompts"][at].as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32);
                let tokens = model.tokens_from_ids(&ids.collect::<Vec<_>>()).unwrap();
                Arc::new(model.run(tokens, &Cancel::new(), &mut |_| ()).unwrap())
            });
            let next = |name: &str| model.next_token(&passes[0], expected[name].as_u64().unwrap() as u32);
            let named = (Some(next("token")), Some(next("versus")));
            let logits = LogitPair::new([&passes[0], &passes[1]], named.0, named.1).unwrap();
            check(&model, passes, logits, expected);
        }
    }
}

#[test]
fn effects_are_those_of_hooks_on_transformers() {
    each_model(|model, passes, logits, expected| {
        for at in [0, 1] {
            let right = expected["differences"][at].as_f64().unwrap();
            assert!((logits.differences[at] - right).abs() < 1e-3, "{:?} {right}", logits.differences);
        }
        for (name, what) in [("heads", Patched::Heads), ("residual", Patched::Residual)] {
            let mut patch = Patch::new(passes.clone(), what, logits.clone()).unwrap();
            while !patch.is_done() {
                patch.step(model, &Cancel::new()).unwrap();
            }
            let (found, expected) = (patch.found(), expected[name].as_array().unwrap());
            assert_eq!(found.effects.len(), expected.len());
            for (layer, (row, expected)) in found.effects.iter().zip(expected).enumerate() {
                let expected = expected.as_array().unwrap();
                assert_eq!(row.len(), expected.len());
                for (at, (found, expected)) in row.iter().zip(expected).enumerate() {
                    let (found, expected) = (f64::from(found.unwrap()), expected.as_f64().unwrap());
                    assert!(
                        (found - expected).abs() <= TOLERANCE,
                        "{} {name} {layer}.{at}: {found}, expected {expected}",
                        model.info().name
                    );
                }
            }
        }
    });
}

/// A pass patched with itself is itself, and with everything of another one it is that.
#[test]
fn with_itself_nothing_changes_and_with_everything_all_does() {
    each_model(|model, [first, second], logits, _| {
        let cancel = Cancel::new();
        let (layers, heads, tokens) = (model.info().layers, model.info().heads, second.tokens.len());
        let all_heads: Vec<PatchPlace> = (0..layers)
            .flat_map(|layer| (0..heads).map(move |head| PatchPlace::Head { layer, head }))
            .collect();
        let stream =
            |layer| (0..tokens).map(|position| PatchPlace::Residual { layer, position }).collect::<Vec<_>>();
        let effect = |of: &Arc<Capture>, what, places: &[PatchPlace], same| {
            let source = model.patch_source(of, what, &cancel).unwrap();
            let patched = model.run_patched((&second, same), &source, places, &cancel).unwrap();
            logits.effect(&patched.logits).unwrap()
        };
        for same in [0, 2, tokens] {
            assert!(effect(&second, Patched::Heads, &all_heads, same).abs() < 1e-4);
            assert!(effect(&second, Patched::Residual, &stream(0), same).abs() < 1e-4);
        }
        for layer in 0..layers {
            let found = effect(&first, Patched::Residual, &stream(layer), 0);
            assert!((found - 1.0).abs() < 1e-3, "{} layer {layer}: {found}", model.info().name);
        }
        let last = [PatchPlace::Residual { layer: layers - 1, position: tokens - 1 }];
        assert!((effect(&first, Patched::Residual, &last, 2) - 1.0).abs() < 1e-3);
    });
}

#[test]
fn prompts_of_other_lengths_are_not_patched() {
    each_model(|model, [first, second], logits, _| {
        let tokens = second.tokens[..5].to_vec();
        let shorter = Arc::new(model.run(tokens, &Cancel::new(), &mut |_| ()).unwrap());
        let error = Patch::new([first.clone(), shorter], Patched::Heads, logits).unwrap_err().to_string();
        assert!(error.contains("have 8 and 5 tokens"), "{error}");
    });
}
