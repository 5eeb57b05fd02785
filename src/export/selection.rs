//! Which matrices of a capture are exported.

use std::fmt;
use std::str::FromStr;

use crate::attention::Capture;
use crate::vocabulary::{ParseViewError, View, serde_as_text};

/// One matrix of a capture, or every head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// The matrix of a view.
    One(View),
    /// Every head of every layer.
    All,
}

impl Selection {
    /// Whether its rows have a sink beside them.
    pub fn has_sinks(self, capture: &Capture) -> bool {
        match self {
            Selection::One(view) => capture.has_sinks(view),
            Selection::All => capture.model.has_sinks,
        }
    }

    /// As people read it.
    pub fn title(self) -> String {
        match self {
            Selection::One(view) => view.title(),
            Selection::All => "all heads".to_owned(),
        }
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Selection::One(view) => view.fmt(f),
            Selection::All => f.write_str("all"),
        }
    }
}

/// A text that selects nothing.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}, or all")]
pub struct ParseSelectionError(#[from] ParseViewError);

impl FromStr for Selection {
    type Err = ParseSelectionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(if text == "all" { Selection::All } else { Selection::One(text.parse()?) })
    }
}
serde_as_text!(Selection);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_reads_what_it_writes() {
        for text in ["all", "mean", "layer:3", "head:3.5"] {
            assert_eq!(text.parse::<Selection>().unwrap().to_string(), text);
        }
        let error = "every".parse::<Selection>().unwrap_err().to_string();
        assert!(error.contains("head:3.5") && error.ends_with("or all"), "{error}");
    }
}
