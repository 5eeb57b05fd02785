//! Where words and segments of a text begin, and where a text is found in it.

use std::ops::Range;

use crate::attention::token::Token;

/// Whether a word begins with a token: after a blank, with one, at what is no text.
fn begins_word(tokens: &[Token], at: usize) -> bool {
    let Some(before) = at.checked_sub(1).map(|before| &tokens[before]) else { return true };
    let token = &tokens[at];
    let is_blank = |text: &str| text.trim().is_empty();
    token.is_special
        || before.is_special
        || token.text.starts_with(char::is_whitespace) && !is_blank(&token.text)
        || before.text.ends_with(char::is_whitespace) && !is_blank(&token.text)
}

/// Whether a paragraph, a turn of a conversation, or another part of a text begins with a token.
fn begins_segment(tokens: &[Token], at: usize, separator: Separator) -> bool {
    let Some(before) = at.checked_sub(1).map(|before| &tokens[before]) else { return true };
    if tokens[at].is_special || before.is_special {
        return tokens[at].is_special != before.is_special;
    }
    // A separator may be several tokens: what is before this one ends with it, and this one doesn't go on with it.
    if tokens[at].text.trim().is_empty() {
        return false;
    }
    let mut end = String::new();
    for token in tokens[..at].iter().rev().take_while(|token| !token.is_special) {
        end.insert_str(0, &token.text);
        if !token.text.trim().is_empty() {
            break;
        }
    }
    match separator {
        Separator::BlankLine => end.ends_with("\n\n") || end.ends_with("\n\r\n"),
        Separator::LineEnd => end.ends_with('\n'),
        Separator::SentenceEnd => {
            end.ends_with(['。', '！', '？'])
                || end.ends_with(['.', '!', '?']) && tokens[at].text.starts_with(char::is_whitespace)
        }
    }
}

/// What parts of a text are separated by.
#[derive(Debug, Clone, Copy)]
enum Separator {
    BlankLine,
    LineEnd,
    SentenceEnd,
}

/// The largest separator that a text has.
fn separator(tokens: &[Token]) -> Separator {
    use Separator::{BlankLine, LineEnd, SentenceEnd};
    let has = |separator: &Separator| (1..tokens.len()).any(|at| begins_segment(tokens, at, *separator));
    [BlankLine, LineEnd].into_iter().find(has).unwrap_or(SentenceEnd)
}

/// The token that the next word begins with; the last token, if there is no other word.
pub fn next_word(tokens: &[Token], at: usize) -> usize {
    let last = tokens.len().saturating_sub(1);
    (at + 1..tokens.len()).find(|at| begins_word(tokens, *at)).unwrap_or(last)
}

/// The token that this word begins with, or the one before it, if that is where one is.
pub fn previous_word(tokens: &[Token], at: usize) -> usize {
    (0..at.min(tokens.len())).rev().find(|at| begins_word(tokens, *at)).unwrap_or(0)
}

/// The token that the next segment begins with; the last token, if there is no other one.
pub fn next_segment(tokens: &[Token], at: usize) -> usize {
    let (last, separator) = (tokens.len().saturating_sub(1), separator(tokens));
    (at + 1..tokens.len()).find(|at| begins_segment(tokens, *at, separator)).unwrap_or(last)
}

/// The token that this segment begins with, or the one before it, if that is where one is.
pub fn previous_segment(tokens: &[Token], at: usize) -> usize {
    let separator = separator(tokens);
    (0..at.min(tokens.len())).rev().find(|at| begins_segment(tokens, *at, separator)).unwrap_or(0)
}

/// The tokens of each place where a text is found, in order; places don't overlap. Letters may be large or small,
/// unless some of what is looked for are large.
pub fn find(tokens: &[Token], needle: &str) -> Vec<Range<usize>> {
    let is_exact = needle.chars().any(char::is_uppercase);
    let fold = |text: &str| if is_exact { text.to_owned() } else { text.to_lowercase() };
    let needle = fold(needle);
    let (mut text, mut ends) = (Vec::new(), Vec::with_capacity(tokens.len()));
    for token in tokens {
        // A part of a character has no letters to be folded.
        text.extend(if token.splits_a_character() { token.bytes() } else { fold(&token.text).into_bytes() });
        ends.push(text.len());
    }
    if needle.is_empty() {
        return Vec::new();
    }
    // What is no character stands apart, and its places stay what they are.
    let text = String::from_utf8(text).unwrap_or_else(|error| {
        let chunks = error.as_bytes().utf8_chunks();
        chunks.map(|chunk| format!("{}{}", chunk.valid(), "\0".repeat(chunk.invalid().len()))).collect()
    });
    let places = text.match_indices(&needle);
    let tokens = |byte: usize| ends.partition_point(|end| *end <= byte);
    places.map(|(at, found)| tokens(at)..tokens(at + found.len() - 1) + 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attention::tokens;

    #[test]
    fn words_begin_after_blanks() {
        let row = tokens(&["un", "believ", "able", " story", ",", " \n", "The", " end", "."]);
        let forth: Vec<usize> = (0..9).map(|at| next_word(&row, at)).collect();
        assert_eq!(forth, [3, 3, 3, 6, 6, 6, 7, 8, 8]);
        let back: Vec<usize> = (0..9).map(|at| previous_word(&row, at)).collect();
        assert_eq!(back, [0, 0, 0, 0, 3, 3, 3, 6, 7]);
        assert_eq!((next_word(&[], 0), previous_word(&[], 0)), (0, 0));
    }

    #[test]
    fn segments_are_paragraphs_or_lines_or_sentences() {
        let paragraphs = tokens(&["a", "\n", "b", "\n", "\n", "c", ".", " d", "\n\n", "e"]);
        let starts = |row: &[Token]| {
            let mut at = vec![0];
            while at.last().is_some_and(|last| *last + 1 < row.len()) {
                at.push(next_segment(row, at[at.len() - 1]));
            }
            at
        };
        assert_eq!(starts(&paragraphs), [0, 5, 9]);
        assert_eq!((previous_segment(&paragraphs, 9), previous_segment(&paragraphs, 7)), (5, 5));
        assert_eq!(starts(&paragraphs[..4]), [0, 2, 3], "lines, and then the end");
        assert_eq!(starts(&tokens(&["3", ".", "1", " b", ".", " c", "!"])), [0, 5, 6], "sentences");
        let mut chat = tokens(&["<s>", "user", "<e>", "hi"]);
        (chat[0].is_special, chat[2].is_special) = (true, true);
        assert_eq!(starts(&chat), [0, 1, 2, 3]);
    }

    #[test]
    fn text_is_found_over_tokens_and_in_part_of_them() {
        let row = tokens(&["The", " st", "ory", " of a", " story"]);
        assert_eq!(find(&row, "story"), [1..3, 4..5]);
        let first = |tokens: &[Token], needle| find(tokens, needle).first().cloned();
        assert_eq!([first(&row, "the"), first(&row, "THE"), first(&row, "")], [Some(0..1), None, None]);
        let emoji = "é🙂".as_bytes();
        let mut start = 0;
        let split: Vec<Token> = [&emoji[..1], &emoji[1..4], &emoji[4..]]
            .map(|part| {
                start += part.len();
                Token::from_bytes(0, String::new(), part, start - part.len())
            })
            .into();
        let found = [first(&split, "🙂"), first(&split, "É"), first(&split[..2], "é")];
        assert_eq!(found, [Some(1..3), None, Some(0..2)]);
    }
}
