//! Tokens in tables of text.

use unicode_width::UnicodeWidthStr as _;

use crate::attention::{Token, escape_controls};

/// A token's text between quotes, in so many columns, more if it is long.
pub fn quoted(token: &Token, columns: usize) -> String {
    let text = format!("\"{}\"", escape_controls(&token.text));
    let blanks = columns.saturating_sub(text.width());
    format!("{text}{:blanks$}", "")
}
