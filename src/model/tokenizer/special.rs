//! Tokens that stand for themselves, and what the files beside a vocabulary say of them.
//!
//! Order matters in all of this: what a vocabulary has not yet gets the next id.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Deserialize;
use serde_json::Value;
use tokenizers::AddedToken;

use super::source::{Ordered, Source};
use crate::model::ModelError;

/// The special tokens that every tokenizer may have, in the order in which they are added.
pub const NAMED: [&str; 7] =
    ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

/// A token that is not made of others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Added {
    pub token: AddedToken,
    /// Whether the file left open if it is matched before the text is normalised.
    open: bool,
}

impl Added {
    pub fn new(content: &str, special: bool) -> Self {
        Self { token: AddedToken::from(content, special), open: true }
    }

    pub fn strips_left(mut self) -> Self {
        self.token.lstrip = true;
        self
    }

    pub fn normalized(mut self, normalized: bool) -> Self {
        (self.token.normalized, self.open) = (normalized, false);
        self
    }

    /// As the files write it; `None` if it is no token.
    fn read(value: &Value) -> Option<Self> {
        let flag = |key: &str| value.get(key).and_then(Value::as_bool);
        let mut added = Self::new(value.get("content")?.as_str()?, flag("special").unwrap_or(false));
        added.token.single_word = flag("single_word").unwrap_or(false);
        added.token.lstrip = flag("lstrip").unwrap_or(false);
        added.token.rstrip = flag("rstrip").unwrap_or(false);
        Some(match flag("normalized") {
            Some(normalized) => added.normalized(normalized),
            None => added,
        })
    }

    /// Special tokens are matched as they are written, unless a file says otherwise.
    pub fn made_special(mut self) -> Self {
        self.token.special = true;
        self.token.normalized &= !self.open;
        self
    }
}

/// A special token: its text, or all that there is to say of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Special {
    Text(String),
    Token(Added),
}

impl Special {
    pub fn content(&self) -> &str {
        match self {
            Special::Text(text) => text,
            Special::Token(added) => &added.token.content,
        }
    }

    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(Special::Text(text.clone())),
            value => Added::read(value).map(Special::Token),
        }
    }
}

/// A list of tokens; what is none of them is left out.
fn list(value: &Value) -> Vec<Special> {
    value.as_array().map(|tokens| tokens.iter().filter_map(Special::read).collect()).unwrap_or_default()
}

#[derive(Deserialize)]
struct Numbered {
    id: u32,
    #[serde(flatten)]
    token: Value,
}

/// The part of a tokenizer.json that is read for its added tokens and for what it pads with.
#[derive(Deserialize, Default)]
pub struct Outline {
    #[serde(default)]
    added_tokens: Vec<Numbered>,
    pub padding: Option<Value>,
}

/// All that the files beside a vocabulary say.
#[derive(Debug, Default)]
pub struct Settings {
    options: Vec<(String, Value)>,
    /// Those of [`NAMED`] that are named, if only to say that there is none.
    pub named: BTreeMap<&'static str, Option<Special>>,
    /// Others that have a name, in order.
    others: Others,
    /// `extra_special_tokens`, which counts, even if empty, over `additional_special_tokens`.
    pub extra: Option<Vec<Special>>,
    pub additional: Option<Vec<Special>>,
    /// By the ids that they had when they were saved.
    pub added: BTreeMap<u32, Added>,
}

/// Tokens by names of the user's own, in the order in which they were named first.
#[derive(Debug, Default)]
struct Others {
    list: Vec<(String, Special)>,
    places: HashMap<String, usize>,
}

impl Others {
    /// Gives a name to a token, and takes it from the one that had it.
    fn set(&mut self, key: String, token: Special) {
        match self.places.get(&key) {
            Some(&place) => self.list[place].1 = token,
            None => {
                self.places.insert(key.clone(), self.list.len());
                self.list.push((key, token));
            }
        }
    }
}

impl Settings {
    /// Reads tokenizer_config.json, and what else counts beside it.
    pub fn read(source: &Source<'_>, outline: Option<Outline>) -> Result<Self, ModelError> {
        let config: Ordered = source.json("tokenizer_config.json")?.unwrap_or_default();
        let mut settings = Self::default();
        let mut saved = None;
        let (mut others, mut extras) = (Vec::new(), Vec::new());
        let mut named_in_config = Vec::new();
        for (key, value) in config.0 {
            match key.as_str() {
                "tokenizer_class" => {}
                // The post-processor in tokenizer.json says it.
                "add_bos_token" | "add_eos_token" if outline.is_some() => {}
                "added_tokens_decoder" => saved = value.as_object().cloned(),
                "extra_special_tokens" => match &value {
                    Value::Object(_) => extras = names(source)?,
                    list_or_null => settings.extra = Some(list(list_or_null)),
                },
                "additional_special_tokens" => settings.additional = Some(list(&value)),
                _ => match (NAMED.iter().find(|name| **name == key), value) {
                    (Some(name), Value::Null) => drop(settings.named.insert(name, None)),
                    (Some(name), value) => {
                        if value.is_object() {
                            named_in_config.push(*name);
                        }
                        settings.named.insert(name, Special::read(&value));
                    }
                    (None, Value::String(text)) if key.ends_with("_token") => {
                        others.push((key, Special::Text(text)));
                    }
                    (None, value @ Value::Object(_)) if key.ends_with("_token") => {
                        if let Some(token) = Special::read(&value) {
                            settings.others.set(key, token);
                        }
                    }
                    (None, value) => settings.options.push((key, value)),
                },
            }
        }
        if settings.additional.is_some() && settings.extra.as_ref().is_none_or(Vec::is_empty) {
            settings.extra = settings.additional.take();
        }
        match saved {
            Some(saved) => {
                for (id, token) in saved {
                    let read = id.parse().ok().zip(Added::read(&token));
                    let what = format!("added_tokens_decoder: {id:?} is no id of a token");
                    let (id, token) = read.ok_or_else(|| source.invalid("tokenizer_config.json", what))?;
                    settings.added.insert(id, token);
                }
            }
            None => settings.read_legacy(source, outline, &mut named_in_config)?,
        }
        for (key, token) in others.into_iter().chain(extras) {
            settings.others.set(key, token);
        }
        settings.describe_named();
        Ok(settings)
    }

    /// The files that older versions wrote; one that wrote `added_tokens_decoder` needs none of them.
    fn read_legacy(
        &mut self,
        source: &Source<'_>,
        outline: Option<Outline>,
        unread: &mut Vec<&'static str>,
    ) -> Result<(), ModelError> {
        let map: Ordered = source.json("special_tokens_map.json")?.unwrap_or_default();
        for (key, value) in map.0 {
            let token = Special::read(&value).map(|token| match token {
                Special::Token(added) => Special::Token(added.made_special()),
                text => text,
            });
            match (key.as_str(), NAMED.iter().find(|name| **name == key)) {
                (_, Some(name)) => {
                    unread.retain(|other| other != name);
                    self.named.insert(name, token);
                }
                ("extra_special_tokens", _) if value.is_array() => {
                    let extra = self.extra.get_or_insert_default();
                    let mut known: HashSet<Special> = extra.iter().cloned().collect();
                    extra.extend(list(&value).into_iter().filter(|token| known.insert(token.clone())));
                }
                ("additional_special_tokens", _) => self.additional = Some(list(&value)),
                _ => {
                    if let Some(token) = token.filter(|_| key.ends_with("_token")) {
                        self.others.set(key, token);
                    }
                }
            }
        }
        let named = self.named.iter().filter(|(name, _)| !unread.contains(name));
        let named = named.filter_map(|(_, token)| token.as_ref());
        let special: HashSet<&str> = named.chain(self.extra.iter().flatten()).map(Special::content).collect();
        let added: Ordered = source.json("added_tokens.json")?.unwrap_or_default();
        let mut read = BTreeMap::new();
        for (token, id) in added.0 {
            let number = id.as_u64().and_then(|id| u32::try_from(id).ok());
            let what = format!("{token:?} has the id {id}, which is none");
            let id = number.ok_or_else(|| source.invalid("added_tokens.json", what))?;
            let special = special.contains(token.as_str());
            read.insert(id, Added::new(&token, special).normalized(!special));
        }
        self.added.append(&mut read);
        for Numbered { id, token } in outline.into_iter().flat_map(|outline| outline.added_tokens) {
            self.added.extend(Added::read(&token).map(|token| (id, token)));
        }
        Ok(())
    }

    /// A named token is what the list of added tokens says of it.
    fn describe_named(&mut self) {
        for token in self.named.values_mut().flatten() {
            let known = self.added.values().rev().find(|added| added.token.content == token.content());
            if let Some(known) = known {
                *token = Special::Token(known.clone());
            }
        }
    }

    /// Whether a key of tokenizer_config.json counts here.
    pub fn has(&self, key: &str) -> bool {
        self.option(key).is_some()
    }

    pub fn option(&self, key: &str) -> Option<&Value> {
        self.options.iter().rev().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    /// A key that is true or false; `None` if it is neither.
    pub fn flag(&self, key: &str) -> Option<bool> {
        self.option(key)?.as_bool()
    }

    /// The text of a named token.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.named.get(name)?.as_ref().map(Special::content)
    }

    /// Names a token unless it is named, if only to say that there is none.
    pub fn default_name(&mut self, name: &'static str, token: Option<Special>) {
        self.named.entry(name).or_insert(token);
    }

    /// What CodeLlama has besides: tokens around a gap to be filled, and one at the beginning unless a file says no.
    pub fn name_infilling(&mut self) {
        let tokens = [
            ("prefix_token", "▁<PRE>"),
            ("middle_token", "▁<MID>"),
            ("suffix_token", "▁<SUF>"),
            ("eot_token", "▁<EOT>"),
            ("fill_token", "<FILL_ME>"),
        ];
        let before = std::mem::take(&mut self.others);
        let named = tokens.map(|(name, text)| (name.to_owned(), Special::Text(text.to_owned())));
        for (key, token) in named.into_iter().chain(before.list) {
            self.others.set(key, token);
        }
        if !self.has("add_bos_token") {
            self.options.push(("add_bos_token".to_owned(), Value::Bool(true)));
        }
    }

    /// The tokens that have a name, in order.
    pub fn specials(&self) -> impl Iterator<Item = &Special> {
        let named = NAMED.iter().filter_map(|name| self.named.get(name)?.as_ref());
        named.chain(self.others.list.iter().map(|(_, token)| token))
    }

    /// The texts of the tokens that have a name.
    pub fn names(&self) -> BTreeMap<String, String> {
        let named = self.named.iter().filter_map(|(name, token)| Some(((*name).to_owned(), token.as_ref()?)));
        let others = self.others.list.iter().map(|(name, token)| (name.clone(), token));
        named.chain(others).map(|(name, token)| (name, token.content().to_owned())).collect()
    }

    /// Those that have none.
    pub fn extras(&self) -> &[Special] {
        self.extra.as_ref().or(self.additional.as_ref()).map_or(&[], Vec::as_slice)
    }
}

/// `extra_special_tokens` that have names, in order.
fn names(source: &Source<'_>) -> Result<Vec<(String, Special)>, ModelError> {
    #[derive(Deserialize)]
    struct Extras {
        extra_special_tokens: Ordered,
    }
    let extras: Option<Extras> = source.json("tokenizer_config.json")?;
    let entries = extras.into_iter().flat_map(|extras| extras.extra_special_tokens.0);
    Ok(entries.filter_map(|(key, value)| Some((key, Special::read(&value)?))).collect())
}
