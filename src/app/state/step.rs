//! Steps along something that has two ends.

use crate::config::keys::Command;

/// `at` moved by `by` within 0 .. `count`.
pub(in crate::app) fn step(at: usize, by: isize, count: usize) -> usize {
    at.saturating_add_signed(by).min(count.saturating_sub(1))
}

/// Rows that a page of a list is.
const PAGE: isize = 10;

/// The row of a list of `count` that a command of the cursor leads to; `None` if it is no such command.
pub(in crate::app) fn row_after(command: Command, row: usize, count: usize) -> Option<usize> {
    let by = match command {
        Command::CursorUp => -1,
        Command::CursorDown => 1,
        Command::PageUp => -PAGE,
        Command::PageDown => PAGE,
        Command::RowStart => return Some(0),
        Command::RowEnd => isize::MAX,
        _ => return None,
    };
    Some(step(row, by, count))
}
