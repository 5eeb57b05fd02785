//! Glyphs in lines of a given width, broken between words.

use std::ops::Range;

use unicode_width::UnicodeWidthStr;

use super::glyphs::{Glyph, GlyphKind, glyphs};
use crate::attention::token::Token;

/// Lines of glyphs that are as wide as `widths` says, none wider than `room` unless a single glyph is. A line ends after a
/// line end, else between words, and in a word only if that alone is wider than a line. The blank after a word stays on
/// its line.
pub fn breaks(glyphs: &[Glyph], widths: &[f32], room: f32) -> Vec<Range<usize>> {
    let mut lines = Vec::new();
    let (mut start, mut used, mut at) = (0, 0.0, 0);
    while at < glyphs.len() {
        let end = unit_end(glyphs, at);
        let columns: f32 = widths[at..end].iter().sum();
        if used + columns > room && at > start {
            lines.push(start..at);
            (start, used) = (at, 0.0);
        }
        // A word wider than a line goes on wherever that is full.
        for (glyph, width) in widths.iter().enumerate().take(end).skip(at) {
            if used + width > room && glyph > start {
                lines.push(start..glyph);
                (start, used) = (glyph, 0.0);
            }
            used += width;
        }
        at = end;
        if glyphs[at - 1].kind == GlyphKind::LineEnd {
            lines.push(start..at);
            (start, used) = (at, 0.0);
        }
    }
    if start < glyphs.len() || lines.is_empty() {
        lines.push(start..glyphs.len());
    }
    lines
}

/// The end of what stays together from `at` on: a word with the blank after it.
fn unit_end(glyphs: &[Glyph], at: usize) -> usize {
    let may_end = |pair: &[Glyph]| {
        use GlyphKind::{Apart, Blank, Closing, LineEnd, Wide};
        match (pair[0].kind, pair[1].kind) {
            (LineEnd | Blank, _) => true,
            (_, Blank | LineEnd | Closing) => false,
            (Wide | Closing, _) | (_, Wide | Apart) => true,
            // After a token that is no text.
            _ => pair[0].tokens != pair[1].tokens && is_apart(glyphs, &pair[0].tokens, at),
        }
    };
    let rest = &glyphs[at..];
    rest.windows(2).position(may_end).map_or(glyphs.len(), |before| at + before + 1)
}

/// Whether the token of the unit that begins at `at` is none of a text.
fn is_apart(glyphs: &[Glyph], tokens: &Range<usize>, at: usize) -> bool {
    glyphs[at].kind == GlyphKind::Apart && glyphs[at].tokens == *tokens
}

/// Glyphs side by side that are of the same tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The tokens that it is of; more than one where they split a character among them.
    pub tokens: Range<usize>,
    /// As it is shown.
    pub text: String,
    /// The column of its line that it begins in.
    pub x: usize,
    /// How many columns it takes.
    pub columns: usize,
}

/// The text of a prompt in lines of a screen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TextLayout {
    pieces: Vec<Piece>,
    /// The pieces of each line.
    lines: Vec<Range<usize>>,
    /// The first line that each token is on.
    line_of: Vec<usize>,
}

impl TextLayout {
    /// Lays tokens out in lines of so many columns.
    pub fn new(tokens: &[Token], hides_special: bool, columns: usize) -> Self {
        let glyphs = glyphs(tokens, hides_special);
        let widths: Vec<f32> = glyphs.iter().map(|glyph| glyph.shown.width() as f32).collect();
        let mut layout = Self { line_of: vec![usize::MAX; tokens.len()], ..Self::default() };
        for line in breaks(&glyphs, &widths, columns as f32) {
            let first = layout.pieces.len();
            let mut x = 0;
            for same in glyphs[line].chunk_by(|a, b| a.tokens == b.tokens) {
                let text: String = same.iter().map(|glyph| glyph.shown.as_str()).collect();
                let columns = text.width();
                let tokens = same[0].tokens.clone();
                for place in &mut layout.line_of[tokens.clone()] {
                    *place = (*place).min(layout.lines.len());
                }
                layout.pieces.push(Piece { tokens, text, x, columns });
                x += columns;
            }
            layout.lines.push(first..layout.pieces.len());
        }
        layout
    }

    /// Lines of the text; one at least.
    pub fn count(&self) -> usize {
        self.lines.len()
    }

    /// The pieces of a line, from left to right; none of a line that there isn't.
    pub fn line(&self, line: usize) -> &[Piece] {
        self.lines.get(line).map_or(&[], |pieces| &self.pieces[pieces.clone()])
    }

    /// The line that a token begins on, and the column of it; the end of the text for a token that is not there.
    pub fn place(&self, token: usize) -> (usize, usize) {
        let last = self.lines.len().saturating_sub(1);
        let line = self.line_of.get(token).copied().unwrap_or(last).min(last);
        let pieces = self.line(line);
        let piece = pieces.iter().find(|piece| piece.tokens.contains(&token));
        let end = || pieces.last().map_or(0, |piece| piece.x + piece.columns);
        (line, piece.map_or_else(end, |piece| piece.x))
    }

    /// The token at a column of a line, if there is one: of several that split a character, the first.
    pub fn token_at(&self, line: usize, column: usize) -> Option<usize> {
        let is_there = |piece: &&Piece| (piece.x..piece.x + piece.columns).contains(&column);
        self.line(line).iter().find(is_there).map(|piece| piece.tokens.start)
    }

    /// The token of a line that is nearest to a column: of those that begin on the line, if any do.
    pub fn nearest(&self, line: usize, column: usize) -> Option<usize> {
        let distance = |piece: &&Piece| match column {
            column if column < piece.x => piece.x - column,
            column => column.saturating_sub(piece.x + piece.columns - 1),
        };
        let pieces = self.line(line).iter();
        let begins = |piece: &&Piece| self.line_of.get(piece.tokens.start) == Some(&line);
        let nearest = pieces.clone().filter(begins).min_by_key(distance);
        nearest.or_else(|| pieces.min_by_key(distance)).map(|piece| piece.tokens.start)
    }

    /// The first and the last token that begin on a line; of a line where none does, the one that is on it.
    pub fn ends(&self, line: usize) -> Option<(usize, usize)> {
        let starts = || self.line(line).iter().map(|piece| piece.tokens.start);
        let begin = || starts().filter(|token| self.line_of.get(*token) == Some(&line));
        Some((
            begin().next().or_else(|| starts().next())?,
            begin().next_back().or_else(|| starts().next_back())?,
        ))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::attention::tokens;

    fn lines(texts: &[&str], columns: usize) -> Vec<String> {
        let layout = TextLayout::new(&tokens(texts), false, columns);
        let line = |at| layout.line(at).iter().map(|piece| piece.text.as_str()).collect();
        (0..layout.count()).map(line).collect()
    }

    #[test]
    fn lines_end_between_words_and_keep_their_blanks() {
        assert_eq!(
            lines(&["write", " a", " st", "ory", " about", " AI"], 10),
            ["write a ", "story ", "about AI"]
        );
        assert_eq!(lines(&["abc", " def"], 3), ["abc", " ", "def"], "a blank that has no room begins a line");
        assert_eq!(lines(&["unbelievable"], 5), ["unbel", "ievab", "le"]);
        assert_eq!(lines(&["a\n\n", "b"], 9), ["a⏎", "⏎", "b"]);
        assert_eq!(lines(&["日本", "語。", "x"], 5), ["日本", "語。x"], "no line begins with a full stop");
        assert_eq!(lines(&["a🙂", "b"], 3), ["a🙂", "b"]);
        assert_eq!(lines(&[], 9), [""]);
    }

    #[test]
    fn tokens_that_are_no_text_stay_whole_where_they_can() {
        let mut row = tokens(&["<|start|>", "user", "<|end|>", "hi"]);
        (row[0].is_special, row[2].is_special) = (true, true);
        let layout = TextLayout::new(&row, false, 10);
        let line = |at| layout.line(at).iter().map(|piece| piece.text.clone()).collect::<String>();
        assert_eq!((0..layout.count()).map(line).collect::<Vec<_>>(), ["<|start|>", "user", "<|end|>hi"]);
        assert_eq!(TextLayout::new(&row, true, 10).line(0).len(), 4, "·user·hi");
    }

    #[test]
    fn a_place_leads_to_its_token_and_back() {
        let layout = TextLayout::new(&tokens(&["write", " a", " story"]), false, 8);
        assert_eq!((layout.place(0), layout.place(1), layout.place(2)), ((0, 0), (0, 5), (0, 7)));
        assert_eq!(
            (layout.token_at(0, 6), layout.token_at(1, 3), layout.token_at(1, 7)),
            (Some(1), Some(2), None)
        );
        assert_eq!(layout.nearest(1, 70), Some(2), "no token begins there");
        assert_eq!((layout.nearest(0, 70), layout.ends(0)), (Some(2), Some((0, 2))));
        assert_eq!(layout.place(9).0, 1);
    }

    /// Texts with what is hard: wide, joined and combining characters, parts of characters, controls.
    fn parts() -> impl Strategy<Value = Vec<Vec<u8>>> {
        let samples = [
            "a",
            " word",
            "日本",
            "👩‍👧‍👦",
            "e\u{301}",
            "\n",
            "\r\n",
            "\t",
            "\u{200d}",
            "  ",
            "🇫🇷",
            "。",
            "\u{1b}[0m",
            "\u{202e}",
            "\u{3000}",
            "x-y/z",
            "가",
        ];
        let text = prop::sample::select(samples.to_vec());
        let whole = prop::collection::vec(text, 0..40).prop_map(|texts| texts.concat().into_bytes());
        (whole, prop::collection::vec(1usize..6, 1..60)).prop_map(|(bytes, cuts)| {
            let (mut rest, mut parts, mut cuts) = (bytes.as_slice(), Vec::new(), cuts.into_iter().cycle());
            while !rest.is_empty() {
                let (part, after) = rest.split_at(cuts.next().unwrap_or(1).min(rest.len()));
                parts.push(part.to_vec());
                rest = after;
            }
            parts
        })
    }

    proptest! {
        #[test]
        fn every_glyph_is_once_in_order_whole_and_within_the_width(parts in parts(), columns in 8usize..40) {
            let mut start = 0;
            let row: Vec<Token> = parts.iter().map(|part| {
                start += part.len();
                Token::from_bytes(0, String::new(), part, start - part.len())
            }).collect();
            let glyphs = glyphs(&row, false);
            let widths: Vec<f32> = glyphs.iter().map(|glyph| glyph.shown.width() as f32).collect();
            prop_assert!(widths.iter().all(|width| *width >= 1.0));
            let lines = breaks(&glyphs, &widths, columns as f32);
            prop_assert_eq!(lines.iter().map(|line| line.start).collect::<Vec<_>>()[0], 0);
            prop_assert!(lines.windows(2).all(|pair| pair[0].end == pair[1].start));
            prop_assert_eq!(lines.last().map(|line| line.end), Some(glyphs.len()));
            // Of each token there is something, and tokens come in their order.
            let mut seen = 0;
            for glyph in &glyphs {
                prop_assert!(glyph.tokens.start <= seen && glyph.tokens.end >= seen);
                seen = glyph.tokens.end;
            }
            prop_assert_eq!(seen, row.len());
            let layout = TextLayout::new(&row, false, columns);
            prop_assert_eq!(layout.count(), lines.len());
            let mut all = String::new();
            for line in 0..layout.count() {
                let pieces = layout.line(line);
                prop_assert!(pieces.iter().map(|piece| piece.columns).sum::<usize>() <= columns);
                all.extend(pieces.iter().map(|piece| piece.text.as_str()));
                for piece in pieces {
                    prop_assert_eq!(layout.token_at(line, piece.x), Some(piece.tokens.start));
                }
            }
            prop_assert_eq!(all, glyphs.iter().map(|glyph| glyph.shown.as_str()).collect::<String>());
            for token in 0..row.len() {
                let (line, x) = layout.place(token);
                let at = layout.line(line).iter().find(|piece| piece.x == x);
                prop_assert!(at.is_some_and(|piece| piece.tokens.contains(&token)));
            }
        }
    }
}
