//! Left and right on screen, and which slot of the worker each side goes on with.

use std::fmt;

use crate::worker::protocol::Slot;

/// One of the two panes on screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The left pane.
    Left,
    /// The right pane.
    Right,
}

impl Side {
    /// Both, left first.
    pub const BOTH: [Side; 2] = [Side::Left, Side::Right];

    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Side::Left => Side::Right,
            Side::Right => Side::Left,
        }
    }

    /// 0 for left, 1 for right.
    pub fn index(self) -> usize {
        self as usize
    }

    /// The slot of the model that this side goes on with. What is on screen there may be pinned: then its model is in
    /// another slot, or gone.
    pub fn slot(self) -> Slot {
        Slot::ALL[self.index()]
    }

    /// The side that goes on with the model of a slot.
    pub fn of(slot: Slot) -> Self {
        Side::BOTH[slot.index()]
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Side::Left => "left",
            Side::Right => "right",
        })
    }
}
