//! The text of the editor in rows: as many as are on screen around the place where one types.

use std::ops::Range;

use unicode_width::UnicodeWidthStr;

use crate::attention::text::{Glyph, GlyphKind, breaks, characters, extents};

/// Bytes of a line that are broken together: a longer one is also broken there, so that no key is slow in it.
const BLOCK: usize = 4096;

/// Rows of a text around a place in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EditorRows {
    /// Bytes of each row, with the end of the line, if that is in it.
    pub rows: Vec<Range<usize>>,
    /// The row that has the place.
    pub at: usize,
    /// The column of the place in its row.
    pub column: usize,
    /// Whether there are rows before these, and after them.
    pub has_more: [bool; 2],
}

impl EditorRows {
    /// The row that has a byte of a text, with at least `most` rows before and after it, as far as there are. A row is
    /// at most `columns` wide, and broken between words.
    pub fn around(text: &str, byte: usize, columns: usize, most: usize) -> Self {
        let here = block_at(text, byte);
        let mut rows = broken(text, here.clone(), columns);
        let (mut start, mut end) = (here.start, here.end);
        let is_in = |row: &Range<usize>| row.contains(&byte);
        let mut at = rows.iter().position(is_in).unwrap_or(rows.len() - 1);
        while at < most && start > 0 {
            let before = block_at(text, text[..start].char_indices().next_back().map_or(0, |(byte, _)| byte));
            let mut earlier = broken(text, before.start..start, columns);
            start = before.start;
            at += earlier.len();
            earlier.append(&mut rows);
            rows = earlier;
        }
        while rows.len() <= at + most && (end < text.len() || ends_open(text, end, &rows)) {
            let after = block_at(text, end);
            rows.extend(broken(text, after.clone(), columns));
            end = after.end;
        }
        let column = text.get(rows[at].start..byte).map_or(0, width);
        let has_more = [start > 0, end < text.len() || ends_open(text, end, &rows)];
        Self { rows, at, column, has_more }
    }

    /// The byte of a row at a column: where one types if one goes there. The end of a row is before what ends its line.
    pub fn byte_at(&self, text: &str, row: usize, column: usize) -> usize {
        let Some(bytes) = self.rows.get(row) else { return text.len() };
        let (mut x, mut at) = (0, bytes.start);
        let of_row = text.get(bytes.clone()).unwrap_or_default();
        let is_last = row + 1 == self.rows.len();
        for (range, character) in characters(of_row) {
            let is_end = matches!(&of_row[range.clone()], "\n" | "\r\n");
            // The end of a row that goes on is the beginning of the next one.
            if x >= column || is_end || range.end == of_row.len() && !is_last && !of_row.ends_with('\n') {
                break;
            }
            x += character.shown.width();
            at = bytes.start + range.end;
        }
        at
    }
}

/// Whether the text ends with the end of a line, and the empty one after it is not among the rows.
fn ends_open(text: &str, end: usize, rows: &[Range<usize>]) -> bool {
    end == text.len() && text.ends_with('\n') && rows.last().is_none_or(|row| !row.is_empty())
}

/// What of the text is broken together, and has a byte: a line, or a part of a long one.
fn block_at(text: &str, byte: usize) -> Range<usize> {
    let line = text[..byte].rfind('\n').map_or(0, |end| end + 1);
    let end = text[byte..].find('\n').map_or(text.len(), |end| byte + end + 1);
    let part = (byte - line) / BLOCK * BLOCK;
    let start = text.floor_char_boundary(line + part);
    // A place in a character at the edge of two parts is before it.
    let start = if start > byte { text.floor_char_boundary(line + part - BLOCK) } else { start };
    start..end.min(text.floor_char_boundary(line + part + BLOCK)).max(byte)
}

fn broken(text: &str, block: Range<usize>, columns: usize) -> Vec<Range<usize>> {
    let found: Vec<(usize, GlyphKind, usize)> = extents(&text[block.clone()]).collect();
    let widths: Vec<f32> = found.iter().map(|(_, _, columns)| *columns as f32).collect();
    let glyph = |kind| Glyph { shown: String::new(), tokens: 0..0, kind };
    let glyphs: Vec<Glyph> = found.iter().map(|(_, kind, _)| glyph(*kind)).collect();
    // A column is left for the place where one types.
    let lines = breaks(&glyphs, &widths, columns.saturating_sub(1).max(2) as f32);
    let byte = |at: usize| block.start + found.get(at).map_or(block.len(), |(start, ..)| *start);
    lines.into_iter().map(|line| byte(line.start)..byte(line.end)).collect()
}

fn width(text: &str) -> usize {
    extents(text).map(|(_, _, columns)| columns).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(text: &str, byte: usize, columns: usize) -> (Vec<&str>, usize, usize) {
        let found = EditorRows::around(text, byte, columns, 20);
        (found.rows.iter().map(|row| &text[row.clone()]).collect(), found.at, found.column)
    }

    #[test]
    fn lines_are_rows_and_long_ones_are_broken_between_words() {
        assert_eq!(rows("", 0, 9), (vec![""], 0, 0));
        assert_eq!(rows("ab\ncd", 3, 9), (vec!["ab\n", "cd"], 1, 0));
        assert_eq!(rows("ab\n", 3, 9), (vec!["ab\n", ""], 1, 0), "there is a row after the last line end");
        assert_eq!(rows("ab\n\n", 3, 9), (vec!["ab\n", "\n", ""], 1, 0));
        assert_eq!(rows("one two three", 13, 9), (vec!["one two ", "three"], 1, 5));
        assert_eq!(rows("one two three", 8, 9), (vec!["one two ", "three"], 1, 0));
        assert_eq!(rows("日本語", 3, 5), (vec!["日本", "語"], 0, 2));
    }

    #[test]
    fn a_column_leads_to_a_byte_of_its_row() {
        let text = "one two three\n日本";
        let found = EditorRows::around(text, 0, 9, 9);
        let byte = |row, column| found.byte_at(text, row, column);
        assert_eq!([byte(0, 0), byte(0, 3), byte(1, 2), byte(1, 99)], [0, 3, 10, 13]);
        assert_eq!(byte(0, 99), 7, "the last place of a row that goes on is before its blank");
        assert_eq!([byte(2, 1), byte(2, 2), byte(2, 9), byte(9, 0)], [17, 17, 20, 20]);
    }

    proptest! {
        #[test]
        fn rows_follow_each_other_and_have_the_place(
            text in "([a-z ]{0,12}|\n|日|👩\u{200d}👧|e\u{301}|\r\n){0,30}",
            at in any::<prop::sample::Index>(),
            columns in 4usize..20,
            most in 0usize..6,
        ) {
            let bytes: Vec<usize> = text.char_indices().map(|(byte, _)| byte).chain([text.len()]).collect();
            let byte = *at.get(&bytes);
            let found = EditorRows::around(&text, byte, columns, most);
            prop_assert!(found.rows.windows(2).all(|pair| pair[0].end == pair[1].start));
            prop_assert!(found.rows[found.at].start <= byte && byte <= found.rows[found.at].end);
            prop_assert!(found.at >= most || found.rows[0].start == 0);
            let last = found.rows.len() - 1;
            prop_assert!(last >= found.at + most || found.rows[last].end == text.len());
            for row in &found.rows {
                prop_assert!(width(&text[row.clone()]) < columns.max(3));
            }
            let whole = EditorRows::around(&text, byte, columns, 999);
            prop_assert_eq!((whole.rows[0].start, whole.rows[whole.rows.len() - 1].end), (0, text.len()));
            prop_assert_eq!(whole.has_more, [false; 2]);
        }
    }

    #[test]
    fn a_very_long_line_is_not_broken_as_a_whole() {
        let text = "日本 ".repeat(400_000 / 7);
        let found = EditorRows::around(&text, 300_006, 80, 8);
        assert!(found.rows.len() < 200 && found.at >= 8, "{}", found.rows.len());
        assert!(found.rows.windows(2).all(|pair| pair[0].end == pair[1].start));
        assert_eq!(found.has_more, [true; 2]);
    }
}
