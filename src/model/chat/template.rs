//! A template as it was found, and what is said where none was.

use std::collections::BTreeMap;

/// Where a model's templates stand, for messages.
const PLACES: &str =
    "chat_template.jinja, chat_template in tokenizer_config.json, and tokenizer.chat_template in a GGUF file";

/// A model's chat template, not read yet: what is wrong with it is said when somebody wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatTemplate {
    /// Where it stands, for messages.
    pub place: String,
    /// Jinja.
    pub source: String,
    /// The special tokens that it may name, `bos_token` and its like.
    pub tokens: BTreeMap<String, String>,
}

/// Why there is no chat.
pub fn none() -> String {
    format!(
        "no chat template, base models have none: ask it without chat, or take its chat version (looked for {PLACES})"
    )
}
