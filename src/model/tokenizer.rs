//! From a prompt to tokens, as Hugging Face encodes it, and the bytes each token stands for.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tokenizers::Tokenizer;

use super::ModelError;
use super::files::ModelFile;
use super::prompt_limit::{PromptLimit, TooLong};
use crate::attention::Token;

/// A model's tokenizer.
pub struct PromptTokenizer {
    inner: Tokenizer,
    /// Tokens that stand for themselves, such as `<|endoftext|>`.
    added: HashSet<u32>,
    /// The byte that each character of a byte-level vocabulary stands for.
    bytes: HashMap<char, u8>,
    limit: PromptLimit,
}

impl PromptTokenizer {
    /// Reads tokenizer.json.
    ///
    /// # Errors
    /// If it can't be read or is none.
    pub fn open(file: &ModelFile) -> Result<Self, ModelError> {
        let json = file.read()?;
        let broken = |error| ModelError::Invalid(format!("{}: no valid tokenizer: {error}", file.name()));
        let mut inner = guarded(|| Tokenizer::from_bytes(&*json)).map_err(broken)?;
        // A tokenizer may be saved with a length to cut or fill prompts to.
        inner.with_truncation(None).map_err(broken)?.with_padding(None);
        let added = inner.get_added_tokens_decoder().into_keys().collect();
        Ok(Self { inner, added, bytes: byte_characters(), limit: PromptLimit::default() })
    }

    /// Checks that a prompt may be `most` tokens or fewer, without the memory that encoding it takes.
    ///
    /// # Errors
    /// If it can't be.
    pub fn check_length(&self, prompt: &str, most: usize) -> Result<(), TooLong> {
        self.limit.check(&self.inner, prompt, most)
    }

    /// Encodes a prompt, special tokens included.
    ///
    /// # Errors
    /// If the tokenizer refuses it.
    pub fn encode(&self, prompt: &str) -> Result<Vec<Token>, ModelError> {
        let encoding = guarded(|| self.inner.encode(prompt, true))
            .map_err(|error| ModelError::Invalid(format!("the tokenizer refuses this prompt: {error}")))?;
        let named: Vec<Named> = encoding
            .get_ids()
            .iter()
            .zip(encoding.get_tokens())
            .zip(encoding.get_offsets().iter().zip(encoding.get_special_tokens_mask()))
            .map(|((&id, raw), (&(start, end), &special))| Named {
                id,
                raw: raw.clone(),
                offsets: start..end,
                // The template added it; the same token typed in the prompt covers bytes.
                inserted: special == 1 && start == end,
            })
            .collect();
        Ok(self.by_bytes(&named, prompt).unwrap_or_else(|| by_offsets(named, prompt)))
    }

    /// The token of an id.
    pub fn token(&self, id: u32) -> Token {
        match self.inner.id_to_token(id) {
            Some(raw) => {
                let bytes = self.bytes_of(id, &raw).unwrap_or_else(|| raw.clone().into_bytes());
                Token { span: 0..0, ..Token::from_bytes(id, raw, &bytes, 0) }
            }
            None => Token::from_id(id),
        }
    }

    /// The exact bytes of each token, if together they are the prompt's. Unlike the tokenizer's offsets these
    /// keep the leading space, and tell the parts of a split character apart.
    fn by_bytes(&self, named: &[Named], prompt: &str) -> Option<Vec<Token>> {
        let mut rest = prompt.as_bytes();
        let mut tokens = Vec::with_capacity(named.len());
        for Named { id, raw, inserted, .. } in named {
            let bytes = if *inserted { Vec::new() } else { self.bytes_of(*id, raw)? };
            let start = prompt.len() - rest.len();
            rest = rest.strip_prefix(bytes.as_slice())?;
            let token = Token::from_bytes(*id, raw.clone(), &bytes, start);
            tokens.push(if *inserted { Token { text: raw.clone(), ..token } } else { token });
        }
        rest.is_empty().then_some(tokens)
    }

    fn bytes_of(&self, id: u32, raw: &str) -> Option<Vec<u8>> {
        if self.added.contains(&id) {
            return Some(raw.as_bytes().to_vec());
        }
        raw.chars().map(|c| self.bytes.get(&c).copied()).collect()
    }
}

/// The library panics at some files that are no tokenizers.
fn guarded<T>(work: impl FnOnce() -> tokenizers::Result<T>) -> tokenizers::Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err("it makes the library fail".into()))
}

struct Named {
    id: u32,
    raw: String,
    offsets: Range<usize>,
    inserted: bool,
}

/// For tokenizers that are not byte-level, or change the text: what their offsets say.
fn by_offsets(named: Vec<Named>, prompt: &str) -> Vec<Token> {
    let token = |Named { id, raw, offsets, inserted }: Named| match prompt.get(offsets.clone()) {
        Some(text) if !inserted => Token { id, raw, text: text.to_owned(), span: offsets },
        _ => Token { id, text: raw.clone(), raw, span: 0..0 },
    };
    named.into_iter().map(token).collect()
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

    fn demo() -> PromptTokenizer {
        let bytes = include_bytes!("../../tests/golden/gpt2-tiny/tokenizer.json");
        PromptTokenizer::open(&ModelFile::Embedded { name: "test", bytes }).unwrap()
    }

    #[test]
    fn a_space_is_spelled_with_a_dotted_g() {
        let bytes = byte_characters();
        assert_eq!(bytes.len(), 256);
        assert_eq!((bytes[&'Ġ'], bytes[&'Ċ'], bytes[&'a'], bytes[&'é']), (b' ', b'\n', b'a', 0xe9));
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
        assert_eq!(tokens[1].span, 1..14);
    }
}
