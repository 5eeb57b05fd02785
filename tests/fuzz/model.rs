//! The files of a model: config.json, tokenizer.json, the weights and their index.

use std::path::Path;
use std::sync::Mutex;

use attnscope::attention::View;
use attnscope::model::{Cancel, Control, Footprint, LoadOptions, Model, ModelError, Reference};
use proptest::prelude::*;
use serde_json::json;

use crate::change::{Change, apply, changes};
use crate::checkpoint::Checkpoint;
use crate::run::{file, keep, run};

const PROMPTS: [&str; 4] =
    ["write a story", " é日\n\t🙂\u{301}", "<|endoftext|>a", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa  "];

fn load(folder: &Path) -> Result<Model, ModelError> {
    let mut control = Control { cancel: Cancel::new(), progress: &mut |_| () };
    Model::load(&Reference::Folder(folder.to_owned()), &LoadOptions::default(), &mut control)
}

/// Loads what is in a folder, and has it read something. Whatever comes of it, it is numbers or an error.
fn try_out(folder: &Path) -> Result<(), TestCaseError> {
    let reference = Reference::Folder(folder.to_owned());
    let _ = Footprint::of(&reference, &LoadOptions::default());
    let model = match load(folder) {
        Ok(model) => model,
        Err(error) => return said(&error),
    };
    let tokens = model.tokens_from_ids(&[1, 2, 3, 2]);
    match tokens.and_then(|tokens| model.run(tokens, &Cancel::new(), &mut |_| ())) {
        Ok(capture) => {
            prop_assert!(capture.next.iter().all(|next| next.probability.is_finite()));
            let head = capture.matrix(View::Head { layer: 0, head: 0 }).unwrap();
            prop_assert!(head.row(3).iter().all(|value| value.is_finite()));
            Ok(())
        }
        Err(error) => said(&error),
    }
}

fn said(error: &ModelError) -> Result<(), TestCaseError> {
    prop_assert!(!error.to_string().is_empty());
    Ok(())
}

#[test]
fn config() {
    let checkpoints = Mutex::new([Checkpoint::gpt2(), Checkpoint::gpt_oss()]);
    for checkpoint in &*checkpoints.lock().unwrap() {
        load(checkpoint.path()).unwrap();
    }
    run("config", 3000, &(0..2usize, changes()), |(which, changes)| {
        let checkpoint = &checkpoints.lock().unwrap_or_else(std::sync::PoisonError::into_inner)[*which];
        let config = apply(changes, &checkpoint.config);
        keep("config.json", &config);
        checkpoint.write("config.json", &config);
        try_out(checkpoint.path())
    });
}

#[test]
fn tokenizer() {
    let checkpoint = Mutex::new(Checkpoint::gpt2());
    let seeds = [
        file("tests/golden/gpt2-tiny/tokenizer.json"),
        file("tests/golden/gpt-oss-tiny/tokenizer.json"),
        small_tokenizer(),
    ];
    run("tokenizer", 2500, &(0..seeds.len(), changes()), |(which, changes)| {
        let checkpoint = checkpoint.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let tokenizer = apply(changes, &seeds[*which]);
        keep("tokenizer.json", &tokenizer);
        checkpoint.write("tokenizer.json", &tokenizer);
        let model = match load(checkpoint.path()) {
            Ok(model) => model,
            Err(error) => return said(&error),
        };
        for prompt in PROMPTS {
            if let Ok(tokens) = model.tokenize(prompt) {
                for token in tokens {
                    // A token may be a part of a character.
                    let span = &token.span;
                    prop_assert!(
                        span.start <= span.end && span.end <= prompt.len(),
                        "{token:?} of {prompt:?}"
                    );
                }
            }
        }
        let _ = (0..600).map(|id| model.token(id).text.len()).sum::<usize>();
        Ok(())
    });
}

/// Every part that tokenizers have, in a few lines: what is changed in it is nearly always something that matters.
fn small_tokenizer() -> Vec<u8> {
    let vocabulary =
        ["<unk>", "<s>", "a", "b", "▁", "▁a", "ab", "t", "e", "<0x0A>", "<0xE6>", "<0x97>", "<0xA5>"];
    let vocabulary: serde_json::Map<String, serde_json::Value> =
        vocabulary.iter().enumerate().map(|(id, piece)| ((*piece).to_owned(), json!(id))).collect();
    let special = |id: u32, content: &str| json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": true, "normalized": false, "special": true});
    let tokenizer = json!({
        "version": "1.0", "truncation": {"direction": "Right", "max_length": 8, "strategy": "LongestFirst", "stride": 0}, "padding": null,
        "added_tokens": [special(0, "<unk>"), special(1, "<s>")],
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Prepend", "prepend": "▁"},
            {"type": "Replace", "pattern": {"Regex": " "}, "content": "▁"},
            {"type": "NFKC"}
        ]},
        "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "\\s+"}, "behavior": "Isolated", "invert": false},
        "post_processor": {"type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}},
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": 1, "stop": 0}
        ]},
        "model": {"type": "BPE", "dropout": null, "unk_token": "<unk>", "continuing_subword_prefix": null, "end_of_word_suffix": null,
            "fuse_unk": true, "byte_fallback": true, "ignore_merges": false, "vocab": vocabulary, "merges": [["▁", "a"], ["a", "b"]]}
    });
    serde_json::to_vec(&tokenizer).unwrap()
}

/// What is changed of a file of weights.
#[derive(Debug, Clone)]
enum Part {
    /// Its header, whose length is written in front of it as it is.
    Header(Vec<Change>),
    /// Any byte of the file.
    Whole(Vec<Change>),
    /// The length in front, and nothing else.
    Length(u64),
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![
        4 => changes().prop_map(Part::Header),
        2 => changes().prop_map(Part::Whole),
        1 => prop_oneof![any::<u64>(), 0..4096u64, Just(u64::MAX), Just(1 << 63)].prop_map(Part::Length),
    ]
}

#[test]
fn weights() {
    let checkpoints = Mutex::new([Checkpoint::gpt2(), Checkpoint::gpt_oss()]);
    run("weights", 3000, &(0..2usize, part()), |(which, part)| {
        let checkpoint = &checkpoints.lock().unwrap_or_else(std::sync::PoisonError::into_inner)[*which];
        let good = &checkpoint.weights;
        let end = 8 + usize::try_from(u64::from_le_bytes(good[..8].try_into().unwrap())).unwrap();
        let file = match part {
            Part::Header(changes) => {
                let header = apply(changes, &good[8..end]);
                [&(header.len() as u64).to_le_bytes(), &header[..], &good[end..]].concat()
            }
            Part::Whole(changes) => apply(changes, good),
            Part::Length(length) => [&length.to_le_bytes(), &good[8..]].concat(),
        };
        keep("model.safetensors", &file);
        checkpoint.write("model.safetensors", &file);
        try_out(checkpoint.path())
    });
}

#[test]
fn index() {
    let checkpoint = Checkpoint::gpt2();
    std::fs::rename(
        checkpoint.file("model.safetensors"),
        checkpoint.file("model-00001-of-00001.safetensors"),
    )
    .unwrap();
    let names = ["wte.weight", "wpe.weight", "h.0.ln_1.weight", "ln_f.bias"];
    let map: serde_json::Map<String, serde_json::Value> =
        names.iter().map(|name| ((*name).to_owned(), json!("model-00001-of-00001.safetensors"))).collect();
    let seed = serde_json::to_vec(&json!({"metadata": {"total_size": 12_345}, "weight_map": map})).unwrap();
    checkpoint.write("model.safetensors.index.json", &seed);
    load(checkpoint.path()).unwrap();
    let checkpoint = Mutex::new(checkpoint);
    run("index", 1200, &changes(), |changes| {
        let checkpoint = checkpoint.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let index = apply(changes, &seed);
        keep("model.safetensors.index.json", &index);
        checkpoint.write("model.safetensors.index.json", &index);
        try_out(checkpoint.path())
    });
}
