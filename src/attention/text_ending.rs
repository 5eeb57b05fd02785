//! Why a text that a model writes does not go on.

use std::fmt;

use super::NextToken;

/// Why a text does not go on.
#[derive(Debug, Clone, PartialEq)]
pub enum TextEnding {
    /// The model chose this token, which ends a text. It is no part of the text.
    EndOfText(Box<NextToken>),
    /// The model reads no more tokens than these.
    Context(usize),
    /// As many tokens are written as were asked for.
    Limit(usize),
}

impl fmt::Display for TextEnding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EndOfText(next) => write!(f, "the model ended its text with {}", next.token.label()),
            Self::Context(tokens) => write!(f, "the model reads at most {tokens} tokens"),
            Self::Limit(1) => f.write_str("one token is written, as many as were asked for"),
            Self::Limit(tokens) => write!(f, "{tokens} tokens are written, as many as were asked for"),
        }
    }
}

impl TextEnding {
    /// In a word, for programs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::EndOfText(_) => "end-of-text",
            Self::Context(_) => "context",
            Self::Limit(_) => "limit",
        }
    }
}
