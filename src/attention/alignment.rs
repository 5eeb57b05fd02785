//! Two tokenisations of the same bytes, brought together: pieces that both have whole tokens of, and
//! matrices pooled to them.

use std::ops::{Range, RangeInclusive};

use super::{CausalMatrix, Token};
pub use crate::vocabulary::Granularity;

/// A run of bytes that both tokenisations have whole tokens of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The text, as [`Token::label`] shows it.
    pub label: String,
    /// The tokens that make it up, left and right; at least one on each side.
    pub tokens: [Range<usize>; 2],
}

/// A place where no token goes on.
pub(super) struct Cut {
    /// Tokens before it.
    pub(super) tokens: usize,
    /// The byte it is at. Where an offset leaves blanks out it may be any of several.
    bytes: RangeInclusive<usize>,
    /// Whether what follows begins a word.
    pub(super) before_word: bool,
}

/// The pieces of two tokenisations of the same bytes, in order: together they are all tokens of both. Tokens
/// that cover no bytes go with the one after them. There are none only if a side has no tokens.
pub fn pieces(left: &[Token], right: &[Token], granularity: Granularity) -> Vec<Piece> {
    if left.is_empty() || right.is_empty() {
        return Vec::new();
    }
    let mut pieces = Vec::new();
    let mut start = [0, 0];
    let mut close = |end: [usize; 2]| {
        let tokens = [start[0]..end[0], start[1]..end[1]];
        let label = label(&left[tokens[0].clone()], &right[tokens[1].clone()]);
        pieces.push(Piece { label, tokens });
        start = end;
    };
    let (a, b) = (cuts(left), cuts(right));
    let (mut i, mut j) = (0, 0);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        if x.bytes.end() < y.bytes.start() {
            i += 1;
        } else if y.bytes.end() < x.bytes.start() {
            j += 1;
        } else {
            if granularity == Granularity::Pieces || x.before_word || y.before_word {
                close([x.tokens, y.tokens]);
            }
            (i, j) = (i + 1, j + 1);
        }
    }
    close([left.len(), right.len()]);
    pieces
}

/// The places between tokens, in order.
pub(super) fn cuts(tokens: &[Token]) -> Vec<Cut> {
    let with_bytes: Vec<(usize, &Token)> =
        tokens.iter().enumerate().filter(|(_, token)| !token.span.is_empty()).collect();
    // Where spans overlap, nothing can be cut before the last of them has ended.
    let mut starts: Vec<usize> = with_bytes.iter().map(|(_, token)| token.span.start).collect();
    for at in (1..starts.len()).rev() {
        starts[at - 1] = starts[at - 1].min(starts[at]);
    }
    let blank = |c: Option<char>| c.is_some_and(char::is_whitespace);
    let mut end = 0;
    let mut cuts = Vec::new();
    for (pair, &start) in with_bytes.windows(2).zip(starts.iter().skip(1)) {
        let [(at, before), (_, after)] = *pair else { continue };
        end = end.max(before.span.end);
        if end <= start {
            let begins = blank(after.text.chars().next()) && !blank(before.text.chars().next_back());
            cuts.push(Cut { tokens: at + 1, bytes: end..=start, before_word: begins || start > end });
        }
    }
    cuts
}

/// In the words of the side that has one token for it, else in those of a side that splits no character.
fn label(left: &[Token], right: &[Token]) -> String {
    let single = [left, right].into_iter().find(|side| side.len() == 1);
    let whole = || [left, right].into_iter().find(|side| !side.iter().any(Token::splits_a_character));
    Token::joined_label(single.or_else(whole).unwrap_or(left))
}

/// A matrix over tokens as one over pieces, given as the tokens of each: summed over the keys of a piece,
/// averaged over its queries, so that a row and its sink still sum to what they did; less what went to tokens of no piece:
/// [`left_out`].
///
/// # Panics
/// If the pieces are not rows of the matrix, in order, each with at least one.
pub fn pooled(matrix: &CausalMatrix, pieces: &[Range<usize>]) -> CausalMatrix {
    let mut cells = Vec::with_capacity(pieces.len() * (pieces.len() + 1) / 2);
    let mut sinks = Vec::new();
    for (at, queries) in pieces.iter().enumerate() {
        let share = 1.0 / queries.len() as f32;
        let rows: Vec<&[f32]> = queries.clone().map(|query| matrix.row(query)).collect();
        let weight = |keys: &Range<usize>| {
            let visible = |row: &&[f32]| row[keys.start..keys.end.min(row.len())].iter().sum::<f32>();
            rows.iter().map(visible).sum::<f32>() * share
        };
        // Within a piece, keys in the future of its first queries are in the past of its last.
        cells.extend(pieces[..=at].iter().map(weight));
        sinks.extend(matrix.sinks().map(|sinks| sinks[queries.clone()].iter().sum::<f32>() * share));
    }
    CausalMatrix::from_cells(pieces.len(), cells, matrix.sinks().map(|_| sinks))
}

/// What the queries of each piece give on average to tokens that no piece has, in order.
///
/// # Panics
/// As [`pooled`].
pub fn left_out(matrix: &CausalMatrix, pieces: &[Range<usize>], left_over: &[Range<usize>]) -> Vec<f32> {
    let of_row = |query: usize| {
        let row = matrix.row(query);
        let seen = |keys: &Range<usize>| row.get(keys.start..keys.end.min(row.len())).unwrap_or_default();
        // A sum of nothing would be −0.
        left_over.iter().flat_map(seen).fold(0.0, |sum, weight| sum + weight)
    };
    pieces.iter().map(|queries| queries.clone().map(of_row).sum::<f32>() / queries.len() as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Tokens of the byte lengths given, which make up `text`.
    fn tokens(text: &str, lengths: &[usize]) -> Vec<Token> {
        let mut start = 0;
        let mut token = |length: &usize| {
            let token = Token::from_bytes(0, String::new(), &text.as_bytes()[start..start + length], start);
            start += length;
            token
        };
        lengths.iter().map(&mut token).collect()
    }

    fn words(texts: &[&str]) -> Vec<Token> {
        tokens(&texts.concat(), &texts.iter().map(|text| text.len()).collect::<Vec<_>>())
    }

    fn shown(pieces: &[Piece]) -> Vec<(&str, [Range<usize>; 2])> {
        pieces.iter().map(|piece| (piece.label.as_str(), piece.tokens.clone())).collect()
    }

    #[test]
    fn pieces_end_where_both_have_a_boundary() {
        let (a, b) = (words(&["un", "believ", "able", " story"]), words(&["unbeliev", "able", " st", "ory"]));
        let expected = [("unbeliev", [0..2, 0..1]), ("able", [2..3, 1..2]), ("story", [3..4, 2..4])];
        assert_eq!(shown(&pieces(&a, &b, Granularity::Pieces)), expected);
        let expected = [("unbelievable", [0..3, 0..2]), ("story", [3..4, 2..4])];
        assert_eq!(shown(&pieces(&a, &b, Granularity::Words)), expected);
    }

    #[test]
    fn a_split_character_is_one_piece_if_one_side_keeps_it_whole() {
        let (a, b) = (tokens("日本🙂", &[1, 2, 3, 4]), tokens("日本🙂", &[3, 1, 1, 1, 2, 2]));
        let expected = [("日", [0..2, 0..1]), ("本", [2..3, 1..4]), ("🙂", [3..4, 4..6])];
        assert_eq!(shown(&pieces(&a, &b, Granularity::Pieces)), expected);
        assert_eq!(pieces(&a, &b, Granularity::Words).len(), 1);
        let split = tokens("日", &[1, 2]);
        assert_eq!(shown(&pieces(&split, &split, Granularity::Pieces)).len(), 2, "both split it alike");
        let (a, b) = (tokens("日", &[1, 2]), tokens("日", &[2, 1]));
        assert_eq!(shown(&pieces(&a, &b, Granularity::Pieces)), [("日", [0..2, 0..2])]);
    }

    #[test]
    fn offsets_that_leave_blanks_out_align_all_the_same() {
        let with = words(&["a", " story", " ends"]);
        let mut without = with.clone();
        (without[1].span, without[2].span) = (2..7, 8..12);
        for granularity in [Granularity::Pieces, Granularity::Words] {
            assert_eq!(pieces(&with, &without, granularity).len(), 3);
        }
    }

    #[test]
    fn a_token_without_bytes_goes_with_the_next() {
        let plain = words(&["a", " b"]);
        let added = Token { span: 0..0, ..Token::from_id(9) };
        let added = std::slice::from_ref(&added);
        let marked = [added, plain.as_slice(), added].concat();
        let found = pieces(&marked, &plain, Granularity::Pieces);
        assert_eq!(shown(&found), [("a", [0..2, 0..1]), ("b", [2..4, 1..2])]);
        assert_eq!(pieces(&plain, &[], Granularity::Pieces), []);
    }

    /// Rows \[.5|.5\], \[.2 .4|.4\], \[.1 .3 .6|0\], the first two one piece.
    #[test]
    fn keys_are_summed_and_queries_averaged() {
        let cells = vec![0.5, 0.2, 0.4, 0.1, 0.3, 0.6];
        let matrix = CausalMatrix::from_cells(3, cells, Some(vec![0.5, 0.4, 0.0]));
        let pooled = pooled(&matrix, &[0..2, 2..3]);
        let expected = [(0.5 + 0.6) / 2.0, 0.4, 0.6];
        for (found, expected) in pooled.cells().iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{pooled:?}");
        }
        assert_eq!(pooled.sinks(), Some([0.45, 0.0].as_slice()));
    }

    /// A text, and two ways to cut it, anywhere, within characters too.
    fn cut_twice() -> impl Strategy<Value = (String, Vec<usize>, Vec<usize>)> {
        let text = "[a-c 日本\u{301}é🙂👩‍👧\n]{1,24}".prop_map(String::from);
        text.prop_flat_map(|text| {
            let between = text.len() - 1;
            let cuts = || prop::collection::vec(any::<bool>(), between);
            (Just(text), cuts(), cuts())
        })
        .prop_map(|(text, a, b)| {
            let lengths = |cuts: Vec<bool>| {
                let mut lengths = vec![1];
                for cut in cuts {
                    match lengths.last_mut() {
                        Some(last) if !cut => *last += 1,
                        _ => lengths.push(1),
                    }
                }
                lengths
            };
            (text, lengths(a), lengths(b))
        })
    }

    /// Rows of which the keys and the sink sum to 1.
    fn matrix(size: usize, seed: u64, with_sink: bool) -> CausalMatrix {
        let mut random = fastrand::Rng::with_seed(seed);
        let (mut cells, mut sinks) = (Vec::new(), Vec::new());
        for query in 0..size {
            let row: Vec<f32> = (0..query + 2).map(|_| random.f32() + 1e-3).collect();
            let kept = if with_sink { row.as_slice() } else { &row[1..] };
            let sum: f32 = kept.iter().sum();
            sinks.push(row[0] / sum);
            cells.extend(row[1..].iter().map(|weight| weight / sum));
        }
        CausalMatrix::from_cells(size, cells, with_sink.then_some(sinks))
    }

    proptest! {
        #[test]
        fn any_two_cuts_of_a_text_align((text, a, b) in cut_twice(), seed: u64, with_sink: bool) {
            let sides = [tokens(&text, &a), tokens(&text, &b)];
            for granularity in [Granularity::Pieces, Granularity::Words] {
                let pieces = pieces(&sides[0], &sides[1], granularity);
                for (side, tokens) in sides.iter().enumerate() {
                    let ranges: Vec<_> = pieces.iter().map(|piece| piece.tokens[side].clone()).collect();
                    let all: Vec<usize> = ranges.iter().cloned().flatten().collect();
                    prop_assert_eq!(all, (0..tokens.len()).collect::<Vec<_>>(), "every token once, in order");
                    prop_assert!(ranges.iter().all(|range| !range.is_empty()));
                    let pooled = pooled(&matrix(tokens.len(), seed, with_sink), &ranges);
                    for row in 0..pooled.size() {
                        let sum = pooled.row(row).iter().sum::<f32>() + pooled.sink(row).unwrap_or(0.0);
                        prop_assert!((sum - 1.0).abs() < 1e-5, "row {} and its sink sum to {}", row, sum);
                    }
                }
                let bytes = |side: usize, piece: &Piece| {
                    let tokens = &sides[side][piece.tokens[side].clone()];
                    tokens[0].span.start..tokens[tokens.len() - 1].span.end
                };
                for piece in &pieces {
                    prop_assert_eq!(bytes(0, piece), bytes(1, piece), "the same bytes on both sides");
                }
            }
            let ends = |lengths: &[usize]| {
                lengths.iter().scan(0, |end, length| { *end += length; Some(*end) }).collect::<Vec<_>>()
            };
            let (a, b) = (ends(&a), ends(&b));
            let shared = a.iter().filter(|end| b.contains(end)).count();
            let finest = pieces(&sides[0], &sides[1], Granularity::Pieces).len();
            prop_assert_eq!(finest, shared, "as fine as both allow");
        }
    }
}
