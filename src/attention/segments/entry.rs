//! An entry of a file of segments, as messages call it.

use std::fmt;

use super::stretch::short;

/// Segments that a file may name. More is a slip, and no matrix that anybody reads.
pub const MOST_SPANS: usize = 1000;

/// An entry of a file: `entry 2 ("context")`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    number: usize,
    name: String,
}

impl Entry {
    /// The entry with this number, counted from 1, and this name.
    pub fn new(number: usize, name: &str) -> Self {
        Self { number, name: short(name) }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entry {} (\"{}\")", self.number, self.name)
    }
}
