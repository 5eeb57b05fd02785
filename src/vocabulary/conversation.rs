//! A prompt as a turn of a conversation.

use serde::{Deserialize, Serialize};

/// A prompt as the user's turn of a conversation, which each model reads in its own chat template.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub struct Conversation {
    /// What the system says before; nothing if it has no turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The user's turn.
    pub user: String,
    /// How the model's answer begins, after what the template writes before an answer.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub answer: String,
}
