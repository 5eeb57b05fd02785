//! GGUF files: their counts, lengths, types and offsets, and any byte of what stands before the data.

use std::path::Path;

use attnscope::model::{Cancel, Control, Footprint, LoadOptions, Model, ModelError, Reference};
use proptest::prelude::*;

use crate::change::{Change, apply, changes};
use crate::model::{read_something, said};
use crate::run::{file, keep, run};

/// A file, where its numbers stand that say how it is to be read, and where its data begins.
struct Seed {
    bytes: Vec<u8>,
    /// Place and width of each number.
    numbers: Vec<(usize, usize)>,
    data: usize,
}

/// Walks over a file that is whole.
struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    numbers: Vec<(usize, usize)>,
}

impl Walk<'_> {
    fn number(&mut self, width: usize) -> u64 {
        let mut number = [0; 8];
        number[..width].copy_from_slice(&self.bytes[self.at..self.at + width]);
        self.numbers.push((self.at, width));
        self.at += width;
        u64::from_le_bytes(number)
    }

    fn text(&mut self) -> &[u8] {
        let length = self.number(8) as usize;
        self.at += length;
        &self.bytes[self.at - length..self.at]
    }

    fn value(&mut self, kind: u64) {
        match kind {
            0 | 1 | 7 => _ = self.number(1),
            2 | 3 => _ = self.number(2),
            4..=6 => _ = self.number(4),
            8 => drop(self.text()),
            9 => {
                let (kind, count) = (self.number(4), self.number(8));
                let before = self.numbers.len();
                (0..count).for_each(|_| self.value(kind));
                // Of a long list the first ones are enough.
                self.numbers.truncate(before + 8);
            }
            _ => _ = self.number(8),
        }
    }
}

impl Seed {
    fn new(name: &str) -> Self {
        let bytes = file(&format!("tests/golden/gguf/{name}/model.gguf"));
        let mut walk = Walk { bytes: &bytes, at: 4, numbers: Vec::new() };
        walk.number(4);
        let (tensors, keys) = (walk.number(8), walk.number(8));
        for _ in 0..keys {
            walk.text();
            let kind = walk.number(4);
            walk.value(kind);
        }
        for _ in 0..tensors {
            walk.text();
            let axes = walk.number(4);
            for _ in 0..axes {
                walk.number(8);
            }
            walk.number(4);
            walk.number(8);
        }
        let (numbers, data) = (walk.numbers, walk.at.next_multiple_of(32));
        Self { bytes, numbers, data }
    }
}

#[derive(Debug, Clone)]
enum Part {
    /// Numbers become others.
    Numbers(Vec<(u16, u64)>),
    /// What stands before the data.
    Header(Vec<Change>),
    /// Any byte of the file.
    Whole(Vec<Change>),
    /// The file ends somewhere.
    Cut(u32),
}

fn part() -> impl Strategy<Value = Part> {
    let number = prop_oneof![
        3 => 0..48u64,
        2 => any::<u64>(),
        3 => prop::sample::select(vec![1 << 20, 1 << 31, 1 << 32, 1 << 40, 1 << 62, 1 << 63, u64::MAX, u64::MAX - 31]),
    ];
    prop_oneof![
        5 => prop::collection::vec((any::<u16>(), number), 1..4).prop_map(Part::Numbers),
        3 => changes().prop_map(Part::Header),
        1 => changes().prop_map(Part::Whole),
        2 => any::<u32>().prop_map(Part::Cut),
    ]
}

fn load(path: &Path) -> Result<Model, ModelError> {
    let mut control = Control { cancel: Cancel::new(), progress: &mut |_| () };
    Model::load(&Reference::File(path.to_owned()), &LoadOptions::default(), &mut control)
}

/// A message is one line, however the names in a file are.
fn said_in_a_line(error: &ModelError) -> Result<(), TestCaseError> {
    let text = error.to_string();
    prop_assert!(!text.contains('\n') && text.len() < 2000, "{text}");
    said(error)
}

#[test]
fn gguf() {
    let seeds = ["gpt2", "llama-spm", "llama-k", "gpt-oss", "phi3"].map(Seed::new);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    for seed in &seeds {
        std::fs::write(&path, &seed.bytes).unwrap();
        load(&path).unwrap();
    }
    let place = std::sync::Mutex::new(());
    run("gguf", 10_000, &(0..seeds.len(), part()), |(which, part)| {
        let _alone = place.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let seed = &seeds[*which];
        let mut bytes = seed.bytes.clone();
        match part {
            Part::Numbers(numbers) => {
                for (at, number) in numbers {
                    let (at, width) = seed.numbers[usize::from(*at) % seed.numbers.len()];
                    bytes[at..at + width].copy_from_slice(&number.to_le_bytes()[..width]);
                }
            }
            Part::Header(changes) => {
                bytes = [&apply(changes, &bytes[..seed.data]), &bytes[seed.data..]].concat();
            }
            Part::Whole(changes) => bytes = apply(changes, &bytes),
            Part::Cut(at) => bytes.truncate(*at as usize % bytes.len()),
        }
        keep("model.gguf", &bytes);
        // Another file: one that is mapped is not written to.
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, &bytes).unwrap();
        let _ = Footprint::of(&Reference::File(path.clone()), &LoadOptions::default());
        let model = match load(&path) {
            Ok(model) => model,
            Err(error) => return said_in_a_line(&error),
        };
        let _ = model.tokenize("write a story about AI, 12 日").map(|tokens| tokens.len());
        read_something(&model, said_in_a_line)
    });
}
