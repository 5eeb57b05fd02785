//! Each step of a pass equals what transformers computes (`steps.py`): a wrong formula fails by the name of its step.
//! What a hook puts in the place of a number is what the pass goes on with.

use std::sync::Mutex;

use attnscope::attention::{Ablation, Capture, View};
use attnscope::model::{Cancel, Engine, Hooks, LoadOptions, Model, ModelError, Profile, ResidualPoint};
use candle_core::Tensor;
use safetensors::SafeTensors;

use super::{floats, folder, golden, ids, load, on_cpu, relative_difference};

/// Of the largest expected magnitude of a step.
const TOLERANCE: f32 = 2e-5;

const ENGINES: [Engine; 2] = [Engine::Auto, Engine::Generic];

fn run(model: &Model, ids: &[u32], mut hooks: Hooks<'_>) -> Capture {
    let tokens = model.tokens_from_ids(ids).unwrap();
    model.run_hooked(tokens, &mut hooks, &mut Profile::default(), &Cancel::new(), &mut |_| ()).unwrap()
}

fn values(x: &Tensor) -> Result<Vec<f32>, ModelError> {
    Ok(x.flatten_all()?.to_vec1::<f32>()?)
}

/// The name that `steps.py` gives a point.
fn name(point: ResidualPoint) -> String {
    match point {
        ResidualPoint::Embedding => "embedding".to_owned(),
        ResidualPoint::AfterAttention(layer) => format!("layer{layer}.after_attention"),
        ResidualPoint::AfterMlp(layer) => format!("layer{layer}.after_mlp"),
    }
}

/// Every step of a pass with its name, in the order of the pass; with what attention takes, or without.
fn steps(model: &Model, ids: &[u32], with_qkv: bool) -> Vec<(String, Vec<f32>)> {
    let found = Mutex::new(Vec::new());
    let keep = |name: String, x: &Tensor| {
        found.lock().unwrap().push((name, values(x)?));
        Ok(())
    };
    let mut after_rotary = |layer: usize, [query, key, value]: [&mut Tensor; 3]| {
        keep(format!("layer{layer}.query"), query)?;
        keep(format!("layer{layer}.key"), key)?;
        keep(format!("layer{layer}.value"), value)
    };
    let mut heads = |layer: usize, context: &mut Tensor| keep(format!("layer{layer}.context"), context);
    let mut residual = |point: ResidualPoint, x: &mut Tensor| keep(name(point), x);
    let hooks = Hooks {
        after_rotary: if with_qkv { Some(&mut after_rotary) } else { None },
        heads: Some(&mut heads),
        residual: Some(&mut residual),
        ..Hooks::default()
    };
    run(model, ids, hooks);
    found.into_inner().unwrap()
}

fn check(name: &str, options: &LoadOptions) {
    check_steps(name, options, true);
}

pub fn check_steps(name: &str, options: &LoadOptions, with_qkv: bool) {
    let model = load(&golden(name), options);
    let file = std::fs::read(folder(name).join("steps.safetensors")).unwrap();
    let expected = SafeTensors::deserialize(&file).unwrap();
    let found = steps(&model, &ids(&expected, "input_ids"), with_qkv);
    let left_out = if with_qkv { 0 } else { 3 * model.info().layers };
    assert_eq!(found.len() + left_out, expected.len() - 1, "{name}: every step is there");
    for (step, values) in found {
        let expected = floats(&expected, &step);
        assert_eq!(values.len(), expected.len(), "{name}: {step}");
        let difference = relative_difference(&expected, values.into_iter());
        assert!(difference <= TOLERANCE, "{name}: {step} is the first that is off, by {difference}");
    }
}

on_each_engine!(check);

const IDS: [u32; 9] = [3, 1, 4, 1, 5, 9, 2, 6, 5];

#[test]
fn a_head_that_a_hook_sets_to_zero_is_a_head_that_is_off() {
    for (engine, name) in ENGINES.into_iter().flat_map(|e| [(e, "gpt2-tiny"), (e, "gpt-oss-tiny")]) {
        let model = load(&golden(name), &on_cpu(engine));
        let (layer_off, head_off, heads) = (1, 2, model.info().heads);
        let mut zero = |layer: usize, context: &mut Tensor| {
            if layer == layer_off {
                let (tokens, width) = context.dims2()?;
                let mut values = values(context)?;
                let head_dim = width / heads;
                for row in values.chunks_exact_mut(width) {
                    row[head_off * head_dim..][..head_dim].fill(0.0);
                }
                *context = Tensor::from_vec(values, (tokens, width), context.device())?;
            }
            Ok(())
        };
        let hooked = run(&model, &IDS, Hooks { heads: Some(&mut zero), ..Hooks::default() });
        let mut ablation = Ablation::default();
        ablation.toggle(layer_off, head_off);
        let masked = run(&model, &IDS, Hooks { head_mask: ablation, ..Hooks::default() });
        assert_eq!(hooked.logits, masked.logits, "{name}, {engine:?}");
        assert_ne!(hooked.logits, run(&model, &IDS, Hooks::default()).logits, "{name}, {engine:?}");
    }
}

#[test]
fn a_residual_stream_from_another_prompt_gives_its_prediction() {
    let other: [u32; 9] = [2, 7, 1, 8, 2, 8, 1, 8, 2];
    for (engine, name) in ENGINES.into_iter().flat_map(|e| [(e, "gpt2-tiny"), (e, "gpt-oss-tiny")]) {
        let model = load(&golden(name), &on_cpu(engine));
        let at = ResidualPoint::AfterAttention(1);
        let mut kept = None;
        let mut keep = |point: ResidualPoint, x: &mut Tensor| {
            if point == at {
                kept = Some(x.copy()?);
            }
            Ok(())
        };
        let source = run(&model, &other, Hooks { residual: Some(&mut keep), ..Hooks::default() });
        let mut patch = |point: ResidualPoint, x: &mut Tensor| {
            if point == at {
                *x = kept.take().unwrap();
            }
            Ok(())
        };
        let patched = run(&model, &IDS, Hooks { residual: Some(&mut patch), ..Hooks::default() });
        assert_eq!(patched.logits, source.logits, "{name}, {engine:?}");
    }
}

#[test]
fn queries_of_zero_attend_to_all_keys_alike() {
    for engine in ENGINES {
        let model = load(&golden("gpt2-tiny"), &on_cpu(engine));
        let mut even = |_: usize, [query, ..]: [&mut Tensor; 3]| {
            *query = query.zeros_like()?;
            Ok(())
        };
        let capture = run(&model, &IDS, Hooks { after_rotary: Some(&mut even), ..Hooks::default() });
        let matrix = capture.matrix(View::Head { layer: 2, head: 3 }).unwrap();
        assert!(matrix.row(3).iter().all(|weight| (weight - 0.25).abs() < 1e-6), "{engine:?}");
    }
}

#[test]
fn a_hook_that_fails_ends_the_pass() {
    let model = load(&golden("gpt2-tiny"), &on_cpu(Engine::Auto));
    let mut fail = |layer: usize, _: &mut Tensor| match layer {
        2 => Err(ModelError::Invalid("enough".to_owned())),
        _ => Ok(()),
    };
    let mut hooks = Hooks { heads: Some(&mut fail), ..Hooks::default() };
    let tokens = model.tokens_from_ids(&IDS).unwrap();
    let ended = model.run_hooked(tokens, &mut hooks, &mut Profile::default(), &Cancel::new(), &mut |_| ());
    assert_eq!(ended.unwrap_err().to_string(), "enough");
}
