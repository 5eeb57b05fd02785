//! Push: all parts of a pass together are the logit, for every checkpoint, each engine and any token.

use attnscope::attention::push::Push;
use attnscope::attention::{Ablation, Capture};
use attnscope::model::{Cancel, Engine, LoadOptions, Model};
use safetensors::SafeTensors;

use super::{check_all, folder, golden, ids, load, on_cpu};

/// Of the logit that the parts add up to.
const COMPLETE: f64 = 1e-4;

/// Tokens of a prompt that are run.
const TOKENS: usize = 12;

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

fn check(name: &str, options: &LoadOptions) {
    let file = std::fs::read(folder(name).join("expected.safetensors")).unwrap();
    let expected = SafeTensors::deserialize(&file).unwrap();
    let model = load(&golden(name), options);
    if !model.info().has_output_head {
        return;
    }
    let mut ids = ids(&expected, "case2.input_ids");
    ids.truncate(TOKENS);
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

#[test]
fn a_trained_gpt2_with_its_own_head() {
    check("gpt2-sort", &on_cpu(Engine::Auto));
}
