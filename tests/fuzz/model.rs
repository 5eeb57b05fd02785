//! The files of a model: config.json, the weights and their index.

use std::path::Path;
use std::sync::Mutex;

use attnscope::attention::View;
use attnscope::model::{Cancel, Control, Footprint, LoadOptions, Model, ModelError, Reference};
use proptest::prelude::*;
use serde_json::json;

use crate::change::{Change, apply, changes};
use crate::checkpoint::Checkpoint;
use crate::run::{keep, run};

pub fn load(folder: &Path) -> Result<Model, ModelError> {
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
    read_something(&model, said)
}

/// What a model makes of four tokens is numbers, or an error that `said` judges.
pub fn read_something(
    model: &Model,
    said: impl FnOnce(&ModelError) -> Result<(), TestCaseError>,
) -> Result<(), TestCaseError> {
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

pub fn said(error: &ModelError) -> Result<(), TestCaseError> {
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
