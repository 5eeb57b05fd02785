//! Folders of tokenizer files, and the ids that transformers gives for each: see tests/tokenizers/generate.py.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use serde::Deserialize;
use serde_json::Value;

use super::*;

#[derive(Deserialize)]
struct Cases {
    prompts: Vec<String>,
    files: BTreeMap<String, Value>,
    cases: BTreeMap<String, Case>,
}

#[derive(Deserialize)]
struct Case {
    config: Value,
    files: BTreeMap<String, Value>,
    ids: Option<Vec<Vec<u32>>>,
    refused: Option<String>,
}

fn cases() -> Cases {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tokenizers/cases.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn bytes(content: &Value) -> Vec<u8> {
    match (content, content.get("base64")) {
        (_, Some(base64)) => {
            base64::engine::general_purpose::STANDARD.decode(base64.as_str().unwrap()).unwrap()
        }
        (Value::String(text), None) => text.clone().into_bytes(),
        (json, None) => serde_json::to_vec(json).unwrap(),
    }
}

/// A folder with these files.
fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

fn opened(folder: &Path, family: &str) -> Result<Opened, ModelError> {
    let there = |name: &str| Some(folder.join(name)).filter(|path| path.is_file()).map(ModelFile::Path);
    let files = TokenizerFiles::gather(|name| Ok::<_, ModelError>(there(name)))?;
    PromptTokenizer::open(&files, &ModelFile::Path(folder.join("config.json")), family)
}

fn ready(files: &[(&str, &[u8])]) -> Box<PromptTokenizer> {
    let folder = folder(&[files, &[("config.json", b"{}")]].concat());
    match opened(folder.path(), "gpt2") {
        Ok(Opened::Ready(tokenizer)) => tokenizer,
        Ok(Opened::Missing(why)) => panic!("{why}"),
        Err(error) => panic!("{error}"),
    }
}

/// The error or the reason why there is no tokenizer.
fn complaint(files: &[(&str, &[u8])]) -> String {
    let folder = folder(&[files, &[("config.json", b"{}")]].concat());
    match opened(folder.path(), "gpt2") {
        Ok(Opened::Ready(tokenizer)) => match tokenizer.encode("a prompt") {
            Ok(tokens) => panic!("{tokens:?}"),
            Err(error) => error.to_string(),
        },
        Ok(Opened::Missing(why)) => why,
        Err(error) => error.to_string(),
    }
}

#[test]
fn ids_are_those_of_transformers() {
    let cases = cases();
    let mut wrong = Vec::new();
    for (name, case) in &cases.cases {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.json"), bytes(&case.config)).unwrap();
        for (file, content) in &case.files {
            let shared = content.as_str().and_then(|name| cases.files.get(name));
            std::fs::write(folder.path().join(file), bytes(shared.unwrap_or(content))).unwrap();
        }
        let family = case.config["model_type"].as_str().unwrap();
        let tokenizer = match (opened(folder.path(), family), &case.ids) {
            (Ok(Opened::Ready(tokenizer)), Some(_)) => tokenizer,
            (Ok(Opened::Ready(tokenizer)), None) => {
                // What transformers can't load may work here, but nothing may come of it silently.
                if cases.prompts.iter().all(|prompt| tokenizer.encode(prompt).is_ok())
                    && !case.refused.as_ref().unwrap().contains("dict")
                {
                    wrong.push(format!(
                        "{name}: works, but not in transformers: {}",
                        case.refused.as_ref().unwrap()
                    ));
                }
                continue;
            }
            (Ok(Opened::Missing(why)), Some(_)) => {
                wrong.push(format!("{name}: {why}"));
                continue;
            }
            (Err(error), Some(_)) => {
                wrong.push(format!("{name}: {error}"));
                continue;
            }
            (_, None) => continue,
        };
        for (prompt, expected) in cases.prompts.iter().zip(case.ids.as_ref().unwrap()) {
            let tokens = match tokenizer.encode(prompt) {
                Ok(tokens) => tokens,
                Err(error) => {
                    wrong.push(format!("{name}: {prompt:?}: {error}"));
                    continue;
                }
            };
            let ids: Vec<u32> = tokens.iter().map(|token| token.id).collect();
            if ids != *expected {
                wrong.push(format!("{name}: {prompt:?}: {ids:?}, not {expected:?}"));
                break;
            }
            let spans: Vec<_> =
                tokens.iter().map(|token| &token.span).filter(|span| !span.is_empty()).collect();
            if spans.windows(2).any(|pair| pair[0].end > pair[1].start)
                || spans.last().is_some_and(|last| last.end > prompt.len())
            {
                wrong.push(format!("{name}: {prompt:?}: {spans:?} overlap"));
            }
            let emoji = |text: &str| text.matches('🙂').count();
            let shown: usize = tokens.iter().map(|token| emoji(&token.text)).sum();
            if shown > emoji(prompt) {
                wrong.push(format!("{name}: {prompt:?}: an emoji is there {shown} times"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn demo() -> Box<PromptTokenizer> {
    ready(&[("tokenizer.json", include_bytes!("../../../tests/golden/gpt2-tiny/tokenizer.json"))])
}

#[test]
fn spans_cover_the_prompt_without_gaps() {
    for prompt in ["write a story about AI", " é漢字 🙂\u{301}\n\t", "a<|endoftext|>b"] {
        let tokens = demo().encode(prompt).unwrap();
        let mut at = 0;
        for token in &tokens {
            assert_eq!(token.span.start, at, "{prompt:?}");
            at = token.span.end;
        }
        assert_eq!(at, prompt.len());
    }
}

#[test]
fn a_special_token_that_was_typed_is_one_token() {
    let tokens = demo().encode("a<|endoftext|>b").unwrap();
    assert_eq!(tokens[1].raw, "<|endoftext|>");
    assert_eq!(tokens.iter().map(|token| token.is_special).collect::<Vec<_>>(), [false, true, false]);
    assert!(demo().token(tokens[1].id).is_special);
    assert_eq!(tokens[1].span, 1..14);
}

/// The files of a case, and its tokenizer.
fn of_case(name: &str) -> Box<PromptTokenizer> {
    let cases = cases();
    let files = cases.cases[name].files.iter().map(|(file, content)| {
        let shared = content.as_str().and_then(|name| cases.files.get(name));
        (file.clone(), bytes(shared.unwrap_or(content)))
    });
    let files: Vec<(String, Vec<u8>)> = files.collect();
    let files: Vec<(&str, &[u8])> =
        files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    ready(&files)
}

fn texts(tokenizer: &PromptTokenizer, prompt: &str) -> Vec<String> {
    tokenizer.encode(prompt).unwrap().into_iter().map(|token| token.text).collect()
}

#[test]
fn the_bytes_of_an_emoji_are_one_emoji_together() {
    for case in
        ["llama.json with LlamaTokenizer", "bpe-bytes.model LlamaTokenizer", "bytes.json GPT2Tokenizer"]
    {
        let tokenizer = of_case(case);
        let tokens = tokenizer.encode("a 🙂 b").unwrap();
        let covered = |token: &&Token| token.span.start < 6 && token.span.end > 2;
        let parts: Vec<Token> = tokens.iter().filter(covered).cloned().collect();
        assert!(parts.len() > 1, "{case}");
        assert!(parts.iter().all(|part| part.splits_a_character()), "{case}: {parts:?}");
        assert_eq!(Token::joined_label(&parts), "🙂", "{case}");
        let spans: Vec<usize> =
            tokens.iter().filter(|t| !t.span.is_empty()).flat_map(|t| t.span.clone()).collect();
        assert_eq!(spans, (0..8).collect::<Vec<_>>(), "{case}: every byte once");
    }
}

#[test]
fn blanks_go_with_the_word_behind_them() {
    let llama = of_case("bpe-bytes.model LlamaTokenizer");
    assert_eq!(texts(&llama, "write the hat").concat(), "write the hat");
    let t5 = of_case("t5 rinna");
    assert_eq!(texts(&t5, "write  the").concat(), "write  the</s>");
    let bert = of_case("vocab.txt {}");
    assert_eq!(texts(&bert, "Write the CAFÉ"), ["[CLS]", "Write", " the", " CAFÉ", "[SEP]"]);
}

#[test]
fn a_token_is_appended_as_it_is_read_again() {
    for (case, prompt) in [
        ("bpe-bytes.model LlamaTokenizer", "write the hat"),
        ("t5 rinna", "write the"),
        ("vocab.txt {}", "write the 日本 leading, [MASK]"),
    ] {
        let tokenizer = of_case(case);
        let tokens = tokenizer.encode(prompt).unwrap();
        let read: Vec<u32> = tokens.iter().map(|token| token.id).collect();
        let written: String =
            tokens.iter().filter(|t| !t.span.is_empty()).map(|t| tokenizer.token(t.id).text).collect();
        let again: Vec<u32> =
            tokenizer.encode(written.trim_start()).unwrap().iter().map(|token| token.id).collect();
        assert_eq!(again, read, "{case}: {written:?}");
    }
    let llama = of_case("bpe-bytes.model LlamaTokenizer");
    let newline = llama.encode("\n").unwrap().pop().unwrap();
    assert_eq!((newline.raw.as_str(), llama.token(newline.id).text.as_str()), ("<0x0A>", "\n"));
}

#[test]
fn what_stands_for_a_file_is_named() {
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 5\n".as_slice();
    let config = br#"{"tokenizer_class": "T5Tokenizer"}"#.as_slice();
    assert!(complaint(&[("tokenizer.json", pointer)]).contains("tokenizer.json: is a Git LFS pointer"));
    assert!(complaint(&[("tokenizer_config.json", config), ("spiece.model", pointer)]).contains("Git LFS"));
    assert!(
        complaint(&[("vocab.json", b"{}"), ("merges.txt", pointer)]).contains("merges.txt: is a Git LFS")
    );
}

#[test]
fn what_is_missing_is_named() {
    let nothing = complaint(&[]);
    assert!(nothing.contains("tokenizer.json") && nothing.contains("merges.txt"), "{nothing}");
    let alone = complaint(&[("vocab.json", b"{\"a\": 0}")]);
    assert!(alone.contains("merges.txt is missing"), "{alone}");
    let other = complaint(&[("spiece.model", b"x")]);
    assert!(other.contains("spiece.model") && other.contains("tokenizer_class"), "{other}");
    let unknown = br#"{"tokenizer_class": "GPTSw3Tokenizer"}"#.as_slice();
    assert!(
        complaint(&[("tokenizer_config.json", unknown), ("spiece.model", b"x")]).contains("GPTSw3Tokenizer")
    );
}

#[test]
fn what_cannot_be_honoured_is_said() {
    let json = include_bytes!("../../../tests/golden/gpt2-tiny/tokenizer.json").as_slice();
    let config = br#"{"tokenizer_class": "WhisperTokenizer", "auto_map": {"AutoTokenizer": ["a.B", null]}}"#
        .as_slice();
    let tokenizer = ready(&[("tokenizer.json", json), ("tokenizer_config.json", config)]);
    let [code, class] = tokenizer.notes() else { panic!("{:?}", tokenizer.notes()) };
    assert!(code.contains("auto_map") && class.contains("WhisperTokenizer"));
    assert!(demo().notes().is_empty());
    let version = br#"{"fast_tokenizer_files": ["tokenizer.json", "tokenizer.4.0.0.json"]}"#.as_slice();
    assert!(
        complaint(&[("tokenizer.json", json), ("tokenizer_config.json", version)])
            .contains("tokenizer.4.0.0.json")
    );
}

#[test]
fn hostile_files_are_errors() {
    let json = include_str!("../../../tests/golden/gpt2-tiny/tokenizer.json");
    for length in (0..json.len()).step_by(997) {
        complaint(&[("tokenizer.json", &json.as_bytes()[..length])]);
    }
    for (text, key) in [
        (r#"{"model": {}, "decoder": {"type": "Strip", "content": "\uZZZZ"}}"#, "JSON"),
        (r#"{"model": {"type": "BPE", "vocab": {"a": -1}, "merges": []}}"#, "tokenizer"),
        (
            r#"{"model": {"type": "Unigram", "unk_id": 9, "vocab": [["a", 0.0]]}, "added_tokens": [{"id": -1}]}"#,
            "tokenizer",
        ),
        ("[]", "JSON"),
        ("\u{feff}{}", "JSON"),
        ("{\"added_tokens\": 1}", "JSON"),
    ] {
        let said = complaint(&[("tokenizer.json", text.as_bytes())]);
        assert!(said.contains("tokenizer.json") && said.contains(key), "{text}: {said}");
    }
    let model = br#"{"tokenizer_class": "T5Tokenizer"}"#.as_slice();
    for bytes in [b"".as_slice(), b"\x0a\xff", b"\x0a\x03\x0a\x09a", &[0xff; 64]] {
        complaint(&[("tokenizer_config.json", model), ("spiece.model", bytes)]);
    }
    for config in ["[]", "{\"added_tokens_decoder\": {\"x\": 1}}", "nonsense"] {
        let said =
            complaint(&[("tokenizer.json", json.as_bytes()), ("tokenizer_config.json", config.as_bytes())]);
        assert!(said.contains("tokenizer_config.json"), "{said}");
    }
}
