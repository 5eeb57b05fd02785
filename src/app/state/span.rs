//! A span of tokens: the viewer sums what is given to it.

use std::ops::Range;

use super::displayed::DisplayedCapture;

/// Tokens that are taken together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Their cells, along both axes of a matrix.
    pub cells: Range<usize>,
    /// Whether the other end is still to be marked.
    pub is_open: bool,
}

impl Span {
    /// Its first and its last token: `write…story`.
    pub fn name(&self, shown: &DisplayedCapture) -> String {
        shown.passage(self.cells.clone())
    }
}
