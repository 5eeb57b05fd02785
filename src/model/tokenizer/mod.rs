//! From a prompt to tokens, as Hugging Face's transformers encode it from the same files, and the bytes each
//! token stands for.

mod around;
mod build;
mod class;
mod gguf;
mod growth;
mod guard;
mod pipeline;
mod protobuf;
mod sentencepiece;
mod source;
mod spans;
mod special;
mod spelling;
mod vocabulary;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use tokenizers::Tokenizer;

use super::ModelError;
use super::files::{LONGEST_CONFIG, ModelFile, TokenizerFiles};
use super::gguf::{Parts, Vocabulary};
use super::json::without_literals;
use super::prompt_limit::{PromptLimit, TooLong};
use crate::attention::Token;
use build::Built;
use growth::Growth;
use guard::guarded;
use source::Source;
use spans::Piece;
use spelling::Spelling;

pub use spelling::byte_characters;

/// A model's tokenizer.
pub struct PromptTokenizer {
    inner: Tokenizer,
    spelling: Spelling,
    notes: Vec<String>,
    named: BTreeMap<String, String>,
    limit: PromptLimit,
    growth: Growth,
}

/// What a model's files make.
pub enum Opened {
    /// A tokenizer.
    Ready(Box<PromptTokenizer>),
    /// None, and why, in a sentence.
    Missing(String),
}

impl PromptTokenizer {
    /// Reads the files of a model of a `family` (`model_type`). `config` is its config.json, which may name a class.
    ///
    /// # Errors
    /// If one of them can't be read, or is not what its name says.
    pub fn open(files: &TokenizerFiles, config: &ModelFile, family: &str) -> Result<Opened, ModelError> {
        // What is wrong with config.json is said by whoever reads it for more than this.
        let config: Option<serde_json::Value> =
            serde_json::from_slice(&without_literals(&config.read(LONGEST_CONFIG)?)).ok();
        let named = config.as_ref().and_then(|config| config.get("tokenizer_class")?.as_str());
        let mut source = Source::new(files);
        Ok(match build::build(&mut source, named, family)? {
            Built::Ready(inner, notes, named) => Self::ready(*inner, notes, named),
            Built::Nothing(why) => Opened::Missing(why),
        })
    }

    /// Reads the vocabulary in a GGUF file of that `name`.
    ///
    /// # Errors
    /// If it is broken, or of a kind that isn't known.
    pub fn from_gguf(parts: &Parts<'_>, name: &str) -> Result<Opened, ModelError> {
        let vocabulary = Vocabulary::read(parts).map_err(gguf::Problem::File);
        let build = |vocabulary: &Vocabulary<'_>| Ok((gguf::build(vocabulary)?, vocabulary.named()));
        let built = vocabulary.and_then(|vocabulary| vocabulary.as_ref().map(build).transpose());
        match built {
            Ok(Some((inner, named))) => Ok(Self::ready(inner, Vec::new(), named)),
            Ok(None) => Ok(Opened::Missing("the file has none".to_owned())),
            Err(gguf::Problem::File(error)) => Err(ModelError::Invalid(format!("{name} {error}"))),
            Err(gguf::Problem::Vocabulary(why)) => {
                Err(ModelError::Invalid(format!("{name} has no valid tokenizer: {why}")))
            }
        }
    }

    fn ready(inner: Tokenizer, notes: Vec<String>, named: BTreeMap<String, String>) -> Opened {
        let spelling = Spelling::of(&inner);
        let (limit, growth) = (PromptLimit::default(), Growth::of(&inner));
        Opened::Ready(Box::new(Self { inner, spelling, notes, named, limit, growth }))
    }

    /// What of the files is not honoured, a sentence each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The special tokens that have a name (`bos_token`), by that.
    pub fn named_tokens(&self) -> &BTreeMap<String, String> {
        &self.named
    }

    /// The id of a token, by how the vocabulary spells it.
    pub fn id_of(&self, raw: &str) -> Option<u32> {
        self.inner.token_to_id(raw)
    }

    /// The id of a special token, by how the vocabulary spells it.
    pub fn special_id(&self, raw: &str) -> Option<u32> {
        self.id_of(raw).filter(|_| self.is_special(raw))
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
    /// If the tokenizer refuses it: why, in a clause.
    pub fn encode(&self, prompt: &str) -> Result<Vec<Token>, String> {
        self.encode_with(prompt, true)
    }

    /// Encodes a text that holds its special tokens already, as chat templates write them: none are added around it.
    ///
    /// # Errors
    /// If the tokenizer refuses it: why, in a clause.
    pub fn encode_templated(&self, text: &str) -> Result<Vec<Token>, String> {
        self.encode_with(text, false)
    }

    fn encode_with(&self, prompt: &str, add_special_tokens: bool) -> Result<Vec<Token>, String> {
        self.growth.check(prompt)?;
        let encoding = guarded(|| self.inner.encode(prompt, add_special_tokens))?;
        let pieces = encoding
            .get_ids()
            .iter()
            .zip(encoding.get_tokens())
            .zip(encoding.get_offsets().iter().zip(encoding.get_special_tokens_mask()))
            .map(|((&id, raw), (&(start, end), &special))| Piece {
                id,
                raw: raw.clone(),
                bytes: self.spelling.bytes(id, raw),
                offsets: start..end,
                // The template added it; the same token typed in the prompt covers bytes.
                inserted: special == 1 && start == end,
            });
        let mut tokens = spans::spread(pieces.collect(), prompt);
        tokens.iter_mut().for_each(|token| token.is_special = self.is_special(&token.raw));
        Ok(tokens)
    }

    /// The token of an id; its text is what to write behind other text for it.
    pub fn token(&self, id: u32) -> Token {
        match self.inner.id_to_token(id) {
            Some(raw) => {
                let bytes = self.spelling.appended(id, &raw).unwrap_or_else(|| raw.clone().into_bytes());
                let is_special = self.is_special(&raw);
                Token { span: 0..0, is_special, ..Token::from_bytes(id, raw, &bytes, 0) }
            }
            None => Token::from_id(id),
        }
    }

    fn is_special(&self, raw: &str) -> bool {
        self.inner.get_added_vocabulary().is_special_token(raw)
    }
}
