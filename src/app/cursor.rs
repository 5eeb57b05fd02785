//! The cell that is looked at, the part of a matrix that is on screen, and how both move.

use std::ops::Range;

use super::selection::step;
use crate::attention::{CausalMatrix, NormalisedRow, Token};
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
    /// The row.
    pub query: usize,
    /// The column.
    pub column: Column,
}

/// The first row and key on screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scroll {
    /// The row.
    pub row: usize,
    /// The key; the sink always stays in view.
    pub key: usize,
}

/// How many cells a pane has room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Viewport {
    /// Rows.
    pub rows: usize,
    /// Keys, not counting the sink.
    pub keys: usize,
    /// Columns and rows of the screen that a cell takes.
    pub cell: (u16, u16),
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
    /// Its value in a row; nothing in the future, and if the row's rule leaves it out.
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

/// Where the bytes of one prompt are in another: the same is what both begin with and what both end with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SamePassages {
    /// Where the beginning that both have ends.
    begin: usize,
    /// Where the end that both have begins, in the one and in the other.
    end: (usize, usize),
}

impl SamePassages {
    /// Of two prompts, which may be the same.
    pub fn of(from: &str, to: &str) -> Self {
        let (from, to) = (from.as_bytes(), to.as_bytes());
        let begin = from.iter().zip(to).take_while(|(a, b)| a == b).count();
        let shorter = from.len().min(to.len());
        // A blank goes with the word after it, as in tokens.
        let begin = if begin == shorter { begin } else { from[..begin].trim_ascii_end().len() };
        let most = shorter - begin;
        let pairs = from.iter().rev().zip(to.iter().rev()).take(most);
        let end = pairs.take_while(|(a, b)| a == b).count();
        Self { begin, end: (from.len() - end, to.len() - end) }
    }

    /// The bytes of the other prompt in the place of `span`: between what is the same, in proportion.
    fn place(self, span: &Range<usize>) -> Range<usize> {
        let (begin, (from, to)) = (self.begin, self.end);
        let between = |at: usize| begin + (at - begin) * (to - begin) / (from - begin);
        let start = match span.start {
            at if at >= from => at - from + to,
            at if at <= begin => at,
            at => between(at),
        };
        let end = match span.end {
            at if at <= begin => at,
            at if at >= from => at - from + to,
            at => between(at),
        };
        start..end.max(start + 1)
    }
}

/// The token of `to` that covers most of the bytes in the place of token `at` of `from`, the first of
/// several; by number where there is no text behind the tokens.
pub fn same_text(from: &[Token], at: usize, to: &[Token], passages: SamePassages) -> Option<usize> {
    let span = &from.get(at)?.span;
    if span.is_empty() {
        return (at < to.len()).then_some(at);
    }
    let span = passages.place(span);
    let overlap =
        |token: &Token| token.span.end.min(span.end).saturating_sub(token.span.start.max(span.start));
    let best = to.iter().enumerate().rev().max_by_key(|(_, token)| overlap(token));
    best.filter(|(_, token)| overlap(token) > 0).map(|(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As of any prompt and itself.
    const SAME: SamePassages = SamePassages { begin: 99, end: (99, 99) };

    fn tokens(texts: &[&str]) -> Vec<Token> {
        let mut start = 0;
        let mut token = |text: &&str| {
            let token = Token::from_bytes(0, String::new(), text.as_bytes(), start);
            start += text.len();
            token
        };
        texts.iter().map(&mut token).collect()
    }

    #[test]
    fn tokens_are_linked_by_the_bytes_they_cover() {
        let (a, b) =
            (tokens(&["un", "believ", "able", " story"]), tokens(&["unbeliev", "able", " st", "ory"]));
        let link =
            |from: &[Token], to: &[Token]| (0..4).map(|at| same_text(from, at, to, SAME)).collect::<Vec<_>>();
        assert_eq!(link(&a, &b), [Some(0), Some(0), Some(1), Some(2)]);
        assert_eq!(link(&b, &a), [Some(1), Some(2), Some(3), Some(3)]);
        assert_eq!(same_text(&a, 9, &b, SAME), None);
    }

    #[test]
    fn tokens_of_different_prompts_are_linked_by_what_is_the_same() {
        let link = |from: &[&str], to: &[&str]| {
            let passages = SamePassages::of(&from.concat(), &to.concat());
            let (from, to) = (tokens(from), tokens(to));
            (0..from.len()).map(|at| same_text(&from, at, &to, passages)).collect::<Vec<_>>()
        };
        let (cat, dog) = (["The", " cat", " sat", "."], ["The", " big", " dog", " sat", "."]);
        assert_eq!(link(&cat, &dog), [Some(0), Some(1), Some(3), Some(4)]);
        assert_eq!(link(&dog, &cat), [Some(0), Some(1), Some(1), Some(2), Some(3)]);
        let (short, long) = (["a", " b"], ["a", " c", " c", " b"]);
        assert_eq!(link(&short, &long), [Some(0), Some(3)], "what was put in is passed over");
        assert_eq!(
            link(&long, &short),
            [Some(0), Some(1), Some(1), Some(1)],
            "what is missing: what follows"
        );
        assert_eq!(link(&["a", " b"], &["a"]), [Some(0), None], "nothing follows");
    }

    #[test]
    fn tokens_without_text_are_linked_by_number() {
        let ids: Vec<Token> = [5, 6].into_iter().map(Token::from_id).collect();
        assert_eq!(same_text(&ids, 1, &ids, SAME), Some(1));
        assert_eq!(same_text(&ids, 1, &ids[..1], SAME), None);
    }

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
