//! The cell that is looked at, the part of a matrix that is on screen, and how both move.

use super::step::step;
use super::text_viewport::TextViewport;
use crate::attention::{CausalMatrix, Normalisation, NormalisedRow};
use crate::config::keys::Command;

/// A column of a matrix, in the order of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Column {
    /// What a row gave to no token.
    Sink,
    /// A key.
    Key(usize),
}

/// A cell: a row and a column that is not in its future.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Index of its row.
    pub query: usize,
    /// Its column.
    pub column: Column,
}

/// The first row and key on screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scroll {
    /// Index of the first row.
    pub row: usize,
    /// Index of the first key; the sink always stays in view.
    pub key: usize,
}

/// How many cells a pane has room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Viewport {
    /// The number of rows.
    pub rows: usize,
    /// The number of keys, not counting the sink.
    pub keys: usize,
    /// Columns and rows of the screen that a cell takes.
    pub cell: (u16, u16),
}

/// What a layout of the state has room for. `State::fit` takes it before a frame is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Viewports {
    /// Cells of the left and of the right pane, as far as they show a matrix.
    pub panes: [Option<Viewport>; 2],
    /// Lines of the left and of the right pane, as far as they show a text.
    pub texts: [Option<TextViewport>; 2],
    /// Cells of the difference, if that is on screen.
    pub difference: Option<Viewport>,
    /// Columns of the prompt's editor, if that has several rows.
    pub editor: Option<usize>,
    /// Rows of the help that don't fit; 0 unless it is open.
    pub help_overflow: usize,
}

impl Default for Cursor {
    fn default() -> Self {
        Self { query: 0, column: Column::Key(0) }
    }
}

impl Cursor {
    /// Where one starts: what the last token, which predicts the next one, gave to the first.
    pub fn start(matrix: &CausalMatrix) -> Self {
        Self { query: matrix.size().saturating_sub(1), column: Column::Key(0) }
    }

    /// The largest value that a row gives to a token, as it is shown; the first of several. The first key where nothing
    /// is shown.
    pub fn at_strongest(matrix: &CausalMatrix, normalisation: Normalisation, query: usize) -> Self {
        let start = Self { query, column: Column::Key(0) };
        if query >= matrix.size() {
            return start;
        }
        let row = normalisation.row(matrix, query);
        let larger = |best: Option<(usize, f32)>, cell: (usize, f32)| match best {
            Some((_, value)) if value >= cell.1 => best,
            _ => Some(cell),
        };
        let strongest = row.keys().fold(None, larger);
        strongest.map_or(start, |(key, _)| Self { column: Column::Key(key), ..start })
    }

    /// The key of its row that is the next strongest after its own, as values are shown; of equal ones the earlier first.
    /// After the weakest, and from the sink, it is the strongest.
    pub fn at_next_strongest(self, matrix: &CausalMatrix, normalisation: Normalisation) -> Self {
        let strongest = Self::at_strongest(matrix, normalisation, self.query);
        if self.query >= matrix.size() {
            return strongest;
        }
        let row = normalisation.row(matrix, self.query);
        let Column::Key(at) = self.column else { return strongest };
        let Some(value) = row.get(at) else { return strongest };
        let comes_after = |(key, other): &(usize, f32)| *other < value || *other == value && *key > at;
        let later = row.keys().filter(comes_after);
        let next = later.fold(None, |best: Option<(usize, f32)>, cell| match best {
            Some((_, value)) if value >= cell.1 => best,
            _ => Some(cell),
        });
        next.map_or(strongest, |(key, _)| Self { column: Column::Key(key), ..self })
    }

    /// The nearest cell that `matrix` has.
    pub fn within(self, matrix: &CausalMatrix) -> Self {
        let query = self.query.min(matrix.size().saturating_sub(1));
        let column = match self.column {
            Column::Sink if matrix.sinks().is_some() => Column::Sink,
            Column::Sink => Column::Key(0),
            Column::Key(key) => Column::Key(key.min(query)),
        };
        Self { query, column }
    }

    /// Moved as a command says; `None` if the command moves no cursor.
    pub fn moved(self, command: Command, matrix: &CausalMatrix, viewport: Viewport) -> Option<Self> {
        let page = viewport.rows.max(2) as isize - 1;
        let rows = |by: isize| Self { query: step(self.query, by, matrix.size()), ..self };
        let moved = match command {
            Command::CursorUp => rows(-1),
            Command::CursorDown => rows(1),
            Command::PageUp => rows(-page),
            Command::PageDown => rows(page),
            Command::CursorLeft => Self { column: self.column.left(), ..self },
            Command::CursorRight => Self { column: self.column.right(), ..self },
            Command::RowStart => Self { column: Column::Sink, ..self },
            Command::RowEnd => Self { column: Column::Key(self.query), ..self },
            _ => return None,
        };
        Some(moved.within(matrix))
    }

    /// The cell's value in a matrix.
    pub fn value(self, matrix: &CausalMatrix) -> Option<f32> {
        match self.column {
            Column::Sink if self.query < matrix.size() => matrix.sink(self.query),
            Column::Sink => None,
            Column::Key(key) => matrix.get(self.query, key),
        }
    }
}

impl Column {
    /// Its value in a row; nothing in the future, and where the row's normalisation leaves it out.
    pub fn value(self, row: &NormalisedRow<'_>) -> Option<f32> {
        match self {
            Column::Sink => row.sink(),
            Column::Key(key) => row.get(key),
        }
    }

    fn left(self) -> Self {
        match self {
            Column::Key(key) if key > 0 => Column::Key(key - 1),
            _ => Column::Sink,
        }
    }

    fn right(self) -> Self {
        match self {
            Column::Sink => Column::Key(0),
            Column::Key(key) => Column::Key(key + 1),
        }
    }
}

impl Scroll {
    /// Moved no further than needed to have the cursor on screen.
    pub fn revealing(self, cursor: Cursor, viewport: Viewport) -> Self {
        let key = match cursor.column {
            Column::Sink => self.key,
            Column::Key(key) => reveal(self.key, key, viewport.keys),
        };
        Self { row: reveal(self.row, cursor.query, viewport.rows), key }
    }

    /// With the cursor in the middle.
    pub fn centering(self, cursor: Cursor, viewport: Viewport) -> Self {
        let key = match cursor.column {
            Column::Sink => self.key,
            Column::Key(key) => key.saturating_sub(viewport.keys / 2),
        };
        Self { row: cursor.query.saturating_sub(viewport.rows / 2), key }
    }

    /// Without empty space after the last row and key of a matrix of `size`.
    pub fn within(self, size: usize, viewport: Viewport) -> Self {
        let last = |room: usize| size.saturating_sub(room.max(1));
        Self { row: self.row.min(last(viewport.rows)), key: self.key.min(last(viewport.keys)) }
    }
}

fn reveal(first: usize, at: usize, room: usize) -> usize {
    first.min(at).max((at + 1).saturating_sub(room.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_stays_in_the_triangle_and_the_sink_is_before_the_first_key() {
        let with_sink = CausalMatrix::zeros(3, 1, true);
        let without = CausalMatrix::zeros(3, 1, false);
        let cursor = Cursor { query: 2, column: Column::Key(2) };
        let go =
            |cursor: Cursor, command, matrix| cursor.moved(command, matrix, Viewport::default()).unwrap();
        let up = go(cursor, Command::CursorUp, &without);
        assert_eq!(up, Cursor { query: 1, column: Column::Key(1) });
        assert_eq!(go(up, Command::CursorRight, &without), up);
        let start = go(up, Command::RowStart, &without);
        assert_eq!(start.column, Column::Key(0));
        assert_eq!(go(start, Command::CursorLeft, &with_sink).column, Column::Sink);
        assert_eq!(go(start, Command::CursorLeft, &without), start);
        assert_eq!(cursor.moved(Command::Help, &without, Viewport::default()), None);
    }

    #[test]
    fn scrolling_follows_the_cursor_and_no_further() {
        let viewport = Viewport { rows: 4, keys: 3, cell: (1, 1) };
        let at = |query, key| Cursor { query, column: Column::Key(key) };
        let scroll = Scroll { row: 5, key: 5 };
        assert_eq!(scroll.revealing(at(6, 6), viewport), scroll);
        assert_eq!(scroll.revealing(at(9, 4), viewport), Scroll { row: 6, key: 4 });
        assert_eq!(scroll.revealing(at(2, 2), viewport), Scroll { row: 2, key: 2 });
        assert_eq!(scroll.within(7, viewport), Scroll { row: 3, key: 4 });
        assert_eq!(scroll.centering(at(9, 4), viewport), Scroll { row: 7, key: 3 });
        assert_eq!(scroll.centering(at(1, 0), viewport), Scroll { row: 0, key: 0 });
    }
}
