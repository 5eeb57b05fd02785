//! Which bytes of the prompt each token covers. The bytes that tokens are spelled with tell it to the byte, and
//! tell apart the parts of a character; where a normaliser changed the text, the tokenizer's offsets have to do.

use std::ops::Range;

use crate::attention::Token;

/// A token as the tokenizer gives it.
pub struct Piece {
    pub id: u32,
    /// The vocabulary's spelling.
    pub raw: String,
    /// The bytes it stands for, if its spelling tells.
    pub bytes: Option<Vec<u8>>,
    /// Where the tokenizer has it from. Tokens that share a character have all of it.
    pub offsets: Range<usize>,
    /// Whether it was put around the prompt, and covers nothing of it.
    pub inserted: bool,
}

/// The tokens with the bytes that each covers. Text that two would share is given to one, or parted.
pub fn spread(pieces: Vec<Piece>, prompt: &str) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(pieces.len());
    let mut end = 0;
    let mut rest = pieces.into_iter().peekable();
    while let Some(first) = rest.next() {
        if first.inserted || prompt.get(first.offsets.clone()).is_none() {
            tokens.push(token(first.id, first.raw.clone(), first.raw, 0..0));
            continue;
        }
        // All that overlap are looked at together.
        let mut range = first.offsets.clone();
        let mut group = vec![first];
        while let Some(next) = rest.next_if(|next| !next.inserted && overlaps(&next.offsets, &range)) {
            range = range.start.min(next.offsets.start)..range.end.max(next.offsets.end);
            group.push(next);
        }
        let from = range.start.max(end).min(range.end);
        let range = from..range.end;
        let blanks = prompt.get(end..from).is_some_and(|gap| gap.chars().all(char::is_whitespace));
        let start = if blanks { end } else { from };
        end = range.end.max(end);
        let exact = by_bytes(&group, prompt, start..range.end)
            .or_else(|| Some(widened(by_bytes(&group, prompt, range.clone())?, prompt, start)));
        tokens.extend(exact.unwrap_or_else(|| by_offsets(group, prompt, start..range.end)));
    }
    tokens
}

/// Whether two ranges share a byte, or the first is nothing within the second.
fn overlaps(next: &Range<usize>, range: &Range<usize>) -> bool {
    next.start < range.end && next.end > range.start
}

/// Each token's own bytes, if together they are those of the range. The first may have a blank that was put
/// before the text.
fn by_bytes(group: &[Piece], prompt: &str, range: Range<usize>) -> Option<Vec<Token>> {
    let covered = prompt.as_bytes().get(range.clone())?;
    let spelled: Vec<&[u8]> = group.iter().map(|piece| piece.bytes.as_deref()).collect::<Option<_>>()?;
    let put_before = match () {
        () if spelled.concat() == covered => 0,
        () if spelled.concat().strip_prefix(b" ") == Some(covered) => 1,
        () => return None,
    };
    let mut start = range.start;
    let mut skipped = put_before;
    let token = |(piece, bytes): (&Piece, &[u8])| {
        let bytes = bytes.get(skipped.min(bytes.len())..).unwrap_or_default();
        skipped = 0;
        let token = Token::from_bytes(piece.id, piece.raw.clone(), bytes, start);
        start += bytes.len();
        // A blank alone that stands for nothing of the prompt is shown as what it is.
        if bytes.is_empty() { Token { text: piece.raw.clone(), span: 0..0, ..token } } else { token }
    };
    Some(group.iter().zip(spelled).map(token).collect())
}

/// A token that covers a part of a prompt; whether it is special is known elsewhere.
fn token(id: u32, text: String, raw: String, span: Range<usize>) -> Token {
    Token { text, raw, span, ..Token::from_bytes(id, String::new(), &[], 0) }
}

/// The tokens, the first that covers anything from `start` on.
fn widened(mut tokens: Vec<Token>, prompt: &str, start: usize) -> Vec<Token> {
    if let Some(first) = tokens.iter_mut().find(|token| !token.span.is_empty()) {
        let before = prompt.get(start..first.span.start).unwrap_or_default();
        first.text.insert_str(0, before);
        first.span.start -= before.len();
    }
    tokens
}

/// What the offsets say: a token alone is the text there; several that share it are what each is spelled with,
/// and parts of it in turn, so that no text is there twice.
fn by_offsets(group: Vec<Piece>, prompt: &str, range: Range<usize>) -> Vec<Token> {
    if let [piece] = group.as_slice() {
        let text = prompt.get(range.clone()).unwrap_or_default();
        let text = if text.is_empty() { piece.raw.clone() } else { text.to_owned() };
        return vec![token(piece.id, text, piece.raw.clone(), range)];
    }
    let last = group.len() - 1;
    let mut start = range.start;
    let token = |(at, piece): (usize, Piece)| {
        let bytes = piece.bytes.unwrap_or_else(|| piece.raw.clone().into_bytes());
        let Token { text, .. } = Token::from_bytes(piece.id, String::new(), &bytes, 0);
        // One that begins a character of its own begins there; what follows within it covers the rest.
        let own = piece.offsets.start.max(start).min(range.end);
        let end = if at == last { range.end } else { piece.offsets.end.clamp(own, range.end) };
        let span = start..end;
        start = end;
        self::token(piece.id, text, piece.raw, span)
    };
    group.into_iter().enumerate().map(token).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(raw: &str, bytes: &[u8], offsets: Range<usize>) -> Piece {
        Piece { id: 0, raw: raw.to_owned(), bytes: Some(bytes.to_vec()), offsets, inserted: false }
    }

    fn shown(pieces: Vec<Piece>, prompt: &str) -> Vec<(String, Range<usize>)> {
        spread(pieces, prompt).into_iter().map(|token| (token.text, token.span)).collect()
    }

    fn text(text: &str, span: Range<usize>) -> (String, Range<usize>) {
        (text.to_owned(), span)
    }

    #[test]
    fn bytes_of_one_character_are_told_apart() {
        let byte = |byte: u8| piece("<0x..>", &[byte], 1..5);
        let emoji = "🙂".as_bytes();
        let pieces = [piece("a", b"a", 0..1)].into_iter().chain(emoji.iter().map(|b| byte(*b)));
        let expected = [
            text("a", 0..1),
            text("\\xf0", 1..2),
            text("\\x9f", 2..3),
            text("\\x99", 3..4),
            text("\\x82", 4..5),
        ];
        assert_eq!(shown(pieces.collect(), "a🙂"), expected);
        let tokens = spread(emoji.iter().map(|b| piece("", &[*b], 0..4)).collect(), "🙂");
        assert_eq!(Token::joined_label(&tokens), "🙂");
    }

    #[test]
    fn a_blank_goes_with_what_follows_it() {
        // As a pre-tokenizer leaves it that cuts blanks out, and puts one before every word.
        let pieces = vec![piece("▁a", b" a", 0..1), piece("▁b", b" b", 3..4)];
        assert_eq!(shown(pieces, "a  b"), [text("a", 0..1), text("  b", 1..4)]);
        let pieces = vec![piece("▁", b" ", 0..1), piece("b", b"b", 0..1)];
        assert_eq!(shown(pieces, "b"), [text("▁", 0..0), text("b", 0..1)]);
    }

    #[test]
    fn tokens_that_share_changed_text_are_shown_as_they_are_spelled() {
        let pieces = vec![
            piece("株", "株".as_bytes(), 0..3),
            piece("式", "式".as_bytes(), 0..3),
            piece("!", b"!", 3..4),
        ];
        assert_eq!(shown(pieces, "㍿!"), [text("株", 0..3), text("式", 3..3), text("!", 3..4)]);
        let lower = vec![piece("hi", b"hi", 0..2)];
        assert_eq!(shown(lower, "Hi"), [text("Hi", 0..2)]);
    }

    #[test]
    fn what_is_put_around_covers_nothing() {
        let cls = Piece { inserted: true, ..piece("[CLS]", b"[CLS]", 0..0) };
        assert_eq!(shown(vec![cls, piece("a", b"a", 0..1)], "a"), [text("[CLS]", 0..0), text("a", 0..1)]);
        // Offsets that cut a character, or lie outside, are none.
        assert_eq!(shown(vec![piece("a", b"a", 1..9)], "é"), [text("a", 0..0)]);
    }
}
