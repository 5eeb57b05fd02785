//! What may come after a text.

use super::Token;

/// A token that may come next.
#[derive(Debug, Clone, PartialEq)]
pub struct NextToken {
    /// What it is; it covers no bytes of the prompt.
    pub token: Token,
    /// Softmax of the logits.
    pub probability: f32,
}
