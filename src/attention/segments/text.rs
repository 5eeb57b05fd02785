//! Paragraphs and sentences of a text.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation as _;

use super::stretch::{Stretch, short};

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

/// Stretches of a text, each with its number and how it begins for a name.
pub fn numbered(text: &str, ranges: Vec<Range<usize>>) -> Vec<Stretch> {
    let name = |(number, bytes): (usize, Range<usize>)| {
        let name = format!("{number} {}", short(&text[bytes.clone()]));
        Stretch { name, bytes }
    };
    (1..).zip(ranges).map(name).collect()
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
    fn a_name_is_how_a_stretch_begins() {
        let text = "Once\nupon \u{1b}[2J a time. Then everybody lived happily ever after, and so on.";
        let names: Vec<String> = numbered(text, sentences(text)).into_iter().map(|it| it.name).collect();
        assert_eq!(names, ["1 Once upon \\u{1b}[2J a time.", "2 Then everybody lived happily eve…"]);
    }
}
