//! The files of a tokenizer, of every kind of model, and of every kind of file.

use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use proptest::prelude::*;

use crate::change::{apply, changes};
use crate::checkpoint::Checkpoint;
use crate::model::{load, said};
use crate::run::{file, keep, run};

const PROMPTS: [&str; 4] =
    ["write a story", " é日\n\t🙂\u{301}", "<|endoftext|>a", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa  "];

/// A folder, and the file in it that is changed.
struct Seed {
    checkpoint: Checkpoint,
    name: &'static str,
    content: Vec<u8>,
}

impl Seed {
    fn new(files: &[(&'static str, Vec<u8>)]) -> Self {
        // A gpt-oss is read with its tokenizer.json as it is, of a GPT-2 most parts are the class's own.
        let checkpoint = Checkpoint::gpt_oss();
        for (name, content) in files {
            checkpoint.write(name, content);
        }
        let (name, content) = files[0].clone();
        Self { checkpoint, name, content }
    }

    fn of_json(tokenizer: &Value) -> Self {
        Self::new(&[("tokenizer.json", serde_json::to_vec(tokenizer).unwrap())])
    }
}

/// The first file of each is changed.
fn seeds() -> Vec<Seed> {
    let small = || serde_json::to_vec(&byte_pairs()).unwrap();
    let config = json!({
        "tokenizer_class": "LlamaTokenizer", "add_bos_token": true, "bos_token": "<s>", "unk_token": {"content": "<unk>", "lstrip": false},
        "added_tokens_decoder": {"3": {"content": "b", "special": true, "lstrip": false, "rstrip": false, "normalized": false, "single_word": false}},
        "additional_special_tokens": ["ab"], "add_prefix_space": true, "legacy": false, "extra_ids": 3, "do_lower_case": true
    });
    let of_class = |class: &str| {
        let mut config = config.clone();
        config["tokenizer_class"] = class.into();
        serde_json::to_vec(&config).unwrap()
    };
    let golden = |model: &str| file(&format!("tests/golden/{model}/tokenizer.json"));
    vec![
        Seed::new(&[("tokenizer.json", golden("gpt2-tiny"))]),
        Seed::new(&[("tokenizer.json", golden("gpt-oss-tiny"))]),
        Seed::of_json(&byte_pairs()),
        Seed::of_json(&unigram()),
        Seed::of_json(&words("WordPiece")),
        Seed::of_json(&words("WordLevel")),
        Seed::new(&[("tokenizer_config.json", of_class("LlamaTokenizer")), ("tokenizer.json", small())]),
        Seed::new(&[("tokenizer_config.json", of_class("GPT2Tokenizer")), ("tokenizer.json", small())]),
        Seed::new(&[
            ("tokenizer.model", sentencepiece()),
            ("tokenizer_config.json", of_class("T5Tokenizer")),
        ]),
        Seed::new(&[
            ("vocab.json", b"{\"<unk>\":0,\"a\":1,\"b\":2,\"ab\":3,\"<|endoftext|>\":4}".to_vec()),
            ("merges.txt", b"#version: 0.2\na b\n".to_vec()),
        ]),
        Seed::new(&[
            ("merges.txt", b"#version: 0.2\na b\n".to_vec()),
            ("vocab.json", b"{\"<unk>\":0,\"a\":1,\"b\":2,\"ab\":3,\"<|endoftext|>\":4}".to_vec()),
        ]),
    ]
}

#[test]
fn tokenizer() {
    let seeds = seeds();
    for seed in &seeds {
        load(seed.checkpoint.path()).unwrap();
    }
    let (count, seeds) = (seeds.len(), Mutex::new(seeds));
    run("tokenizer", 2500, &(0..count, changes()), |(which, changes)| {
        let seed = &seeds.lock().unwrap_or_else(std::sync::PoisonError::into_inner)[*which];
        let changed = apply(changes, &seed.content);
        keep(seed.name, &changed);
        seed.checkpoint.write(seed.name, &changed);
        let model = match load(seed.checkpoint.path()) {
            Ok(model) => model,
            Err(error) => return said(&error),
        };
        for prompt in PROMPTS {
            match model.tokenize(prompt) {
                Ok(tokens) => {
                    for token in tokens {
                        // A token may be a part of a character.
                        let span = &token.span;
                        prop_assert!(
                            span.start <= span.end && span.end <= prompt.len(),
                            "{token:?} of {prompt:?}"
                        );
                    }
                }
                Err(error) => said(&error)?,
            }
        }
        let _ = (0..600).map(|id| model.token(id).text.len()).sum::<usize>();
        Ok(())
    });
}

fn vocabulary(pieces: &[&str]) -> Map<String, Value> {
    pieces.iter().enumerate().map(|(id, piece)| ((*piece).to_owned(), json!(id))).collect()
}

fn special(id: u32, content: &str) -> Value {
    json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": true, "normalized": false, "special": true})
}

fn template() -> Value {
    json!({"type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
        "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}})
}

/// Every part that tokenizers have, in a few lines: what is changed in it is nearly always something that matters.
fn byte_pairs() -> Value {
    let pieces =
        ["<unk>", "<s>", "a", "b", "▁", "▁a", "ab", "t", "e", "<0x0A>", "<0xE6>", "<0x97>", "<0xA5>"];
    json!({
        "version": "1.0", "truncation": {"direction": "Right", "max_length": 8, "strategy": "LongestFirst", "stride": 0}, "padding": null,
        "added_tokens": [special(0, "<unk>"), special(1, "<s>")],
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Prepend", "prepend": "▁"},
            {"type": "Replace", "pattern": {"Regex": " "}, "content": "▁"},
            {"type": "NFKC"}
        ]},
        "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "\\s+"}, "behavior": "Isolated", "invert": false},
        "post_processor": template(),
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": 1, "stop": 0}
        ]},
        "model": {"type": "BPE", "dropout": null, "unk_token": "<unk>", "continuing_subword_prefix": null, "end_of_word_suffix": null,
            "fuse_unk": true, "byte_fallback": true, "ignore_merges": false, "vocab": vocabulary(&pieces), "merges": [["▁", "a"], ["a", "b"]]}
    })
}

/// SentencePiece's rules that change nothing: a tree without branches.
fn charsmap() -> Vec<u8> {
    [&1024u32.to_le_bytes()[..], &[0; 1024], b"\0"].concat()
}

fn unigram() -> Value {
    let pieces: Vec<Value> = ["<unk>", "<s>", "▁", "▁a", "a", "s", "t", "story"]
        .iter()
        .enumerate()
        .map(|(at, piece)| json!([piece, -(at as f64)]))
        .collect();
    json!({
        "version": "1.0", "truncation": null, "padding": {"strategy": "BatchLongest", "direction": "Left", "pad_to_multiple_of": null,
            "pad_id": 0, "pad_type_id": 0, "pad_token": "<unk>"},
        "added_tokens": [special(0, "<unk>"), special(1, "<s>")],
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Precompiled", "precompiled_charsmap": STANDARD.encode(charsmap())},
            {"type": "Replace", "pattern": {"String": "t"}, "content": "tt"},
            {"type": "Strip", "strip_left": true, "strip_right": false}
        ]},
        "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true},
        "post_processor": {"type": "Sequence", "processors": [template(), {"type": "ByteLevel", "trim_offsets": true, "add_prefix_space": false, "use_regex": true}]},
        "decoder": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true},
        "model": {"type": "Unigram", "unk_id": 0, "byte_fallback": false, "vocab": pieces}
    })
}

/// Of whole words, or of words in pieces.
fn words(kind: &str) -> Value {
    let pieces = ["[UNK]", "[CLS]", "[SEP]", "a", "write", "##s", "##t", "s", "story"];
    let model = match kind {
        "WordPiece" => json!({"type": kind, "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": vocabulary(&pieces)}),
        _ => json!({"type": kind, "unk_token": "[UNK]", "vocab": vocabulary(&pieces)}),
    };
    json!({
        "version": "1.0", "truncation": null, "padding": null,
        "added_tokens": [special(1, "[CLS]"), special(2, "[SEP]")],
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": true},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "BertPreTokenizer"}, {"type": "Punctuation", "behavior": "Isolated"}, {"type": "Digits", "individual_digits": true},
            {"type": "CharDelimiterSplit", "delimiter": "x"}, {"type": "UnicodeScripts"}, {"type": "FixedLength", "length": 5}
        ]},
        "post_processor": {"type": "RobertaProcessing", "sep": ["[SEP]", 2], "cls": ["[CLS]", 1], "trim_offsets": true, "add_prefix_space": false},
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
        "model": model
    })
}

/// A file of SentencePiece: fields with their numbers, and lengths in front of texts.
fn sentencepiece() -> Vec<u8> {
    let field = |number: u8, content: &[u8]| {
        let mut length = content.len();
        let mut out = vec![number << 3 | 2];
        while length >= 128 {
            out.push((length & 127) as u8 | 128);
            length >>= 7;
        }
        out.push(length as u8);
        [&out[..], content].concat()
    };
    let piece = |(text, score, kind): (&str, f32, u8)| {
        let score = score.to_le_bytes();
        field(1, &[&field(1, text.as_bytes())[..], &[2 << 3 | 5], &score, &[3 << 3, kind]].concat())
    };
    let pieces = [("<unk>", 0.0, 2), ("<s>", 0.0, 3), ("</s>", 0.0, 3), ("▁a", -1.0, 1), ("s", -2.0, 1)];
    let trainer = field(2, &[3 << 3, 1]);
    let normalizer = field(3, &field(2, &charsmap()));
    [pieces.map(piece).concat(), trainer, normalizer].concat()
}
