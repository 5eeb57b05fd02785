//! How a vocabulary spells bytes: as characters of Latin-1 and beyond, as `<0x0A>`, blanks as `▁`.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use tokenizers::Tokenizer;

/// The blank of SentencePiece.
const BLANK: char = '▁';

/// What each token of a vocabulary stands for.
pub struct Spelling {
    /// Tokens that stand for themselves, such as `<|endoftext|>`.
    added: HashSet<u32>,
    way: Way,
    /// Whether a token such as `<0x0A>` stands for that byte.
    byte_tokens: bool,
}

enum Way {
    /// The byte that each character stands for.
    Bytes(HashMap<char, u8>),
    /// As it is read, but for blanks.
    Blanks,
    /// Words, and parts of words behind this.
    Words(String),
    /// As it is read, words ending in this.
    Plain(String),
}

impl Spelling {
    /// That of a tokenizer, by the parts that it has.
    pub fn of(tokenizer: &Tokenizer) -> Self {
        let part = |part: Option<Value>| part.unwrap_or(Value::Null);
        let normalizer = part(tokenizer.get_normalizer().and_then(|it| serde_json::to_value(it).ok()));
        let pre_tokenizer = part(tokenizer.get_pre_tokenizer().and_then(|it| serde_json::to_value(it).ok()));
        let has = |what: &str| mentions(&normalizer, what) || mentions(&pre_tokenizer, what);
        let (model, byte_tokens) = model(tokenizer);
        let way = match model {
            _ if has("ByteLevel") => Way::Bytes(byte_characters()),
            Way::Plain(_) if has("Metaspace") || has("▁") => Way::Blanks,
            other => other,
        };
        let added = tokenizer.get_added_tokens_decoder().into_keys().collect();
        Self { added, way, byte_tokens }
    }

    /// The bytes of a token, if its spelling tells them.
    pub fn bytes(&self, id: u32, raw: &str) -> Option<Vec<u8>> {
        if self.added.contains(&id) {
            return Some(raw.as_bytes().to_vec());
        }
        if let Some(byte) = byte_token(raw).filter(|_| self.byte_tokens) {
            return Some(vec![byte]);
        }
        match &self.way {
            Way::Bytes(bytes) => raw.chars().map(|c| bytes.get(&c).copied()).collect(),
            Way::Blanks => Some(raw.replace(BLANK, " ").into_bytes()),
            Way::Words(prefix) => Some(raw.strip_prefix(prefix.as_str()).unwrap_or(raw).as_bytes().to_vec()),
            Way::Plain(suffix) => Some(raw.strip_suffix(suffix.as_str()).unwrap_or(raw).as_bytes().to_vec()),
        }
    }

    /// The bytes to write after other text, so that this token is read next.
    pub fn appended(&self, id: u32, raw: &str) -> Option<Vec<u8>> {
        let bytes = self.bytes(id, raw)?;
        let begins_word = match &self.way {
            // Punctuation and ideographs are words without a blank around them.
            Way::Words(prefix) => {
                !self.added.contains(&id)
                    && !raw.starts_with(prefix.as_str())
                    && raw.starts_with(|c: char| c.is_alphanumeric() && !is_ideograph(c))
            }
            _ => false,
        };
        Some(if begins_word { [b" ", bytes.as_slice()].concat() } else { bytes })
    }
}

/// The model's own way, and whether it has tokens for bytes.
fn model(tokenizer: &Tokenizer) -> (Way, bool) {
    use tokenizers::ModelWrapper;
    match tokenizer.get_model() {
        ModelWrapper::BPE(bpe) => {
            (Way::Plain(bpe.end_of_word_suffix.clone().unwrap_or_default()), bpe.byte_fallback)
        }
        ModelWrapper::WordPiece(words) => (Way::Words(words.continuing_subword_prefix.clone()), false),
        ModelWrapper::Unigram(unigram) => (Way::Plain(String::new()), unigram.byte_fallback()),
        ModelWrapper::WordLevel(_) => (Way::Plain(String::new()), false),
    }
}

/// Whether a text is somewhere in it.
fn mentions(value: &Value, what: &str) -> bool {
    match value {
        Value::String(text) => text == what,
        Value::Array(all) => all.iter().any(|one| mentions(one, what)),
        Value::Object(all) => all.values().any(|one| mentions(one, what)),
        _ => false,
    }
}

/// The byte of `<0x0A>`.
fn byte_token(raw: &str) -> Option<u8> {
    let digits = raw.strip_prefix("<0x")?.strip_suffix('>')?;
    if digits.len() == 2 { u8::from_str_radix(digits, 16).ok() } else { None }
}

/// What Bert takes for a word of its own.
fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{2fa1f}')
}

/// GPT-2's way to write any byte as a character that can be seen: most of Latin-1 for itself, the others
/// from U+0100 on.
pub fn byte_characters() -> HashMap<char, u8> {
    let mut next = 0x100;
    (0..=255u8)
        .map(|byte| match byte {
            b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff => (char::from(byte), byte),
            _ => {
                next += 1;
                (char::from_u32(next - 1).unwrap_or(char::REPLACEMENT_CHARACTER), byte)
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_space_is_spelled_with_a_dotted_g() {
        let bytes = byte_characters();
        assert_eq!(bytes.len(), 256);
        assert_eq!((bytes[&'Ġ'], bytes[&'Ċ'], bytes[&'a'], bytes[&'é']), (b' ', b'\n', b'a', 0xe9));
    }

    #[test]
    fn a_byte_is_spelled_with_two_digits() {
        assert_eq!(
            ["<0x0A>", "<0xF0>", "<0x0>", "<0xG0>", "0x0A"].map(byte_token),
            [Some(10), Some(240), None, None, None]
        );
    }

    #[test]
    fn a_word_is_appended_with_a_blank_unless_it_needs_none() {
        let way = Way::Words("##".to_owned());
        let spelling = Spelling { added: [9].into(), way, byte_tokens: false };
        let text = |id, raw| String::from_utf8(spelling.appended(id, raw).unwrap()).unwrap();
        assert_eq!(
            (text(1, "story"), text(1, "##ing"), text(1, "日"), text(1, ",")),
            (" story".into(), "ing".into(), "日".into(), ",".into())
        );
        assert_eq!(text(9, "x"), "x");
    }
}
