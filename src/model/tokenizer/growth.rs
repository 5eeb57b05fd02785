//! What a tokenizer's file may make of a text: the library believes the sizes in it, and a few rules, each of which makes
//! a text a hundred times as long, take all memory there is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;
use tokenizers::Tokenizer;

use crate::vocabulary::human_bytes;

/// Times as long as it is that rules may make a text, and bytes that they may add.
const MOST: (u64, u64) = (32, 64 << 10);
/// Bytes that they may make of the longest text.
const LONGEST: u64 = 24 << 20;
/// Times as many tokens that may stand in a prompt as its text has, and tokens that may be added.
const MOST_TOKENS: (u64, u64) = (4, 64 << 10);

/// What of a tokenizer.json is looked at before the library sees it, which normalises the tokens in it.
#[derive(Deserialize)]
pub struct Head {
    #[serde(default)]
    normalizer: Value,
    #[serde(default)]
    added_tokens: Option<Vec<Content>>,
}

#[derive(Deserialize)]
struct Content {
    #[serde(default)]
    content: String,
    #[serde(default)]
    normalized: bool,
}

impl Head {
    /// Checks what the library would believe, or do however long it takes.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        check_charsmaps(&self.normalizer)?;
        let mut growth = Growth::default();
        growth.add_normalizer(&self.normalizer);
        let tokens = self.added_tokens.iter().flatten().filter(|token| token.normalized);
        growth.check_tokens(tokens.map(|token| token.content.as_str()))
    }
}

/// SentencePiece's compiled rules begin with the length of a part of them.
fn check_charsmaps(normalizer: &Value) -> Result<(), String> {
    match normalizer {
        Value::Object(fields) => fields.iter().try_for_each(|(key, value)| match value.as_str() {
            Some(map) if key == "precompiled_charsmap" => check_charsmap(map),
            _ => check_charsmaps(value),
        }),
        Value::Array(values) => values.iter().try_for_each(check_charsmaps),
        _ => Ok(()),
    }
}

fn check_charsmap(map: &str) -> Result<(), String> {
    let broken = || "its precompiled_charsmap is broken".to_owned();
    let bytes = STANDARD.decode(map).map_err(|_| broken())?;
    let (length, rest) = bytes.split_first_chunk().ok_or_else(broken)?;
    if u32::from_le_bytes(*length) as usize <= rest.len() { Ok(()) } else { Err(broken()) }
}

/// How long a text may get before it is cut into tokens, and how many tokens are put around them.
#[derive(Debug, Default)]
pub struct Growth {
    rules: Vec<Rule>,
    frames: Vec<Frame>,
}

/// What a normalizer does to a text. Forms of Unicode do little, and that once.
#[derive(Debug, PartialEq, Eq)]
enum Rule {
    /// Puts so many bytes in front.
    Prepend(u64),
    /// Puts `by` bytes in the place of a match, which has at least so many.
    Replace { of: u64, by: u64 },
}

/// What a post-processor makes of the tokens of a text.
#[derive(Debug, PartialEq, Eq)]
struct Frame {
    /// How often they stand in it.
    copies: u64,
    /// Tokens around them.
    added: u64,
}

impl Growth {
    /// Of a tokenizer as it is used.
    pub fn of(tokenizer: &Tokenizer) -> Self {
        let mut growth = Self::default();
        // What can't be written has no rules that were read.
        if let Some(Ok(normalizer)) = tokenizer.get_normalizer().map(serde_json::to_value) {
            growth.add_normalizer(&normalizer);
        }
        if let Some(Ok(processor)) = tokenizer.get_post_processor().map(serde_json::to_value) {
            growth.add_processor(&processor);
        }
        growth
    }

    /// Checks that a text stays one that can be read.
    ///
    /// # Errors
    /// What would become of it.
    pub fn check(&self, text: &str) -> Result<(), String> {
        let length = text.len() as u64;
        let grown = self.rules.iter().fold(length, |length, rule| rule.after(length));
        if grown > LONGEST.min(MOST.0 * length + MOST.1).max(length) {
            let (grown, length) = (human_bytes(grown), human_bytes(length));
            return Err(format!("its normalizer would make up to {grown} of these {length}"));
        }
        let count =
            |count: u64, frame: &Frame| count.saturating_mul(frame.copies).saturating_add(frame.added);
        let tokens = self.frames.iter().fold(grown, count);
        if tokens > MOST_TOKENS.0 * grown + MOST_TOKENS.1 {
            return Err("its post_processor repeats the prompt, or adds too much to it".to_owned());
        }
        Ok(())
    }

    /// Checks that tokens which are normalised as a text is stay ones that can be kept.
    ///
    /// # Errors
    /// What would become of them.
    pub fn check_tokens<'a>(&self, tokens: impl Iterator<Item = &'a str>) -> Result<(), String> {
        let (mut length, mut grown) = (0, 0u64);
        for token in tokens {
            let bytes = token.len() as u64;
            length += bytes;
            grown = grown.saturating_add(self.rules.iter().fold(bytes, |bytes, rule| rule.after(bytes)));
        }
        if grown > MOST.0 * length + MOST.1 {
            let (grown, length) = (human_bytes(grown), human_bytes(length));
            return Err(format!("its normalizer would make up to {grown} of {length} of added_tokens"));
        }
        Ok(())
    }

    fn add_normalizer(&mut self, normalizer: &Value) {
        let text =
            |key: &str| normalizer.get(key).and_then(Value::as_str).map_or(0, |text| text.len() as u64);
        match kind(normalizer) {
            "Sequence" => parts(normalizer, "normalizers").for_each(|one| self.add_normalizer(one)),
            "Prepend" => self.rules.push(Rule::Prepend(text("prepend"))),
            "Replace" => {
                let literal = normalizer.pointer("/pattern/String").and_then(Value::as_str);
                let of = literal.map_or(0, |literal| literal.len() as u64);
                self.rules.push(Rule::Replace { of, by: text("content") });
            }
            _ => {}
        }
    }

    fn add_processor(&mut self, processor: &Value) {
        match kind(processor) {
            "Sequence" => parts(processor, "processors").for_each(|one| self.add_processor(one)),
            "TemplateProcessing" => {
                let ids = |piece: &Value| {
                    let name = piece.pointer("/SpecialToken/id").and_then(Value::as_str)?;
                    Some(processor.get("special_tokens")?.get(name)?.get("ids")?.as_array()?.len() as u64)
                };
                let copies = parts(processor, "single").filter(|piece| piece.get("Sequence").is_some());
                let added = parts(processor, "single").filter_map(ids);
                self.frames
                    .push(Frame { copies: copies.count() as u64, added: added.fold(0, u64::saturating_add) });
            }
            _ => {}
        }
    }
}

impl Rule {
    /// Bytes that a text of `length` bytes may have after it, at most.
    fn after(&self, length: u64) -> u64 {
        match *self {
            Self::Prepend(bytes) => length.saturating_add(bytes),
            // An expression may match nothing, everywhere.
            Self::Replace { of: 0, by } => length.saturating_add(length.saturating_add(1).saturating_mul(by)),
            Self::Replace { of, by } => {
                length.saturating_add((length / of).saturating_mul(by.saturating_sub(of)))
            }
        }
    }
}

fn kind(part: &Value) -> &str {
    part.get("type").and_then(Value::as_str).unwrap_or_default()
}

fn parts<'a>(part: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    part.get(key).and_then(Value::as_array).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn growth(normalizer: &Value, processor: &Value) -> Growth {
        let mut growth = Growth::default();
        growth.add_normalizer(normalizer);
        growth.add_processor(processor);
        growth
    }

    #[test]
    fn sizes_in_compiled_rules_are_held_against_their_length() {
        let map = |bytes: &[u8]| json!({"normalizers": [{"precompiled_charsmap": STANDARD.encode(bytes)}]});
        assert_eq!(check_charsmaps(&map(b"\x04\0\0\0abcdrest")), Ok(()));
        for broken in [&b"\xff\xff\xff\xff"[..], b"\x05\0\0\0abcd", b"\0\0", b""] {
            assert!(check_charsmaps(&map(broken)).unwrap_err().contains("precompiled_charsmap"));
        }
        assert!(check_charsmaps(&json!({"precompiled_charsmap": "!"})).is_err());
        assert_eq!(check_charsmaps(&json!({"precompiled_charsmap": null})), Ok(()));
    }

    #[test]
    fn usual_rules_are_none_to_fear_and_those_that_multiply_are_refused() {
        let replace =
            |of: &str, by: &str| json!({"type": "Replace", "pattern": {"String": of}, "content": by});
        let sequence = |all: Vec<Value>| json!({"type": "Sequence", "normalizers": all});
        let prepend = json!({"type": "Prepend", "prepend": "▁"});
        let squeeze = json!({"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "});
        let usual = sequence(vec![prepend, replace(" ", "▁"), json!({"type": "NFKC"}), squeeze]);
        let usual = growth(&usual, &Value::Null);
        assert_eq!((usual.check(""), usual.check(&" ".repeat(2 << 20))), (Ok(()), Ok(())));
        let ten = || replace("a", &"a".repeat(100));
        assert_eq!(growth(&sequence(vec![ten()]), &Value::Null).check("a story"), Ok(()));
        for evil in [
            sequence(vec![ten(); 6]),
            sequence(vec![sequence(vec![ten(); 30]), ten()]),
            json!({"type": "Replace", "pattern": {"Regex": ""}, "content": "x".repeat(70_000)}),
            sequence(vec![json!({"type": "Prepend", "prepend": "x".repeat(7_000)}); 10]),
        ] {
            let why = growth(&evil, &Value::Null).check("a story").unwrap_err();
            assert!(why.contains("normalizer") && why.contains("7 bytes"), "{why}");
            let head = json!({"normalizer": evil, "added_tokens": [{"content": "a story", "normalized": true, "id": 1}]});
            let head: Head = serde_json::from_value(head).unwrap();
            assert!(head.check().unwrap_err().contains("7 bytes of added_tokens"));
        }
    }

    #[test]
    fn a_template_neither_repeats_a_prompt_nor_adds_without_end() {
        let text = json!({"Sequence": {"id": "A", "type_id": 0}});
        let special = json!({"SpecialToken": {"id": "<s>", "type_id": 0}});
        let template = |single: Vec<Value>, ids: usize| {
            json!({"type": "Sequence", "processors": [{"type": "TemplateProcessing", "single": single,
                "special_tokens": {"<s>": {"id": "<s>", "ids": vec![1; ids], "tokens": []}}}]})
        };
        let check = |processor: &Value| growth(&Value::Null, processor).check("a story");
        assert_eq!(check(&template(vec![special.clone(), text.clone(), special.clone()], 1)), Ok(()));
        for evil in [template(vec![text.clone(); 10_000], 1), template(vec![special; 1000], 1000)] {
            assert!(check(&evil).unwrap_err().contains("post_processor"));
        }
        let twice = template(vec![text; 1000], 1);
        let nested = json!({"type": "Sequence", "processors": [twice, twice]});
        assert!(check(&nested).is_err());
    }
}
