//! Push: all parts of a pass together are the logit, for every checkpoint, each engine and any token.

use attnscope::attention::push::{Part, Push};
use attnscope::attention::{Ablation, Capture};
use attnscope::model::{Cancel, Engine, LoadOptions, Model};
use safetensors::SafeTensors;

use super::{check_all, folder, golden, ids, load, on_cpu};

/// Of the logit that the parts add up to.
const COMPLETE: f64 = 1e-4;

fn capture(model: &Model, tokens: &[u32], ablation: &Ablation) -> Capture {
    model.run_without(model.tokens_from_ids(tokens).unwrap(), ablation, &Cancel::new(), &mut |_| ()).unwrap()
}

fn push(model: &Model, capture: &Capture, query: usize, tokens: (Option<u32>, Option<u32>)) -> Push {
    let pass = model.run_token(capture, query, 1, &Cancel::new()).unwrap();
    model.push(capture, &pass, tokens, &Cancel::new()).unwrap()
}

fn is_complete(what: &str, push: &Push) {
    let off = push.residual().abs() / push.logit.abs();
    assert!(off <= COMPLETE, "{what}: {} of {}", push.residual(), push.logit);
}

pub fn check(name: &str, options: &LoadOptions) {
    let file = std::fs::read(folder(name).join("expected.safetensors")).unwrap();
    let expected = SafeTensors::deserialize(&file).unwrap();
    let model = load(&golden(name), options);
    if !model.info().has_output_head {
        return;
    }
    let ids = ids(&expected, "case2.input_ids");
    let whole = capture(&model, &ids, &Ablation::default());
    let last = ids.len() - 1;
    for query in [0, last / 2, last] {
        let of_likeliest = push(&model, &whole, query, (None, None));
        is_complete(&format!("{name}, token {query}"), &of_likeliest);
        let [target, other] = [of_likeliest.target.token.id, ids[0]];
        if target != other {
            let contrast = push(&model, &whole, query, (Some(target), Some(other)));
            is_complete(&format!("{name}, token {query}, {target} against {other}"), &contrast);
        }
    }
}

on_each_engine!(check);

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

/// Heads that are off push nothing, and all other parts are the logit of the model without them.
#[test]
fn without_heads_it_is_complete_too() {
    for (name, engine) in [("gpt2-tiny", Engine::Auto), ("gpt-oss-tiny", Engine::Generic)] {
        let model = load(&golden(name), &on_cpu(engine));
        let off: Ablation = "0.1,2.3".parse().unwrap();
        let without = capture(&model, &[5, 9, 3, 5, 9, 8], &off);
        let found = push(&model, &without, 5, (None, None));
        is_complete(name, &found);
        assert_eq!((found.head(0, 1).unwrap().total, found.head(2, 3).unwrap().total), (0.0, 0.0));
        let logit = |capture: &Capture| {
            let mean =
                capture.logits.iter().map(|x| f64::from(*x)).sum::<f64>() / capture.logits.len() as f64;
            f64::from(capture.logits[found.target.token.id as usize]) - mean
        };
        assert!((found.logit - logit(&without)).abs() <= 1e-4 * found.logit.abs(), "{name}");
        let whole = capture(&model, &[5, 9, 3, 5, 9, 8], &Ablation::default());
        assert!((found.logit - logit(&whole)).abs() > 1e-3, "{name}: the heads do something");
    }
}

/// What heads give on average comes from no key, and is a part of its own, the same on both engines. Over a single token it
/// is what the heads give there: the pass is that with all heads on.
#[test]
fn means_of_heads_are_a_part_and_no_bias() {
    for name in ["gpt2-tiny", "gpt-oss-tiny"] {
        let of_engine = [Engine::Auto, Engine::Generic].map(|engine| {
            let model = load(&golden(name), &on_cpu(engine));
            let of = |ids: &[u32], ablation: &str| {
                let capture = capture(&model, ids, &ablation.parse().unwrap());
                push(&model, &capture, ids.len() - 1, (Some(7), Some(3)))
            };
            let [whole, single] = ["none", "mean:0.1,2.3"].map(|heads| of(&[5], heads));
            is_complete(&format!("{name}, means of one token"), &single);
            let heads = [(0, 1), (2, 3)];
            let total = |push: &Push| heads.map(|(layer, head)| push.head(layer, head).unwrap().total);
            let near = |found: f64, expected: f64| (found - expected).abs() <= COMPLETE * whole.logit.abs();
            assert!(near(single.means.unwrap(), total(&whole).iter().sum()), "{name}: {:?}", single.means);
            assert!(near(single.biases, whole.biases), "{name}: {} {}", single.biases, whole.biases);
            assert_eq!((whole.means, total(&single)), (None, [0.0, 0.0]));

            let prompt = [5, 9, 3, 5, 9, 8];
            assert_eq!(of(&prompt, "0.1,2.3").means, None, "zero is no mean");
            let found = of(&prompt, "mean:0.1,2.3");
            is_complete(&format!("{name}, means"), &found);
            assert_eq!(total(&found), [0.0, 0.0]);
            assert!(found.means.unwrap().abs() > 1e-3, "{name}: {:?}", found.means);
            found
        });
        let [kernels, tensors] = of_engine;
        let top = kernels.parts()[0].1.abs();
        for part in [Part::Means, Part::Biases] {
            let of = |push: &Push| push.parts().iter().find(|(it, _)| *it == part).unwrap().1;
            assert!((of(&kernels) - of(&tensors)).abs() <= 2e-5 * top, "{name}: {part}");
        }
    }
}

#[test]
fn a_trained_gpt2_with_its_own_head() {
    check("gpt2-sort", &on_cpu(Engine::Auto));
}
