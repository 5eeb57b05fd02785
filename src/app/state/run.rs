//! The newest prompt that was run, and how it grows.

use crate::app::state::side::Side;
use crate::vocabulary::Conversation;
use crate::worker::protocol::{JobId, Sampling};

/// The newest prompt that was run, and how it grows.
#[derive(Debug, Clone, Default)]
pub struct Run {
    /// Its text.
    pub prompt: String,
    /// Whether models read it in their chat templates.
    pub is_chat: bool,
    /// What the system says before it there.
    pub system: Option<String>,
    /// The job that runs it.
    pub job: JobId,
    /// How next tokens are drawn.
    pub sampling: Sampling,
    /// Whether the prompt grows by the token that is drawn, not by the likeliest.
    pub is_drawn: bool,
    /// Tokens that models write at a time, at most.
    pub most_tokens: usize,
    /// Sides whose marked next tokens wait to be appended, each after the pass that is under way, the next one first.
    pub queued: Vec<Side>,
    /// Texts of tokens that were appended to the prompt since it was written, the newest last.
    pub appended: Vec<String>,
}

impl Run {
    /// The prompt as the user's turn, and tokens that were appended to it as the beginning of an answer, if models read
    /// it in their chat templates.
    pub(in crate::app) fn conversation(&self) -> Option<Conversation> {
        let appended = self.appended.concat();
        let (user, answer) = match self.prompt.strip_suffix(&appended) {
            Some(user) => (user.to_owned(), appended),
            None => (self.prompt.clone(), String::new()),
        };
        self.is_chat.then(|| Conversation { system: self.system.clone(), user, answer })
    }
}
