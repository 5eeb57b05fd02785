//! Two texts brought together where they say the same: the words that both have in the same order, and the pieces that
//! both have whole tokens of within these.

use std::collections::HashMap;
use std::ops::Range;

use super::Token;
use super::alignment::{Cut, Granularity, Piece, cuts, pieces};

/// Whether two sides have read one text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Texts {
    /// The same bytes: every token of either has its place on the other side.
    #[default]
    Same,
    /// Texts of their own: what both say is found word by word.
    Different,
}

impl Texts {
    /// The same if `is_same`.
    pub fn same_if(is_same: bool) -> Self {
        if is_same { Self::Same } else { Self::Different }
    }
}

/// What of two tokenisations belongs together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alignment {
    /// What both say, in order.
    pub pieces: Vec<Piece>,
    /// The tokens, left and right, that no piece has, in runs; of one text there are none.
    pub left_over: [Vec<Range<usize>>; 2],
}

/// A run of tokens that are one word, or one that covers no bytes.
struct Word {
    tokens: Range<usize>,
    /// What makes it the same word on the other side.
    text: Text,
}

/// What a word says.
#[derive(PartialEq, Eq, Hash)]
enum Text {
    /// Its bytes, without blanks around them.
    Bytes(Vec<u8>),
    /// The vocabulary's spelling of a token that covers no bytes.
    Added(String),
}

/// Brings together the tokens of one text, or the common words of two: of those that keep their order on both sides as
/// many as there are. It takes time and memory in proportion to the words that differ on the left times those on the right.
pub fn aligned(left: &[Token], right: &[Token], granularity: Granularity, texts: Texts) -> Alignment {
    if texts == Texts::Same {
        return Alignment { pieces: pieces(left, right, granularity), left_over: [vec![], vec![]] };
    }
    let words = [words(left), words(right)];
    let mut found = Vec::new();
    for (i, j) in common(&words) {
        let ranges = [words[0][i].tokens.clone(), words[1][j].tokens.clone()];
        let [a, b] =
            [(left, &ranges[0]), (right, &ranges[1])].map(|(side, range)| on_their_own(&side[range.clone()]));
        for Piece { label, tokens: [x, y] } in pieces(&a, &b, granularity) {
            let [from_left, from_right] = ranges.each_ref().map(|range| range.start);
            let tokens = [x.start + from_left..x.end + from_left, y.start + from_right..y.end + from_right];
            found.push(Piece { label, tokens });
        }
    }
    let left_over =
        [0, 1].map(|side| gaps(found.iter().map(|piece| &piece.tokens[side]), [left, right][side].len()));
    Alignment { pieces: found, left_over }
}

/// The words of a text, in order: together they are all of its tokens.
fn words(tokens: &[Token]) -> Vec<Word> {
    let ends: HashMap<usize, Cut> = cuts(tokens).into_iter().map(|cut| (cut.tokens, cut)).collect();
    let mut words = Vec::new();
    let mut start = 0;
    for (at, token) in tokens.iter().enumerate() {
        let end = at + 1;
        let is_added = |at: usize| tokens.get(at).is_some_and(|token| token.span.is_empty());
        let ends_here = end == tokens.len()
            || token.span.is_empty()
            || is_added(end)
            || ends.get(&end).is_some_and(|cut| cut.before_word || !continues(token, &tokens[end]));
        if ends_here {
            words.push(Word { tokens: start..end, text: text(&tokens[start..end]) });
            start = end;
        }
    }
    words
}

/// Whether a token goes on with the word of the one before it: between letters and digits, of scripts that put blanks
/// between words, and within a character.
fn continues(before: &Token, after: &Token) -> bool {
    if before.splits_a_character() && after.splits_a_character() {
        return true;
    }
    let goes_on = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() && !is_written_without_blanks(c));
    goes_on(before.text.chars().next_back()) && goes_on(after.text.chars().next())
}

/// Whether a character is of a script without blanks between words: Thai, Lao, Burmese, Khmer, kana, Han.
fn is_written_without_blanks(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{30ff}'
        | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

fn text(word: &[Token]) -> Text {
    if let [token] = word
        && token.span.is_empty()
    {
        return Text::Added(token.raw.clone());
    }
    let bytes: Vec<u8> = word.iter().flat_map(Token::bytes).collect();
    match bytes.trim_ascii() {
        [] => Text::Bytes(bytes),
        trimmed => Text::Bytes(trimmed.to_vec()),
    }
}

/// The tokens of a word as those of a text that is this word, without the blanks around it: a blank before a word is no
/// reason why it should not be the same one.
fn on_their_own(word: &[Token]) -> Vec<Token> {
    let bytes: Vec<u8> = word.iter().flat_map(Token::bytes).collect();
    let blank = bytes.len() - bytes.trim_ascii_start().len();
    let (from, to) = match bytes.trim_ascii().len() {
        0 => (0, bytes.len()),
        length => (blank, blank + length),
    };
    let mut at = 0;
    let place = |token: &Token| {
        let start = at;
        at += token.bytes().len();
        let within = |at: usize| at.clamp(from, to) - from;
        Token { span: within(start)..within(at), ..token.clone() }
    };
    word.iter().map(place).collect()
}

/// The longest common subsequence of the words: pairs of their places, in order. Of several the one that begins first.
fn common(words: &[Vec<Word>; 2]) -> Vec<(usize, usize)> {
    let mut numbers: HashMap<&Text, u32> = HashMap::new();
    let [a, b] = words.each_ref().map(|words| {
        let mut number = |word| {
            let next = numbers.len() as u32;
            *numbers.entry(word).or_insert(next)
        };
        words.iter().map(|word: &Word| number(&word.text)).collect::<Vec<u32>>()
    });
    let begin = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let most = a.len().min(b.len()) - begin;
    let end = a.iter().rev().zip(b.iter().rev()).take(most).take_while(|(x, y)| x == y).count();
    let (middle_a, middle_b) = (&a[begin..a.len() - end], &b[begin..b.len() - end]);
    // How many words the rest of both have in common, from each place on.
    let width = middle_b.len() + 1;
    let mut lengths = vec![0_u32; (middle_a.len() + 1) * width];
    for i in (0..middle_a.len()).rev() {
        for j in (0..middle_b.len()).rev() {
            lengths[i * width + j] = match middle_a[i] == middle_b[j] {
                true => lengths[(i + 1) * width + j + 1] + 1,
                false => lengths[(i + 1) * width + j].max(lengths[i * width + j + 1]),
            };
        }
    }
    let mut pairs: Vec<(usize, usize)> = (0..begin).map(|at| (at, at)).collect();
    let (mut i, mut j) = (0, 0);
    while i < middle_a.len() && j < middle_b.len() {
        if middle_a[i] == middle_b[j] {
            pairs.push((begin + i, begin + j));
            (i, j) = (i + 1, j + 1);
        } else if lengths[(i + 1) * width + j] >= lengths[i * width + j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs.extend((0..end).rev().map(|at| (a.len() - 1 - at, b.len() - 1 - at)));
    pairs
}

/// What is before, between and after ranges in order.
fn gaps<'a>(ranges: impl Iterator<Item = &'a Range<usize>>, length: usize) -> Vec<Range<usize>> {
    let mut at = 0;
    let mut gaps = Vec::new();
    for range in ranges.cloned().chain(std::iter::once(length..length)) {
        if at < range.start {
            gaps.push(at..range.start);
        }
        at = range.end;
    }
    gaps
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init)]
mod tests {
    use super::*;
    use crate::attention::tokens;
    use proptest::prelude::*;

    fn labels(alignment: &Alignment) -> Vec<(&str, [Range<usize>; 2])> {
        alignment.pieces.iter().map(|piece| (piece.label.as_str(), piece.tokens.clone())).collect()
    }

    fn of(left: &[&str], right: &[&str]) -> Alignment {
        aligned(&tokens(left), &tokens(right), Granularity::Pieces, Texts::Different)
    }

    #[test]
    fn common_words_belong_together_and_the_rest_is_left_over() {
        let found = of(&["a", " red", " cat", " sat"], &["a", " small", " tame", " cat", "s", " sat", "."]);
        assert_eq!(labels(&found), [("a", [0..1, 0..1]), ("sat", [3..4, 5..6])], "'cats' is another word");
        assert_eq!(found.left_over, [vec![1..3], vec![1..5, 6..7]]);
        let found = of(&["John", " gave"], &["Mary", " took", " John", ",", " gave", "\n"]);
        assert_eq!(
            labels(&found),
            [("John", [0..1, 2..3]), ("gave", [1..2, 4..5])],
            "a blank makes no other word"
        );
        assert_eq!(found.left_over, [vec![], vec![0..2, 3..4, 5..6]]);
    }

    #[test]
    fn within_a_word_pieces_are_as_fine_as_both_allow() {
        let found = of(&["un", "believ", "able", " story"], &["an", " unbeliev", "able", " st", "ory"]);
        let expected = [("unbeliev", [0..2, 1..2]), ("able", [2..3, 2..3]), ("story", [3..4, 3..5])];
        assert_eq!(labels(&found), expected);
        let words = aligned(
            &tokens(&["un", "believ", "able"]),
            &tokens(&["unbeliev", "able", " x"]),
            Granularity::Words,
            Texts::Different,
        );
        assert_eq!(labels(&words), [("unbelievable", [0..3, 0..2])]);
    }

    #[test]
    fn what_is_written_without_blanks_is_aligned_too() {
        let found = of(&["日", "本", "語"], &["日", "本", "人"]);
        assert_eq!(labels(&found), [("日", [0..1, 0..1]), ("本", [1..2, 1..2])]);
    }

    #[test]
    fn a_token_without_bytes_is_a_word_of_its_own() {
        let begin = Token { span: 0..0, ..Token::from_id(9) };
        let side = |texts: &[&str]| [std::slice::from_ref(&begin), tokens(texts).as_slice()].concat();
        let found = aligned(&side(&["Yes"]), &side(&["No"]), Granularity::Pieces, Texts::Different);
        assert_eq!(labels(&found), [("#9", [0..1, 0..1])]);
        assert_eq!(found.left_over, [vec![1..2], vec![1..2]]);
        let nothing = of(&["Yes"], &["No"]);
        assert_eq!((nothing.pieces.len(), &nothing.left_over), (0, &[vec![0..1], vec![0..1]]));
    }

    fn text() -> impl Strategy<Value = Vec<String>> {
        prop::collection::vec("[ab]{1,2}| [ab]{1,2}|[ \n]|[日本]|[,.]|é", 1..24)
    }

    proptest! {
        #[test]
        fn every_token_is_in_a_piece_or_left_over_and_pieces_say_the_same((a, b) in (text(), text())) {
            let sides = [a, b].map(|texts| tokens(&texts.iter().map(String::as_str).collect::<Vec<_>>()));
            for granularity in [Granularity::Pieces, Granularity::Words] {
                let found = aligned(&sides[0], &sides[1], granularity, Texts::Different);
                for side in [0, 1] {
                    let ranges = found.pieces.iter().map(|piece| piece.tokens[side].clone());
                    let in_order: Vec<usize> = ranges.clone().flatten().collect();
                    prop_assert!(in_order.is_sorted());
                    let mut all: Vec<usize> = ranges.chain(found.left_over[side].iter().cloned()).flatten().collect();
                    all.sort_unstable();
                    prop_assert_eq!(all, (0..sides[side].len()).collect::<Vec<_>>());
                }
                for piece in &found.pieces {
                    let said = [0, 1].map(|side: usize| {
                        let text: String =
                            sides[side][piece.tokens[side].clone()].iter().map(|token| token.text.as_str()).collect();
                        text.trim().to_owned()
                    });
                    prop_assert_eq!(&said[0], &said[1]);
                }
            }
        }

        #[test]
        fn a_text_beside_itself_is_itself(a in text()) {
            let side = tokens(&a.iter().map(String::as_str).collect::<Vec<_>>());
            let found = aligned(&side, &side, Granularity::Pieces, Texts::Different);
            prop_assert!(found.left_over.iter().all(Vec::is_empty));
            prop_assert!(found.pieces.iter().all(|piece| piece.tokens[0] == piece.tokens[1]));
        }
    }
}
