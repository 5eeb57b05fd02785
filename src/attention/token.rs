//! One token of a prompt: what the model reads, what the tokenizer calls it, and the bytes it covers.

use std::fmt::Write as _;
use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation as _;

/// A token of a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Row of the embedding matrix.
    pub id: u32,
    /// The vocabulary's own spelling (`Ġstory`), as Hugging Face prints it. `#id` without a tokenizer.
    pub raw: String,
    /// The bytes it stands for, as text. A part of a split UTF-8 character is shown as `\xNN`.
    pub text: String,
    /// The bytes of the prompt it covers; empty for a token the tokenizer added.
    pub span: Range<usize>,
    /// Whether the tokenizer calls it special: it begins or ends a text or a turn, and is no text itself.
    pub is_special: bool,
    /// Whether a model wrote it: it is no part of the prompt.
    pub is_generated: bool,
}

impl Token {
    /// A token of a prompt given as ids, with no text behind it.
    pub fn from_id(id: u32) -> Self {
        let name = format!("#{id}");
        Self { id, raw: name.clone(), text: name, span: 0..0, is_special: false, is_generated: false }
    }

    /// A token for the `bytes` it stands for, which begin at byte `start` of the prompt.
    pub fn from_bytes(id: u32, raw: String, bytes: &[u8], start: usize) -> Self {
        let span = start..start + bytes.len();
        Self { id, raw, text: printable_bytes(bytes), span, is_special: false, is_generated: false }
    }

    /// Whether its bytes are a part of a character, so that its text is no text (or spells such a part).
    pub fn splits_a_character(&self) -> bool {
        let is_byte = |part: &str| {
            let digit = |at: usize| part.as_bytes().get(at).is_some_and(u8::is_ascii_hexdigit);
            digit(0) && digit(1)
        };
        self.text.split("\\x").skip(1).any(is_byte)
    }

    /// As [`label`](Self::label), of several tokens in a row. Characters that they split among them are whole.
    pub fn joined_label(tokens: &[Self]) -> String {
        let bytes: Vec<u8> = tokens.iter().flat_map(Self::bytes).collect();
        Self::from_bytes(0, String::new(), &bytes, 0).label()
    }

    /// The texts of tokens in a row, those of a character that they split among them as one.
    pub fn whole_texts(tokens: &[Self]) -> Vec<String> {
        let runs = tokens.chunk_by(|a, b| a.splits_a_character() && b.splits_a_character());
        let text = |run: &[Self]| printable_bytes(&run.iter().flat_map(Self::bytes).collect::<Vec<_>>());
        runs.map(text).collect()
    }

    /// The first tokens in a row, if there are any, whose bytes are no characters.
    pub fn no_text(tokens: &[Self]) -> Option<&[Self]> {
        let mut runs = tokens.chunk_by(|a, b| a.splits_a_character() && b.splits_a_character());
        let bytes = |run: &[Self]| run.iter().flat_map(Self::bytes).collect::<Vec<u8>>();
        runs.find(|run| run[0].splits_a_character() && String::from_utf8(bytes(run)).is_err())
    }

    /// The text of tokens in a row, and what is no text in it as U+FFFD: a character of which the rest is missing.
    pub fn joined_text(tokens: &[Self]) -> String {
        let bytes: Vec<u8> = tokens.iter().flat_map(Self::bytes).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The bytes that the text stands for.
    pub fn bytes(&self) -> Vec<u8> {
        if !self.splits_a_character() {
            return self.text.clone().into_bytes();
        }
        let mut parts = self.text.split("\\x");
        let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
        for part in parts {
            match part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
                Some(byte) => {
                    bytes.push(byte);
                    bytes.extend_from_slice(&part.as_bytes()[2..]);
                }
                None => bytes.extend_from_slice(format!("\\x{part}").as_bytes()),
            }
        }
        bytes
    }

    /// One line that is safe to print: the text without surrounding blanks, its control characters
    /// escaped; a token of blanks only is shown by its escapes or as `␣`.
    pub fn label(&self) -> String {
        let trimmed = self.text.trim_matches(' ');
        let body = if trimmed.is_empty() { "␣".repeat(self.text.len().max(1)) } else { trimmed.to_owned() };
        escape_controls(&body)
    }
}

/// Bytes as text; what is not UTF-8 (a token may split a character) as `\xNN`.
fn printable_bytes(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

/// Characters that a terminal obeys, or that hide or reorder the text around them, replaced by their escapes. All
/// text that comes from files goes through this before it is printed. A joiner within an emoji is a part of that, and stays.
pub fn escape_controls(text: &str) -> String {
    escape_but(text, &[])
}

/// As [`escape_controls`], but for some characters.
pub fn escape_but(text: &str, kept: &[char]) -> String {
    let joiners = joiners(text);
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        match c {
            c if kept.contains(&c) || joiners.contains(&at) => out.push(c),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if is_unprintable(c) => {
                let _ = write!(out, "\\u{{{:x}}}", c as u32);
            }
            c => out.push(c),
        }
    }
    out
}

/// Where joiners stand that join what is around them.
fn joiners(text: &str) -> Vec<usize> {
    if !text.contains(JOINER) {
        return Vec::new();
    }
    let within = |(start, grapheme): (usize, &str)| {
        let (end, length) = (start + grapheme.len(), JOINER.len_utf8());
        let places: Vec<usize> = grapheme.match_indices(JOINER).map(|(at, _)| start + at).collect();
        places.into_iter().filter(move |at| start < *at && at + length < end)
    };
    text.grapheme_indices(true).flat_map(within).collect()
}

/// Makes one character of those around it: of two persons a couple.
const JOINER: char = '\u{200d}';

/// Whether a character is a control character, none at all (U+FFFE), or one that Unicode calls ignorable: it shows nothing, and may hide or
/// reorder what is around it. Selectors of a variant are none of these: they belong to the character before them.
pub fn is_unprintable(c: char) -> bool {
    let is_no_character = matches!(c, '\u{fdd0}'..='\u{fdef}') || c as u32 & 0xfffe == 0xfffe;
    is_no_character
        || c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e00ff}' | '\u{e01f0}'..='\u{e0fff}')
}

/// Whether a terminal obeys a character, or it hides or reorders what is around it. What joins characters, as those of a
/// family in emoji, is a part of them.
pub fn is_hidden(c: char) -> bool {
    is_unprintable(c) && !matches!(c, '\u{200c}' | '\u{200d}')
}

/// A prompt of these texts, for tests.
#[cfg(test)]
pub(crate) fn tokens(texts: &[&str]) -> Vec<Token> {
    let mut start = 0;
    let mut token = |text: &&str| {
        let token = Token::from_bytes(0, String::new(), text.as_bytes(), start);
        start += text.len();
        token
    };
    texts.iter().map(&mut token).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_characters_are_found() {
        let word = || Token::from_bytes(1, "a".to_owned(), b"a", 0);
        let whole = [word(), token(&"é".as_bytes()[..1]), token(&"é".as_bytes()[1..])];
        assert_eq!((Token::no_text(&whole), Token::no_text(&[])), (None, None));
        let broken = [word(), token(&[0xf0]), word(), token(&[0x83])];
        assert_eq!(Token::no_text(&broken), Some(&broken[1..2]));
    }

    fn token(bytes: &[u8]) -> Token {
        Token::from_bytes(7, "raw".into(), bytes, 3)
    }

    #[test]
    fn label_drops_the_leading_space() {
        assert_eq!(token(b" story").label(), "story");
        assert_eq!(token(b" story").span, 3..9);
    }

    #[test]
    fn label_shows_blanks_and_controls() {
        assert_eq!(token(b"  ").label(), "␣␣");
        assert_eq!(token(b"\n\n").label(), "\\n\\n");
        assert_eq!(token(b"\x1b[2J").label(), "\\u{1b}[2J");
        assert_eq!(token("\u{202e}x".as_bytes()).label(), "\\u{202e}x");
    }

    /// A joiner is seen where it stands alone, and where it joins nothing.
    #[test]
    fn a_joiner_within_an_emoji_is_a_part_of_it() {
        let family = "👩\u{200d}👩\u{200d}👧";
        assert_eq!(escape_controls(family), family);
        assert_eq!(token(format!(" {family}").as_bytes()).label(), family);
        for (text, shown) in [
            ("\u{200d}", "\\u{200d}"),
            ("a\u{200d}b", "a\\u{200d}b"),
            ("👩\u{200d}", "👩\\u{200d}"),
            ("\u{200d}👧", "\\u{200d}👧"),
            ("\r\n", "\\r\\n"),
        ] {
            assert_eq!(escape_controls(text), shown);
        }
        assert_eq!(escape_but("a\nb\rc", &['\n']), "a\nb\\rc");
    }

    #[test]
    fn what_hides_or_reorders_text_is_escaped() {
        for c in [
            '\u{7f}',
            '\u{9b}',
            '\u{ad}',
            '\u{61c}',
            '\u{200e}',
            '\u{2028}',
            '\u{2029}',
            '\u{2066}',
            '\u{2069}',
            '\u{206f}',
            '\u{fff9}',
            '\u{fffb}',
            '\u{feff}',
            '\u{e0001}',
            '\u{e0041}',
            '\u{e007f}',
            '\u{fffe}',
            '\u{10ffff}',
            '\u{fffe}',
            '\u{10ffff}',
        ] {
            assert_eq!(escape_controls(&format!("a{c}b")), format!("a\\u{{{:x}}}b", c as u32));
        }
        // Letters, marks, blanks, selectors of a variant, private characters, and what stands for a broken one.
        let shown = "é字🙂❤\u{fe0f}葛\u{e0100}e\u{301}\u{3000}\u{a0}\u{e000}\u{fffd}";
        assert_eq!(escape_controls(shown), shown);
    }

    #[test]
    fn half_a_character_is_shown_by_its_bytes() {
        assert_eq!(token(&"é".as_bytes()[..1]).label(), "\\xc3");
        let split = |bytes: &[u8]| token(bytes).splits_a_character();
        assert!(split(&"é".as_bytes()[..1]) && split(b"a\xa9b"));
        assert!(!split("é".as_bytes()) && !split(b"\\x") && !split(b"\\xy0"));
    }

    #[test]
    fn a_character_that_tokens_split_is_one_text() {
        let emoji: Vec<Token> = "🙂".bytes().map(|byte| token(&[byte])).collect();
        let row = [&[token(b"a ")], emoji.as_slice(), &[token(b" b")]].concat();
        assert_eq!(Token::whole_texts(&row), ["a ", "🙂", " b"]);
        assert_eq!(Token::whole_texts(&row[..4]), ["a ", "\\xf0\\x9f\\x99"]);
        assert!(Token::whole_texts(&[]).is_empty());
    }

    #[test]
    fn tokens_in_a_row_share_a_label() {
        let bytes = " a日".as_bytes();
        assert_eq!(Token::joined_label(&[token(&bytes[..3]), token(&bytes[3..])]), "a日");
        assert_eq!(Token::joined_label(&[token(&bytes[..3]), token(&bytes[3..4])]), "a\\xe6\\x97");
        assert_eq!(Token::joined_label(&[token(b"  "), token(b"\n")]), "\\n");
    }
}
