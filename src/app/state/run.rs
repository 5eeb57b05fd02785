//! The newest prompt that was run, and how it grows.

use crate::app::state::side::Side;
use crate::worker::protocol::{JobId, Sampling};

/// The newest prompt that was run, and how it grows.
#[derive(Debug, Clone, Default)]
pub struct Run {
    /// Its text.
    pub prompt: String,
    /// The job that runs it.
    pub job: JobId,
    /// How next tokens are drawn.
    pub sampling: Sampling,
    /// Whether the prompt grows by the token that is drawn, not by the likeliest.
    pub is_drawn: bool,
    /// Sides whose marked next tokens wait to be appended, each after the pass that is under way, the next one first.
    pub queued: Vec<Side>,
    /// Texts of tokens that were appended to the prompt since it was written, the newest last.
    pub appended: Vec<String>,
}
