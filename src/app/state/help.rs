//! How far the help is scrolled.

use crate::config::keys::Command;

/// How far the help is scrolled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Help {
    /// The first row on screen.
    pub row: usize,
    /// Rows that don't fit on the screen: the largest that `row` can be.
    overflow: usize,
}

impl Help {
    /// Scrolls as a command says; false if the command scrolls nothing.
    pub(in crate::app) fn scroll(&mut self, command: Command) -> bool {
        let rows = match command {
            Command::CursorUp => -1,
            Command::CursorDown => 1,
            Command::PageUp => -10,
            Command::PageDown => 10,
            Command::RowStart => isize::MIN,
            Command::RowEnd => isize::MAX,
            _ => return false,
        };
        self.row = self.row.saturating_add_signed(rows).min(self.overflow);
        true
    }

    /// Takes how many rows don't fit on the screen.
    pub(in crate::app) fn fit(&mut self, overflow: usize) {
        *self = Self { row: self.row.min(overflow), overflow };
    }
}
