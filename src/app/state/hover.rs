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
    /// A token of a text that is shown in the place of a matrix.
    Token {
        /// The pane that shows the text.
        side: Side,
        /// Its index.
        token: usize,
    },
    /// This byte of the prompt.
    Text(usize),
}
