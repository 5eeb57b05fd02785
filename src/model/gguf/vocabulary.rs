//! What the keys say of the tokenizer.

use std::collections::BTreeMap;

use super::keys::Keys;
use super::{Array, GgufError, Parts, Value};

/// The vocabulary of a file, as it lies there.
#[derive(Debug)]
pub struct Vocabulary<'a> {
    /// How text is cut into tokens: `gpt2`, `llama`.
    pub model: &'a str,
    /// How text is split before, of byte-level models.
    pub pre: &'a str,
    /// What each token is written as.
    pub tokens: Vec<&'a str>,
    /// What each is.
    pub kinds: Vec<TokenKind>,
    /// How early each is made of its parts, the highest first; empty if there are none.
    pub scores: Vec<f32>,
    /// Pairs of tokens that become one, the first first, each with a blank between.
    pub merges: Vec<&'a str>,
    /// What a text begins with.
    pub bos: Option<u32>,
    /// What it ends with.
    pub eos: Option<u32>,
    /// What stands for anything else.
    pub unknown: Option<u32>,
    /// Whether each text gets them; where the file says nothing, that depends on the model.
    pub add_bos: Option<bool>,
    /// The same.
    pub add_eos: Option<bool>,
    /// Whether a blank is put in front of a text.
    pub add_space_prefix: Option<bool>,
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// A piece of text.
    Normal,
    /// What stands for anything else.
    Unknown,
    /// Never a part of a text: the beginning, the end.
    Control,
    /// A piece that is found before all others.
    UserDefined,
    /// None.
    Unused,
    /// A byte that no other piece has.
    Byte,
}

impl TokenKind {
    /// By the number that files have for it; unknown ones are pieces of text.
    fn numbered(number: u64) -> Self {
        match number {
            2 => Self::Unknown,
            3 => Self::Control,
            4 => Self::UserDefined,
            5 => Self::Unused,
            6 => Self::Byte,
            _ => Self::Normal,
        }
    }
}

impl<'a> Vocabulary<'a> {
    /// The special tokens that have a name (`bos_token`), by that.
    pub fn named(&self) -> BTreeMap<String, String> {
        let ids = [("bos_token", self.bos), ("eos_token", self.eos), ("unk_token", self.unknown)];
        let text = |id: u32| self.tokens.get(id as usize).copied();
        ids.into_iter().filter_map(|(name, id)| Some((name.to_owned(), text(id?)?.to_owned()))).collect()
    }

    /// Reads the keys; `None` if the file has no tokenizer.
    ///
    /// # Errors
    /// If a key is missing or not what it may be.
    pub fn read(parts: &Parts<'a>) -> Result<Option<Self>, GgufError> {
        let keys = Keys { parts, prefix: "tokenizer.ggml" };
        let model = keys.read("model", "a text", Value::as_str)?;
        let Some(model) = model.filter(|model| !["none", "no_vocab"].contains(model)) else {
            return Ok(None);
        };
        let texts = |value: &Value<'a>| value.as_array()?.texts().map(Iterator::collect::<Vec<_>>);
        let tokens = keys.read("tokens", "an array of texts", texts)?;
        let tokens = tokens.ok_or_else(|| GgufError::Missing("tokenizer.ggml.tokens".to_owned()))?;
        let numbers = |value: &Value<'a>| {
            value
                .as_array()?
                .iter()
                .map(|number| Some(TokenKind::numbered(number.as_u64()?)))
                .collect::<Option<Vec<_>>>()
        };
        let of_each = format!("an array of {} numbers, one for each token", tokens.len());
        let is_of_each = |array: Array<'_>| array.len() == tokens.len();
        let each = |value: &Value<'a>| value.as_array().is_some_and(is_of_each);
        let kinds = keys.read("token_type", &of_each, |value| numbers(value).filter(|_| each(value)))?;
        let floats = |value: &Value<'a>| {
            value.as_array()?.iter().map(|number| Some(number.as_f64()? as f32)).collect::<Option<Vec<_>>>()
        };
        let scores = keys.read("scores", &of_each, |value| floats(value).filter(|_| each(value)))?;
        let token = |key: &str| {
            let is_there = |id: &u32| (*id as usize) < tokens.len();
            let read = |value: &Value<'a>| u32::try_from(value.as_u64()?).ok();
            let of_it = format!("an id from 0 to {}", tokens.len().saturating_sub(1));
            keys.read(key, &of_it, |value| read(value).filter(is_there))
        };
        let flag = |key: &str| keys.read(key, "true or false", Value::as_bool);
        let (bos, eos, unknown) =
            (token("bos_token_id")?, token("eos_token_id")?, token("unknown_token_id")?);
        Ok(Some(Self {
            model,
            pre: keys.read("pre", "a text", Value::as_str)?.unwrap_or("default"),
            kinds: kinds.unwrap_or_else(|| vec![TokenKind::Normal; tokens.len()]),
            scores: scores.unwrap_or_default(),
            merges: keys.read("merges", "an array of texts", texts)?.unwrap_or_default(),
            bos,
            eos,
            unknown,
            add_bos: flag("add_bos_token")?,
            add_eos: flag("add_eos_token")?,
            add_space_prefix: flag("add_space_prefix")?,
            tokens,
        }))
    }
}
