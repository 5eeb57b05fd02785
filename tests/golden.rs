//! Attention and logits equal what Hugging Face transformers computes, for every golden case and both engines, and for
//! our CUDA kernels behind an emulated driver; built with `--features cuda`, on the GPU with candle's.

#![allow(clippy::unwrap_used)]

/// A test for each of the tiny models on each engine, which hands both to `check`.
macro_rules! on_each_engine {
    ($check:path) => {
        #[test]
        fn gpt2() {
            $check("gpt2-tiny", &on_cpu(Engine::Auto));
        }

        #[test]
        fn gpt2_in_tensor_operations() {
            $check("gpt2-tiny", &on_cpu(Engine::Generic));
        }

        #[test]
        fn gpt_oss() {
            $check("gpt-oss-tiny", &on_cpu(Engine::Auto));
        }

        #[test]
        fn gpt_oss_in_tensor_operations() {
            $check("gpt-oss-tiny", &on_cpu(Engine::Generic));
        }
    };
}

#[cfg(not(feature = "cuda"))]
#[path = "golden/emulated.rs"]
mod emulated;
#[path = "golden/hidden.rs"]
mod hidden;
#[path = "golden/incremental.rs"]
mod incremental;
#[path = "support/numbers.rs"]
#[allow(dead_code)]
mod numbers;
#[path = "golden/push.rs"]
mod push;
#[path = "golden/steps.rs"]
mod steps;

use std::path::{Path, PathBuf};

use attnscope::attention::{Capture, CausalMatrix, Statistic, View};
use attnscope::model::{
    Cancel, Control, DemoModel, DeviceChoice, Engine, LoadOptions, Model, Precision, Reference,
};
use numbers::floats;
use safetensors::SafeTensors;

const ATTENTION_TOLERANCE: f32 = 2e-5;
const LOGIT_TOLERANCE: f32 = 1e-4;

/// On the CPU, whatever else this build can use.
fn on_cpu(engine: Engine) -> LoadOptions {
    LoadOptions {
        engine,
        device: DeviceChoice::Cpu,
        precision: Precision::F32,
        offline: true,
        ..LoadOptions::default()
    }
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn golden(name: &str) -> Reference {
    Reference::Folder(folder(name))
}

fn load(reference: &Reference, options: &LoadOptions) -> Model {
    let mut progress = |_| ();
    let mut control = Control { cancel: Cancel::new(), progress: &mut progress };
    Model::load(reference, options, &mut control).unwrap()
}

fn ids(file: &SafeTensors<'_>, name: &str) -> Vec<u32> {
    let bytes = file.tensor(name).unwrap().data().to_vec();
    bytes.chunks_exact(8).map(|b| i64::from_le_bytes(b.try_into().unwrap()) as u32).collect()
}

fn largest_difference(a: &[f32], b: impl Iterator<Item = f32>) -> f32 {
    numbers::largest_difference(a, &b.collect::<Vec<_>>())
}

/// Of the largest magnitude that is expected.
fn relative_difference(expected: &[f32], found: impl Iterator<Item = f32>) -> f32 {
    let scale = expected.iter().fold(0.0f32, |max, value| max.max(value.abs()));
    largest_difference(expected, found) / scale
}

/// All heads as [L, H, S, S], computed one by one from queries and keys.
fn all_heads(capture: &Capture) -> Vec<f32> {
    let tokens = capture.tokens.len();
    let mut all = Vec::new();
    for layer in 0..capture.model.layers {
        for head in 0..capture.model.heads {
            let matrix = capture.matrix(View::Head { layer, head }).unwrap();
            for query in 0..tokens {
                all.extend_from_slice(matrix.row(query));
                all.extend(std::iter::repeat_n(0.0, tokens - query - 1));
            }
        }
    }
    all
}

/// Means of the expected attention over heads, of one layer or of all.
fn expected_mean(attentions: &[f32], tokens: usize, heads: usize, layer: Option<usize>) -> Vec<f32> {
    let square = tokens * tokens;
    let part = match layer {
        Some(layer) => &attentions[layer * heads * square..][..heads * square],
        None => attentions,
    };
    let count = part.len() / square;
    (0..square).map(|cell| part.iter().skip(cell).step_by(square).sum::<f32>() / count as f32).collect()
}

fn check(name: &str, options: &LoadOptions) {
    let model = load(&golden(name), options);
    let file = std::fs::read(folder(name).join("expected.safetensors")).unwrap();
    let expected = SafeTensors::deserialize(&file).unwrap();
    let cases = expected.names().iter().filter(|name| name.ends_with(".input_ids")).count();
    assert!(cases >= 3, "{name} has cases");
    check_tokens(name, &model, &expected);
    for case in 0..cases {
        let tokens = model.tokens_from_ids(&ids(&expected, &format!("case{case}.input_ids"))).unwrap();
        let count = tokens.len();
        let capture = model.run(tokens, &Cancel::new(), &mut |_| ()).unwrap();
        let attentions = floats(&expected, &format!("case{case}.attentions"));
        let difference = largest_difference(&attentions, all_heads(&capture).into_iter());
        assert!(difference <= ATTENTION_TOLERANCE, "{name} case {case}: attention is off by {difference}");

        let heads = capture.model.heads;
        let views = (0..capture.model.layers).map(View::Layer).chain([View::Mean]);
        for view in views {
            let mean = expected_mean(&attentions, count, heads, view.layer());
            for query in 0..count {
                let (row, sink) = capture.row(view, query).unwrap();
                assert_eq!(row.len(), query + 1, "{name} case {case} {view}");
                let row_mean = &mean[query * count..][..query + 1];
                let difference = largest_difference(&row, row_mean.iter().copied());
                assert!(difference <= ATTENTION_TOLERANCE, "{name} case {case} {view}: off by {difference}");
                let rest = 1.0 - row_mean.iter().sum::<f32>();
                let difference = (sink.unwrap_or(0.0) - rest).abs();
                assert!(
                    difference <= ATTENTION_TOLERANCE,
                    "{name} case {case} {view}: sink off by {difference}"
                );
            }
        }

        let logits = floats(&expected, &format!("case{case}.logits_last"));
        let difference = relative_difference(&logits, capture.logits.iter().copied());
        assert!(difference <= LOGIT_TOLERANCE, "{name} case {case}: logits are off by {difference}");
    }
}

/// The prompts of the cases become the ids that transformers' tokenizer gives.
fn check_tokens(name: &str, model: &Model, expected: &SafeTensors<'_>) {
    let Ok(cases) = std::fs::read_to_string(folder(name).join("cases.json")) else { return };
    let cases: serde_json::Value = serde_json::from_str(&cases).unwrap();
    for (at, case) in cases.as_array().unwrap().iter().enumerate() {
        let Some(prompt) = case["prompt"].as_str() else { continue };
        let found: Vec<u32> = model.tokenize(prompt).unwrap().iter().map(|token| token.id).collect();
        assert_eq!(found, ids(expected, &format!("case{at}.input_ids")), "{name} case {at}");
    }
}

on_each_engine!(check);

/// Hands the checkpoints of a folder, at least so many, on an engine of the CPU to `check`; all that fail are named.
fn check_all(inside: &str, count: usize, engine: Engine, check: fn(&str, &LoadOptions)) {
    check_folder(inside, count, &on_cpu(engine), check);
}

/// The same with any options.
fn check_folder(inside: &str, count: usize, options: &LoadOptions, check: fn(&str, &LoadOptions)) {
    let mut names: Vec<String> = std::fs::read_dir(folder(inside))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| format!("{inside}/{}", entry.file_name().to_str().unwrap()))
        .collect();
    names.sort();
    assert!(names.len() >= count, "{names:?}");
    let fails = |name: &&String| std::panic::catch_unwind(|| check(name, options)).is_err();
    let failed: Vec<&String> = names.iter().filter(fails).collect();
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn the_other_families() {
    check_all("families", 52, Engine::Auto, check);
}

#[test]
fn the_other_families_in_tensor_operations() {
    check_all("families", 52, Engine::Generic, check);
}

#[test]
fn gguf_files() {
    check_all("gguf", 13, Engine::Auto, check);
}

#[test]
fn gguf_files_in_tensor_operations() {
    check_all("gguf", 13, Engine::Generic, check);
}

#[test]
fn a_trained_gpt2_with_its_own_head() {
    check("gpt2-sort", &on_cpu(Engine::Auto));
}

/// The two engines fold the same means, statistics and thumbnails.
#[test]
fn both_engines_see_the_same() {
    // Cells of it are of several tokens, and its queries of several blocks.
    let long = (Reference::Demo(DemoModel::GptOss), 2_100);
    see_the_same(&on_cpu(Engine::Auto), &on_cpu(Engine::Generic), Some(long));
}

/// On both tiny models, and on a longer prompt.
fn see_the_same(one: &LoadOptions, other: &LoadOptions, long: Option<(Reference, usize)>) {
    let models = [(golden("gpt2-tiny"), 90), (golden("gpt-oss-tiny"), 90)];
    for (reference, tokens) in models.into_iter().chain(long) {
        let name = reference.to_string();
        let ids: Vec<u32> = (0..tokens).map(|i| (i * i % 37) as u32).collect();
        let run = |options| {
            let model = load(&reference, options);
            model.run(model.tokens_from_ids(&ids).unwrap(), &Cancel::new(), &mut |_| ()).unwrap()
        };
        let (one, other) = (run(one), run(other));
        for (a, b) in one.layers.iter().zip(&other.layers) {
            for (a, b) in [(&a.log_sum_exp, &b.log_sum_exp), (&a.value_norms, &b.value_norms)] {
                assert!(a.rows().zip(b.rows()).all(|(a, b)| largest_difference(a, b.iter().copied()) < 1e-4));
            }
            same_matrix(&a.mean, &b.mean);
            for (a, b) in a.heads.iter().zip(&b.heads) {
                let (s, t) = (a.statistics, b.statistics);
                for statistic in Statistic::ALL {
                    let (s, t) = (s.get(statistic), t.get(statistic));
                    let is_close = s.zip(t).map_or(s == t, |(s, t)| (s - t).abs() <= 1e-4 * s.abs().max(1.0));
                    assert!(is_close, "{name}: {s:?} is not {t:?}");
                }
                same_matrix(&a.thumbnail, &b.thumbnail);
            }
        }
    }
}

fn same_matrix(a: &CausalMatrix, b: &CausalMatrix) {
    assert_eq!((a.bin(), a.size()), (b.bin(), b.size()));
    assert!(largest_difference(&a.cells(), b.cells().into_iter()) < 1e-4);
    let sinks = |m: &CausalMatrix| m.sinks().unwrap_or(&[]).to_vec();
    assert!(largest_difference(&sinks(a), sinks(b).into_iter()) < 1e-4);
    let first_tokens = |m: &CausalMatrix| (0..m.size()).map(|query| m.first_token(query)).collect::<Vec<_>>();
    assert!(largest_difference(&first_tokens(a), first_tokens(b).into_iter()) < 1e-4);
}

/// The CUDA device in f32. `cargo test --features cuda --test golden`; without a device these say so and pass.
#[cfg(feature = "cuda")]
mod on_cuda {
    use super::*;
    use attnscope::model::cuda_devices;

    fn in_f32() -> Option<LoadOptions> {
        if cuda_devices().is_empty() {
            eprintln!("not run: this machine has no CUDA device");
            return None;
        }
        Some(LoadOptions { device: DeviceChoice::Cuda(0), ..on_cpu(Engine::Auto) })
    }

    #[test]
    fn goldens() {
        let Some(options) = in_f32() else { return };
        for name in ["gpt2-tiny", "gpt-oss-tiny", "gpt2-sort"] {
            check(name, &options);
        }
    }

    #[test]
    fn sees_what_the_cpu_sees() {
        let Some(options) = in_f32() else { return };
        let long = (Reference::Demo(DemoModel::GptOss), 2_100);
        see_the_same(&on_cpu(Engine::Auto), &options, Some(long));
    }

    /// bfloat16 has 8 bits: of attention, which lies between 0 and 1, two decimals. By default experts stay packed.
    #[test]
    fn bfloat16_stays_near() {
        let Some(options) = in_f32() else { return };
        let cases = [
            ("gpt2-tiny", Precision::Bf16),
            ("gpt-oss-tiny", Precision::Bf16),
            ("gpt-oss-tiny", Precision::Auto),
        ];
        for (name, precision) in cases {
            let heads = |options: &LoadOptions| {
                let model = load(&golden(name), options);
                let tokens = model.tokens_from_ids(&[1, 2, 3, 5, 8, 13, 21, 34]).unwrap();
                all_heads(&model.run(tokens, &Cancel::new(), &mut |_| ()).unwrap())
            };
            let (bf16, f32) = (heads(&LoadOptions { precision, ..options.clone() }), heads(&options));
            let difference = largest_difference(&bf16, f32.into_iter());
            assert!(difference > 0.0 && difference < 0.05, "{name}: bfloat16 is off by {difference}");
        }
    }
}
