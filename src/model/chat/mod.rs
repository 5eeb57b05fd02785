//! A model's chat template: the text around the turns of a conversation, as transformers' `apply_chat_template` writes
//! it from the same files.
//!
//! A template is a program that somebody else wrote. It is run by `render` within bounds of time and memory.

mod bounds;
mod files;
mod json;
mod namespaces;
mod render;
mod tags;
mod template;
#[cfg(test)]
mod tests;

use crate::vocabulary::Conversation;

pub use files::{of_gguf, read};
pub use template::ChatTemplate;

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
