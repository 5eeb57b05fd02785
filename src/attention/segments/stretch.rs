//! Stretches of a text, and how they are named.

use std::ops::Range;

use crate::attention::escape_controls;

/// Characters of a text that names a segment, and of a name that a message quotes.
const NAME: usize = 32;

/// A stretch of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stretch {
    /// What its segment is called, safe to print.
    pub name: String,
    /// Where it is.
    pub bytes: Range<usize>,
}

/// A text on one line.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A text in a few characters of one line.
pub(super) fn short(text: &str) -> String {
    let text = escape_controls(&one_line(text));
    match text.char_indices().nth(NAME) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text,
    }
}

/// A message of another's as one line of a sensible length.
pub(super) fn short_line(text: &str) -> String {
    escape_controls(text).chars().take(120).collect()
}
