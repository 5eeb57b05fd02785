//! A model's chat template: the text around the turns of a conversation, as transformers' `apply_chat_template` writes
//! it from the same files.
//!
//! A template is a program that somebody else wrote. It is run by `render` within bounds of time and memory.

mod files;
mod json;
mod render;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::vocabulary::Conversation;

pub use files::read;

/// Where a model's templates stand, for messages.
const PLACES: &str = "chat_template.jinja, and chat_template in tokenizer_config.json";

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

impl ChatTemplate {
    /// The text that the model reads: all turns, what stands before an answer, and how the answer begins.
    ///
    /// # Errors
    /// If the template is broken, refuses the conversation, or goes beyond its bounds: one line that says how to go on.
    pub fn apply(&self, conversation: &Conversation) -> Result<String, String> {
        let mut text = render::render(self, conversation).map_err(|why| {
            let fix = match conversation.system {
                Some(_) => "ask without a system text, or without chat",
                None => "ask without chat",
            };
            format!("{}: the chat template can't be applied: {why}: {fix}", self.place)
        })?;
        text.push_str(&conversation.answer);
        Ok(text)
    }
}

/// Why there is no chat.
pub fn none() -> String {
    format!(
        "no chat template (looked for {PLACES}), base models have none: ask it without chat, or take its chat version"
    )
}
