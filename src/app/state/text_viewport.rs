//! How a text is laid out on screen.

use crate::vocabulary::RowReading;

/// How a text is laid out, and how many of its lines there is room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TextViewport {
    /// Columns of a line.
    pub columns: usize,
    /// Lines that are on screen.
    pub lines: usize,
    /// Whether special tokens are not named.
    pub hides_special: bool,
    /// Whether the token that is read at a row is marked, or the one that is predicted from it.
    pub rows: RowReading,
}
