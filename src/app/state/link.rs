//! What stands for the same text on the other side, whose tokens may be others.

use std::ops::Range;

use super::cursor::{Column, Cursor};
use super::displayed::DisplayedCapture;
use super::pane::Pane;
use crate::attention::Token;

/// The cell of `to` that stands for the text of a cell of `from`; the column stays where it was if there is
/// none for it.
pub fn same_place(from: &Pane, cursor: Cursor, to: &Pane) -> Option<Cursor> {
    let (a, b) = (from.shown.as_ref()?, to.shown.as_ref()?);
    let passages = SamePassages::of(a.text(), b.text());
    let same_cell = |cell: usize| {
        let token = cell * a.matrix().bin();
        let token = same_text(&a.capture.tokens, token, &b.capture.tokens, passages)?;
        Some(token / b.matrix().bin())
    };
    let column = match cursor.column {
        Column::Sink if b.matrix().sinks().is_some() => Column::Sink,
        Column::Sink => to.cursor.column,
        Column::Key(key) => same_cell(key).map_or(to.cursor.column, Column::Key),
    };
    Some(Cursor { query: same_cell(cursor.query)?, column })
}

/// The token of `to` that stands for the text of a token of `from`.
pub fn same_token(from: &DisplayedCapture, token: usize, to: &DisplayedCapture) -> Option<usize> {
    same_text(&from.capture.tokens, token, &to.capture.tokens, SamePassages::of(from.text(), to.text()))
}

/// The cells of `to` that stand for some of the text of the cells of `from`.
pub fn same_cells(
    from: &DisplayedCapture,
    cells: &Range<usize>,
    to: &DisplayedCapture,
) -> Option<Range<usize>> {
    let (a, b) = (from.matrix().bin(), to.matrix().bin());
    let tokens = cells.start * a..(cells.end * a).min(from.capture.tokens.len());
    let passages = SamePassages::of(from.text(), to.text());
    let same = same_texts(&from.capture.tokens, tokens, &to.capture.tokens, passages)?;
    Some(same.start / b..same.end.div_ceil(b))
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

/// The tokens of `to` that cover some of the bytes in the place of tokens `at` of `from`; by number where
/// there is no text behind the tokens.
fn same_texts(
    from: &[Token],
    at: Range<usize>,
    to: &[Token],
    passages: SamePassages,
) -> Option<Range<usize>> {
    let spans = || from.get(at.clone()).unwrap_or_default().iter().map(|token| &token.span);
    let with_text = || spans().filter(|span| !span.is_empty());
    let (Some(first), Some(last)) = (with_text().next(), with_text().next_back()) else {
        return (at.start < at.end && at.end <= to.len()).then_some(at);
    };
    let place = passages.place(&(first.start..last.end));
    let covers = |token: &Token| token.span.start < place.end && token.span.end > place.start;
    let start = to.iter().position(covers)?;
    Some(start..to.iter().rposition(covers)? + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attention::tokens;

    /// As of any prompt and itself.
    const SAME: SamePassages = SamePassages { begin: 99, end: (99, 99) };

    fn split_in_two_ways() -> (Vec<Token>, Vec<Token>) {
        (tokens(&["un", "believ", "able", " story"]), tokens(&["unbeliev", "able", " st", "ory"]))
    }

    #[test]
    fn tokens_are_linked_by_the_bytes_they_cover() {
        let (a, b) = split_in_two_ways();
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
    fn spans_are_linked_by_all_the_bytes_they_cover() {
        let (a, b) = split_in_two_ways();
        assert_eq!(same_texts(&a, 1..2, &b, SAME), Some(0..1));
        assert_eq!(same_texts(&a, 2..4, &b, SAME), Some(1..4));
        assert_eq!(same_texts(&b, 0..1, &a, SAME), Some(0..2));
        assert_eq!(same_texts(&b, 3..4, &a, SAME), Some(3..4));
        assert_eq!(same_texts(&a, 0..1, &[], SAME), None);
        let passages = SamePassages::of("The cat sat.", "The big dog sat.");
        let (cat, dog) =
            (tokens(&["The", " cat", " sat", "."]), tokens(&["The", " big", " dog", " sat", "."]));
        assert_eq!(same_texts(&cat, 1..3, &dog, passages), Some(1..4));
    }

    #[test]
    fn tokens_without_text_are_linked_by_number() {
        let ids: Vec<Token> = [5, 6].into_iter().map(Token::from_id).collect();
        assert_eq!(same_text(&ids, 1, &ids, SAME), Some(1));
        assert_eq!(same_text(&ids, 1, &ids[..1], SAME), None);
        assert_eq!(same_texts(&ids, 0..2, &ids, SAME), Some(0..2));
        assert_eq!(same_texts(&ids, 0..2, &ids[..1], SAME), None);
    }
}
