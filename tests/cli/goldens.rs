//! Attention and logits equal those of Hugging Face transformers, through `export`.

use std::fs;

use safetensors::SafeTensors;

use crate::support::numbers::{floats, ids, largest, largest_difference, shape};
use crate::support::program::{Home, golden, text};

const ATTENTION_TOLERANCE: f32 = 2e-5;
const LOGIT_TOLERANCE: f32 = 1e-4;

fn check(name: &str, cases: usize, engine: &str) {
    let home = Home::new();
    let out = home.path("out.safetensors");
    let expected = fs::read(golden(name).join("expected.safetensors")).unwrap();
    let expected = SafeTensors::deserialize(&expected).unwrap();
    for case in 0..cases {
        let input = ids(&expected, &format!("case{case}.input_ids"));
        let list: Vec<String> = input.iter().map(i64::to_string).collect();
        let ended = home.run([
            "export",
            "--model",
            text(&golden(name)),
            "--ids",
            &list.join(","),
            "--engine",
            engine,
            "--format",
            "safetensors",
            "--view",
            "all",
            "--out",
            text(&out),
        ]);
        assert_eq!(ended.text(), "", "{name} {case}");

        let found = fs::read(&out).unwrap();
        let found = SafeTensors::deserialize(&found).unwrap();
        assert_eq!(ids(&found, "input_ids"), input);
        let wanted = floats(&expected, &format!("case{case}.attentions"));
        let attentions = floats(&found, "attentions");
        assert_eq!(shape(&found, "attentions"), shape(&expected, &format!("case{case}.attentions")));
        let difference = largest_difference(&attentions, &wanted);
        assert!(difference <= ATTENTION_TOLERANCE, "{name} {case} {engine}: attention off by {difference}");

        let wanted = floats(&expected, &format!("case{case}.logits_last"));
        let logits = floats(&found, "logits");
        let difference = largest_difference(&logits, &wanted) / largest(&wanted);
        assert!(difference <= LOGIT_TOLERANCE, "{name} {case} {engine}: logits off by {difference}");

        if name.starts_with("gpt2") {
            assert!(found.tensor("sink").is_err(), "{name} has no sinks");
            continue;
        }
        assert_eq!(shape(&found, "sink"), shape(&found, "attentions")[..3]);
        for (row, sink) in attentions.chunks(input.len()).zip(floats(&found, "sink")) {
            let sum = row.iter().sum::<f32>() + sink;
            assert!((sum - 1.0).abs() < 1e-5, "{name} {case}: a row and its sink sum to {sum}");
        }
    }
}

#[test]
fn gpt2_as_we_compute_it() {
    check("gpt2-tiny", 4, "auto");
}

#[test]
fn gpt2_as_a_gpu_computes_it() {
    check("gpt2-tiny", 4, "generic");
}

#[test]
fn gpt_oss_as_we_compute_it() {
    check("gpt-oss-tiny", 4, "auto");
}

#[test]
fn gpt_oss_as_a_gpu_computes_it() {
    check("gpt-oss-tiny", 4, "generic");
}

#[test]
fn a_model_that_others_trained_as_we_compute_it() {
    check("gpt2-sort", 3, "auto");
}

#[test]
fn a_model_that_others_trained_as_a_gpu_computes_it() {
    check("gpt2-sort", 3, "generic");
}
