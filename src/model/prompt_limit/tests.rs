use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// As GPT-2's.
fn by_bytes() -> Tokenizer {
    Tokenizer::from_bytes(include_bytes!("../../../tests/golden/gpt2-tiny/tokenizer.json")).unwrap()
}

/// As Llama's and Gemma's: a space is ▁, and what is in no piece is bytes.
fn by_pieces(normalizer: &Value, fallback: bool) -> Tokenizer {
    let mut vocabulary = serde_json::Map::new();
    let bytes = (0..=255u8).map(|byte| format!("<0x{byte:02X}>"));
    let pieces = ["▁", "a", "b", "▁a", "▁▁", "ab", "▁ab", "▁▁▁▁", "aa", "aaaa", "é"].map(str::to_owned);
    for piece in bytes.chain(pieces) {
        vocabulary.insert(piece, json!(vocabulary.len()));
    }
    let merges = ["▁ a", "▁ ▁", "a b", "▁ ab", "▁▁ ▁▁", "a a", "aa aa"];
    let tokenizer = json!({
        "added_tokens": [
            {"id": 300, "content": "<end>", "single_word": false, "lstrip": false, "rstrip": true, "normalized": false, "special": true}
        ],
        "normalizer": normalizer,
        "model": {"type": "BPE", "vocab": vocabulary, "merges": merges, "byte_fallback": fallback, "unk_token": "a", "fuse_unk": true}
    });
    Tokenizer::from_bytes(tokenizer.to_string()).unwrap()
}

fn llama() -> Tokenizer {
    let replace = json!({"type": "Replace", "pattern": {"String": " "}, "content": "▁"});
    let prepend = json!({"type": "Prepend", "prepend": "▁"});
    by_pieces(&json!({"type": "Sequence", "normalizers": [prepend, replace]}), true)
}

fn all() -> Vec<Tokenizer> {
    let strip = json!({"type": "Strip", "strip_left": true, "strip_right": true});
    let nothing = json!({"type": "Replace", "pattern": {"Regex": "[^a]"}, "content": ""});
    let nfc = json!({"type": "NFC"});
    let mut all = vec![by_bytes(), llama()];
    all.extend([json!(null), strip, nothing, nfc].iter().map(|normalizer| by_pieces(normalizer, true)));
    all.push(by_pieces(&json!(null), false));
    all
}

fn tokens(tokenizer: &Tokenizer, prompt: &str) -> usize {
    tokenizer.encode(prompt, true).unwrap().len()
}

proptest! {
    #[test]
    fn what_fits_is_never_refused(prompt in "(a{1,9}| {1,9}|e\u{301}|é|日|▁{1,3}|ab|the |<end>|<\\|endoftext\\|>|\n|.){0,60}") {
        for tokenizer in all() {
            let tokens = tokens(&tokenizer, &prompt);
            let found = PromptLimit::default().check(&tokenizer, &prompt, tokens);
            prop_assert_eq!(found, Ok(()), "{} tokens: {:?}", tokens, prompt);
        }
    }
}

#[test]
fn what_is_too_long_is_refused_at_once() {
    let started = Instant::now();
    for tokenizer in [by_bytes(), llama(), by_pieces(&json!({"type": "NFC"}), true)] {
        for text in ["a", " ", "a b", "\n", "<|endoftext|>"] {
            let prompt = text.repeat(10_000_000 / text.len());
            let limit = PromptLimit::default();
            assert_eq!(limit.check(&tokenizer, &prompt, 1024), Err(TooLong::Tokens), "{text:?}");
        }
    }
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

#[test]
fn the_bound_is_what_the_longest_pieces_would_be() {
    let limit = PromptLimit::default();
    let llama = llama();
    // Four blanks are the longest piece of blanks.
    let blanks = " ".repeat(4 * 25);
    assert_eq!(limit.check(&llama, &blanks, 25), Ok(()));
    assert_eq!(limit.check(&llama, &blanks, 24), Err(TooLong::Tokens));
    let measure = Measure::of(&llama).unwrap();
    let least = |text: &str| measure.pieces.least(text.as_bytes(), 99);
    assert_eq!(
        [least(""), least("aaaa"), least("aaaab"), least(" ab"), least("zz")],
        [0, 1, 2, 1, 2].map(Some)
    );
}

#[test]
fn a_tokenizer_that_may_drop_text_is_only_kept_from_taking_all_memory() {
    let strip = by_pieces(&json!({"type": "Strip", "strip_left": true, "strip_right": true}), true);
    let unknown = by_pieces(&json!(null), false);
    for tokenizer in [strip, unknown] {
        assert!(Measure::of(&tokenizer).is_none());
        let limit = PromptLimit::default();
        assert_eq!(limit.check(&tokenizer, &" ".repeat(MOST_BYTES), 8), Ok(()));
        assert_eq!(limit.check(&tokenizer, &" ".repeat(MOST_BYTES + 1), 8), Err(TooLong::Bytes));
    }
}

#[test]
fn a_token_may_take_the_blanks_after_it() {
    let llama = llama();
    let prompt = format!("<end>{}", " ".repeat(500));
    assert_eq!(tokens(&llama, &prompt), 1);
    assert_eq!(PromptLimit::default().check(&llama, &prompt, 1), Ok(()));
}
