//! Paragraphs and sentences of a text.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation as _;

use super::stretch::{Stretch, one_line, short};

/// Characters of a name within which it is told apart: what is behind them is cut off where there is little room.
const NEAR: usize = 10;

/// The stretches between blank lines. Blank lines are of the paragraph before them.
pub fn paragraphs(text: &str) -> Vec<Range<usize>> {
    let mut starts = vec![0];
    let (mut at, mut is_after_blank) = (0, false);
    for line in text.split_inclusive('\n') {
        let is_blank = line.trim().is_empty();
        if !is_blank && is_after_blank && !text[..at].trim().is_empty() {
            starts.push(at);
        }
        (is_after_blank, at) = (is_blank, at + line.len());
    }
    between(&starts, text.len())
}

/// The sentences, as Unicode finds them (UAX 29); but none begins with a small letter, unless the line before it ends
/// like a sentence, or is blank.
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut starts = vec![0];
    for (at, sentence) in text.split_sentence_bound_indices().skip(1) {
        let before = &text[..at];
        let ends_line = before.len() - before.trim_end().len();
        let goes_on = match before[before.len() - ends_line..].matches('\n').count() {
            // After `"Now?"` may come `she said`.
            0 => true,
            1 => !before.trim_end().ends_with(is_end),
            _ => false,
        };
        let is_small = sentence.chars().next().is_some_and(char::is_lowercase);
        if !(goes_on && is_small || sentence.trim().is_empty() || before.trim().is_empty()) {
            starts.push(at);
        }
    }
    between(&starts, text.len())
}

/// Stretches of a text, each with its number and how it begins for a name; where another one begins alike, from where they
/// differ.
pub fn numbered(text: &str, ranges: Vec<Range<usize>>) -> Vec<Stretch> {
    let lines: Vec<String> = ranges.iter().map(|bytes| one_line(&text[bytes.clone()])).collect();
    let alike = begin_alike(&lines);
    let name = |(at, bytes): (usize, Range<usize>)| {
        let (line, start) = (&lines[at], of_own(&lines[at], alike[at]));
        let before = if start > 0 { "…" } else { "" };
        Stretch { name: format!("{} {before}{}", at + 1, short(&line[start..])), bytes }
    };
    ranges.into_iter().enumerate().map(name).collect()
}

/// Of each line the bytes with which another one begins, too.
fn begin_alike(lines: &[String]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..lines.len()).collect();
    order.sort_by_key(|at| &lines[*at]);
    let mut alike = vec![0; lines.len()];
    // Whatever begins most alike is beside it in the order of letters.
    for pair in order.windows(2) {
        let [a, b] = [pair[0], pair[1]].map(|at| lines[at].as_bytes());
        let same = a.iter().zip(b).take_while(|(a, b)| a == b).count();
        pair.iter().for_each(|at| alike[*at] = same.max(alike[*at]));
    }
    alike
}

/// Where a name of a line begins that is like another one for so many bytes: at the word that differs, if that is far; at the
/// start of a line that nothing tells apart.
fn of_own(line: &str, alike: usize) -> usize {
    if alike == line.len() {
        return 0;
    }
    let is_word = |word: &str| word.starts_with(char::is_alphanumeric);
    let words = line.split_word_bound_indices().take_while(|(at, _)| *at <= alike);
    let start = words.filter(|(_, word)| is_word(word)).last().map_or(0, |(at, _)| at);
    if String::from_utf8_lossy(&line.as_bytes()[..alike]).chars().count() > NEAR { start } else { 0 }
}

/// Whether a character ends a sentence, or stands after one that does.
fn is_end(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | ':' | '…' | '。' | '！' | '？' | '"' | '\'' | ')' | '”' | '’' | '»' | '」')
}

fn between(starts: &[usize], end: usize) -> Vec<Range<usize>> {
    let ends = starts[1..].iter().copied().chain([end]);
    starts.iter().copied().zip(ends).map(|(start, end)| start..end).filter(|it| !it.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str, cut: fn(&str) -> Vec<Range<usize>>) -> Vec<&str> {
        let ranges = cut(text);
        let ends = ranges.windows(2).all(|pair| pair[0].end == pair[1].start);
        assert!(ends && ranges.last().is_none_or(|last| last.end == text.len()), "{ranges:?}");
        ranges.into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn blank_lines_end_paragraphs() {
        assert_eq!(texts("a\nb\n\nc\n \t\r\nd\n", paragraphs), ["a\nb\n\n", "c\n \t\r\n", "d\n"]);
        assert_eq!(texts("\n\n a\n\n\n\nb\n\n", paragraphs), ["\n\n a\n\n\n\n", "b\n\n"]);
        assert_eq!(texts("one", paragraphs), ["one"]);
        assert_eq!(texts("\n\n", paragraphs), ["\n\n"]);
        assert_eq!(texts("", paragraphs), [""; 0]);
    }

    #[test]
    fn sentences_end_where_unicode_ends_them_and_lines_that_go_on_do_not() {
        assert_eq!(texts("It is 3.5 km. Go! \"Now?\" she said.", sentences).len(), 3);
        assert_eq!(texts("今日は。明日も！ はい", sentences), ["今日は。", "明日も！ ", "はい"]);
        assert_eq!(
            texts("a line that\ngoes on. The next\none too.\n", sentences),
            ["a line that\ngoes on. ", "The next\none too.\n"]
        );
        assert_eq!(texts("Title\nText here", sentences), ["Title\n", "Text here"]);
        assert_eq!(texts("one\n\ntwo", sentences), ["one\n\n", "two"], "a blank line ends one");
        assert_eq!(texts("\n\nA. \n\n B.", sentences), ["\n\nA. \n\n", " B."]);
        assert_eq!(texts("   ", sentences), ["   "]);
        assert_eq!(texts("", sentences), [""; 0]);
    }

    #[test]
    fn names_tell_apart_what_begins_alike() {
        let names = |text: &str| {
            let found = numbered(text, paragraphs(text));
            found.into_iter().map(|it| it.name).collect::<Vec<String>>()
        };
        assert_eq!(
            names(
                "The cat sat on the mat.\n\nThe cat sat on\nthe sofa.\n\nThe dog ran.\n\nThe dog ran. It ate."
            ),
            ["1 …mat.", "2 …sofa.", "3 The dog ran.", "4 …ran. It ate."]
        );
        assert_eq!(names("The cat sat.\n\nThe cat ran."), ["1 The cat sat.", "2 The cat ran."], "it is near");
        assert_eq!(
            names("One and the same.\n\nOne and the same."),
            ["1 One and the same.", "2 One and the same."]
        );
        let [one, other] = ["とても天気がいい日曜日の朝です。", "とても天気がいい日曜日の夜です。"];
        assert_eq!(
            names(&format!("{one}\n\n{other}")),
            ["1 …朝です。", "2 …夜です。"],
            "words without blanks"
        );
        assert_eq!(
            names("🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂a\n\n🙂🙂🙂🙂🙂🙂🙂🙂🙂🙃a"),
            ["1 🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂a", "2 🙂🙂🙂🙂🙂🙂🙂🙂🙂🙃a"]
        );
    }

    #[test]
    fn a_name_is_how_a_stretch_begins() {
        let text = "Once\nupon \u{1b}[2J a time. Then everybody lived happily ever after, and so on.";
        let names: Vec<String> = numbered(text, sentences(text)).into_iter().map(|it| it.name).collect();
        assert_eq!(names, ["1 Once upon \\u{1b}[2J a time.", "2 Then everybody lived happily eve…"]);
    }
}
