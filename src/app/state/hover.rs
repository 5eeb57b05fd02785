//! What the mouse is over.

use super::cursor::Cursor;
use crate::app::state::side::Side;

/// What the mouse is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hover {
    /// A cell of a matrix.
    Cell {
        /// The pane that shows the matrix.
        side: Side,
        /// Its row and column; they may be in the future.
        cell: Cursor,
    },
    /// This byte of the prompt.
    Text(usize),
}
