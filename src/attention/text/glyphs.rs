//! What is seen of tokens: characters as readers count them, each with the tokens that it is of.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::attention::token::{Token, is_hidden};

/// Control characters with a sign of their own.
const SIGNS: [(char, char); 3] = [('\n', '⏎'), ('\r', '␍'), ('\t', '⇥')];
/// In the place of a token without text, and of a special token that is not named.
const NAMELESS: &str = "·";
/// What carries a mark that has no letter before it.
const CARRIER: char = '◌';

/// The sign of a character that would be obeyed, or would hide what is around it; the character, if it is none.
pub fn sign(c: char) -> char {
    match SIGNS.iter().find(|(control, _)| *control == c) {
        Some((_, sign)) => *sign,
        None if is_hidden(c) => '�',
        None => c,
    }
}

/// Whether a text begins with a sign of a control character.
pub fn is_sign(text: &str) -> bool {
    SIGNS.iter().any(|(_, sign)| text.starts_with(*sign))
}

/// A character of a text, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Character {
    /// At least a column wide, without control characters.
    pub shown: String,
    /// What lines may do at it.
    pub kind: GlyphKind,
}

/// The characters of a text as readers count them, each with its bytes.
pub fn characters(text: &str) -> impl Iterator<Item = (Range<usize>, Character)> + '_ {
    graphemes(text).map(|(at, grapheme)| {
        let character = Character { shown: shown(grapheme), kind: kind(grapheme) };
        (at..at + grapheme.len(), character)
    })
}

/// The characters of a text without what they are shown as: where each begins, what lines may do at it, and its columns.
pub fn extents(text: &str) -> impl Iterator<Item = (usize, GlyphKind, usize)> + '_ {
    graphemes(text).map(|(at, grapheme)| (at, kind(grapheme), columns(grapheme)))
}

/// The grapheme clusters of a text, each with the byte at which it begins. Between two ASCII characters there is always
/// an end of one, but in `\r\n` (UAX 29, GB3): most texts need no tables.
fn graphemes(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
        let grapheme = match rest.as_bytes() {
            [b'\r', ..] | [128..=255, ..] | [_, 128..=255, ..] => rest.graphemes(true).next()?,
            _ => &rest[..1],
        };
        at += grapheme.len();
        Some((at - grapheme.len(), grapheme))
    })
}

/// A character as readers count them: a letter with its marks, an emoji of several parts, a byte that is no character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glyph {
    /// As it is shown: at least a column wide, without control characters.
    pub shown: String,
    /// The tokens that it is of: more than one where they split it among them.
    pub tokens: Range<usize>,
    /// What lines may do at it.
    pub kind: GlyphKind,
}

/// What lines may do at a glyph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GlyphKind {
    /// A part of a word.
    Letter,
    /// A blank: a line may end after it.
    Blank,
    /// Wide: words of such characters have no blanks between them, so a line may end before and after it.
    Wide,
    /// Wide, but nothing that a line begins with: 。
    Closing,
    /// The end of a line.
    LineEnd,
    /// The first of a token that is no text: a line may begin with it, and with what follows the token.
    Apart,
}

/// What is seen of tokens in a row, in order: each has one glyph at least, and each byte of their texts is in one glyph.
/// Special tokens are a dot each if they are not to be named.
pub fn glyphs(tokens: &[Token], hides_special: bool) -> Vec<Glyph> {
    let mut glyphs = Vec::new();
    let mut first = 0;
    for run in tokens.chunk_by(|a, b| is_text(a) && is_text(b)) {
        if is_text(&run[0]) {
            of_texts(run, first, &mut glyphs);
        } else {
            apart(&run[0], first, hides_special, &mut glyphs);
        }
        first += run.len();
    }
    glyphs
}

/// Whether a token is a part of the text around it: no special one, and none without bytes in the text.
fn is_text(token: &Token) -> bool {
    !token.is_special && !token.text.is_empty() && !token.span.is_empty()
}

/// The bytes of a token: where its text is as long as what it covers, that is what it covers, and spells no bytes.
fn bytes(token: &Token) -> Vec<u8> {
    if token.text.len() == token.span.len() { token.text.clone().into_bytes() } else { token.bytes() }
}

fn of_texts(run: &[Token], first: usize, glyphs: &mut Vec<Glyph>) {
    let (mut all, mut ends) = (Vec::new(), Vec::with_capacity(run.len()));
    for token in run {
        all.extend(bytes(token));
        ends.push(all.len());
    }
    let mut token = 0;
    let mut owners = |bytes: Range<usize>| {
        while ends[token] <= bytes.start {
            token += 1;
        }
        let later = ends[token..].iter().take_while(|end| **end < bytes.end).count();
        first + token..first + token + later + 1
    };
    let mut at = 0;
    for chunk in all.utf8_chunks() {
        for (bytes, Character { shown, kind }) in characters(chunk.valid()) {
            glyphs.push(Glyph { shown, tokens: owners(at + bytes.start..at + bytes.end), kind });
        }
        at += chunk.valid().len();
        for byte in chunk.invalid() {
            let shown = format!("\\x{byte:02x}");
            glyphs.push(Glyph { shown, tokens: owners(at..at + 1), kind: GlyphKind::Letter });
            at += 1;
        }
    }
}

/// A token that is no text, by its name.
fn apart(token: &Token, at: usize, hides_special: bool, glyphs: &mut Vec<Glyph>) {
    let hides = token.text.is_empty() || token.is_special && hides_special;
    let name = if hides { NAMELESS } else { token.text.as_str() };
    for (bytes, Character { shown, kind }) in characters(name) {
        let kind = if bytes.start == 0 && kind != GlyphKind::LineEnd { GlyphKind::Apart } else { kind };
        glyphs.push(Glyph { shown, tokens: at..at + 1, kind });
    }
}

fn shown(text: &str) -> String {
    let shown: String = text.chars().map(sign).collect();
    if shown.width() == 0 { format!("{CARRIER}{shown}") } else { shown }
}

/// Columns of what a text is shown as.
fn columns(text: &str) -> usize {
    if let [b' '..=b'~'] = text.as_bytes() {
        return 1;
    }
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        // Most are: this takes no memory.
        (Some(c), None) => sign(c).width().unwrap_or(0).max(1),
        _ => shown(text).width(),
    }
}

fn kind(text: &str) -> GlyphKind {
    match text {
        _ if matches!(text.as_bytes(), [b'!'..=b'~']) => GlyphKind::Letter,
        "\n" | "\r\n" => GlyphKind::LineEnd,
        // Blanks that no line is to be broken at.
        "\u{a0}" | "\u{202f}" => GlyphKind::Letter,
        _ if text.chars().all(char::is_whitespace) => GlyphKind::Blank,
        _ if text.width() < 2 => GlyphKind::Letter,
        _ if text.starts_with(is_closing) => GlyphKind::Closing,
        _ => GlyphKind::Wide,
    }
}

/// Whether a wide character ends what is before it.
fn is_closing(c: char) -> bool {
    matches!(
        c,
        '、' | '。'
            | '，'
            | '．'
            | '！'
            | '？'
            | '）'
            | '」'
            | '』'
            | '】'
            | '》'
            | '〉'
            | '：'
            | '；'
            | '”'
            | '’'
            | '〕'
            | 'ー'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::attention::tokens;

    fn seen(tokens: &[Token]) -> Vec<(String, Range<usize>)> {
        glyphs(tokens, false).into_iter().map(|glyph| (glyph.shown, glyph.tokens)).collect()
    }

    fn of_bytes(parts: &[&[u8]]) -> Vec<Token> {
        let mut start = 0;
        let mut token = |part: &&[u8]| {
            let token = Token::from_bytes(0, String::new(), part, start);
            start += part.len();
            token
        };
        parts.iter().map(&mut token).collect()
    }

    #[test]
    fn characters_that_tokens_split_are_whole_and_of_all_of_them() {
        let emoji = "🙂".as_bytes();
        let found = seen(&of_bytes(&[b"a ", &emoji[..1], &emoji[1..3], &[emoji[3], b'b'], b"\xe6"]));
        let expected = [("a", 0..1), (" ", 0..1), ("🙂", 1..4), ("b", 3..4), ("\\xe6", 4..5)];
        assert_eq!(found, expected.map(|(text, tokens)| (text.to_owned(), tokens)));
        let accent = seen(&tokens(&["e", "\u{301}x"]));
        assert_eq!(accent, [("e\u{301}".to_owned(), 0..2), ("x".to_owned(), 1..2)]);
    }

    proptest! {
        #[test]
        fn extents_are_those_of_what_is_shown(text in "(\\PC|[a-z \t\n]|\u{301}|日|👩\u{200d}👧|\r\n|\u{202e}){0,20}") {
            let shown = characters(&text).map(|(bytes, it)| (bytes.start, it.kind, it.shown.width()));
            prop_assert_eq!(extents(&text).collect::<Vec<_>>(), shown.collect::<Vec<_>>());
        }

        #[test]
        fn graphemes_are_those_of_the_tables(
            text in "(\\PC|[a-z \t]|\r|\n|\u{301}|\u{600}|\u{1f1e9}|👩\u{200d}👧|\u{200d}|क\u{94d}|\u{1100}){0,20}"
        ) {
            prop_assert_eq!(graphemes(&text).collect::<Vec<_>>(), text.grapheme_indices(true).collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_would_be_obeyed_is_a_sign() {
        let found: Vec<String> =
            seen(&tokens(&["a\t\u{1b}", "\r\n\u{202e}\u{301}"])).into_iter().map(|it| it.0).collect();
        assert_eq!(found, ["a", "⇥", "�", "␍⏎", "�", "◌\u{301}"]);
    }

    #[test]
    fn a_token_that_spells_bytes_is_told_from_one_that_has_them() {
        assert_eq!(seen(&tokens(&["\\x41"])).len(), 4, "as it was written");
        assert_eq!(seen(&of_bytes(&[b"\xff"])), [("\\xff".to_owned(), 0..1)]);
    }

    #[test]
    fn special_tokens_and_such_without_text_are_seen() {
        let mut special = Token { is_special: true, ..Token::from_id(7) };
        special.text = "<s>".to_owned();
        let empty = Token { text: String::new(), ..Token::from_id(8) };
        let row = [special, empty, Token::from_id(5)];
        let shown = |hides| glyphs(&row, hides).iter().map(|glyph| glyph.shown.clone()).collect::<String>();
        assert_eq!((shown(false), shown(true)), ("<s>·#5".to_owned(), "··#5".to_owned()));
    }
}
