//! Where the worker keeps models.

use std::fmt;

/// A place for one resident model. The worker has two, which don't wait for each other.
///
/// What is on screen is another thing: a pane may show a capture whose model is in another slot, or gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Slot {
    /// The first one.
    First,
    /// The second one.
    Second,
}

impl Slot {
    /// Both, the first one first.
    pub const ALL: [Slot; 2] = [Slot::First, Slot::Second];

    /// 0 or 1.
    pub fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Slot::First => "first",
            Slot::Second => "second",
        })
    }
}
