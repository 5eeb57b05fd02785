//! Which tokens are of which segment.

use std::ops::Range;

use super::stretch::Stretch;
use crate::attention::Token;

/// Tokens in a row that are of one segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The index of the segment.
    pub segment: usize,
    /// The tokens.
    pub tokens: Range<usize>,
}

/// The tokens of a prompt by the segment that they are of: each of them is of one.
///
/// A token that straddles two stretches is of the one that holds its first byte that is no blank: ` The` begins a
/// sentence, though the blank before it ends the one before. What no stretch covers is a segment, too: the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segments {
    /// What the prompt was cut by: `sentences`.
    by: &'static str,
    names: Vec<String>,
    parts: Vec<Part>,
    /// The segment of what no stretch covers, if there is any.
    rest: Option<usize>,
}

impl Segments {
    /// Cut by these stretches of `text`, in their order; what none of them covers is called `rest`, and what a model wrote
    /// there `written`.
    pub(super) fn of_stretches(
        by: &'static str,
        text: &str,
        tokens: &[Token],
        stretches: &[Stretch],
        [rest, written]: [&str; 2],
    ) -> Self {
        let mut segments = Self { by, names: Vec::new(), parts: Vec::new(), rest: None };
        for (at, token) in tokens.iter().enumerate() {
            let byte = first_byte(text, token);
            let before = byte.map_or(0, |byte| stretches.partition_point(|it| it.bytes.start <= byte));
            let stretch = before.checked_sub(1).map(|at| &stretches[at]);
            let covers = stretch.zip(byte).filter(|(stretch, byte)| stretch.bytes.contains(byte));
            let name = match covers {
                Some((stretch, _)) => &stretch.name,
                None if token.is_generated => written,
                None => rest,
            };
            let known = segments.names.iter().rposition(|known| known == name);
            let segment = known.unwrap_or_else(|| {
                segments.names.push(name.to_owned());
                segments.names.len() - 1
            });
            if covers.is_none() && name == rest {
                segments.rest = Some(segment);
            }
            match segments.parts.last_mut() {
                Some(last) if last.segment == segment => last.tokens.end = at + 1,
                _ => segments.parts.push(Part { segment, tokens: at..at + 1 }),
            }
        }
        segments
    }

    /// What the prompt was cut by: `sentences`.
    pub fn by(&self) -> &'static str {
        self.by
    }

    /// What the prompt was cut into: `3 segments by sentences`.
    pub fn cut_into(&self) -> String {
        let count = self.count();
        format!("{count} segment{} by {}", if count == 1 { "" } else { "s" }, self.by)
    }

    /// The names, in the order of the first token of each. They are safe to print.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// A name with its number, from 1, which a sentence or a paragraph begins with anyway.
    pub fn label(&self, segment: usize) -> String {
        let (number, name) = (segment + 1, &self.names[segment]);
        if name.starts_with(&format!("{number} ")) { name.clone() } else { format!("{number} {name}") }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.names.len()
    }

    /// All tokens in their order, in parts of one segment each. Only a segment of the rest, or one that a file names
    /// several times, has several parts.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The parts with their names.
    pub fn named(&self) -> impl Iterator<Item = (&str, Range<usize>)> {
        self.parts.iter().map(|part| (self.names[part.segment].as_str(), part.tokens.clone()))
    }

    /// The segment of a token; the last one's of what is beyond.
    pub fn of(&self, token: usize) -> usize {
        let after = self.parts.partition_point(|part| part.tokens.start <= token);
        self.parts.get(after.saturating_sub(1)).map_or(0, |part| part.segment)
    }

    /// The tokens of a segment, in order.
    pub fn tokens(&self, segment: usize) -> impl Iterator<Item = usize> {
        let own = self.parts.iter().filter(move |part| part.segment == segment);
        own.flat_map(|part| part.tokens.clone())
    }

    /// How many tokens a segment has.
    pub fn size(&self, segment: usize) -> usize {
        self.parts.iter().filter(|part| part.segment == segment).map(|part| part.tokens.len()).sum()
    }

    /// The new tokens of a prompt: those that a model wrote, or else those of the last segment that has a name and what
    /// comes after it. None if nothing is before them.
    pub fn new_tokens(&self, tokens: &[Token]) -> Option<Range<usize>> {
        let written = tokens.iter().position(|token| token.is_generated);
        let last = || self.parts.iter().rfind(|part| Some(part.segment) != self.rest);
        let start = written.or_else(|| last().map(|part| part.tokens.start))?;
        (start > 0).then_some(start..tokens.len())
    }
}

/// The first byte of a token that is no blank, or its first one; nothing if it covers none.
fn first_byte(text: &str, token: &Token) -> Option<usize> {
    let span = &token.span;
    if span.is_empty() {
        return None;
    }
    let covered = text.as_bytes().get(span.start..span.end.min(text.len())).unwrap_or_default();
    let blanks = covered.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    Some(if blanks < covered.len() { span.start + blanks } else { span.start })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attention::tokens;

    fn stretch(name: &str, bytes: Range<usize>) -> Stretch {
        Stretch { name: name.to_owned(), bytes }
    }

    fn cut(texts: &[&str], stretches: &[Stretch]) -> Segments {
        let text = texts.concat();
        Segments::of_stretches("file", &text, &tokens(texts), stretches, ["rest", "written"])
    }

    fn named(segments: &Segments) -> Vec<(&str, Range<usize>)> {
        segments.named().collect()
    }

    #[test]
    fn a_token_is_of_the_segment_that_holds_its_first_letter() {
        // The blank before "The" ends the first sentence, and "dog." + "A" straddles both.
        let texts = ["A", " cat", ".", " The", " dog.A", "b"];
        let segments = cut(&texts, &[stretch("one", 0..7), stretch("two", 7..15), stretch("three", 15..17)]);
        assert_eq!(named(&segments), [("one", 0..3), ("two", 3..5), ("three", 5..6)]);
        assert_eq!((0..7).map(|at| segments.of(at)).collect::<Vec<_>>(), [0, 0, 0, 1, 1, 2, 2]);
        // A token of nothing but blanks is where its first byte is.
        let segments = cut(&["a", "  ", "b"], &[stretch("one", 0..2), stretch("two", 2..4)]);
        assert_eq!(named(&segments), [("one", 0..2), ("two", 2..3)]);
    }

    #[test]
    fn what_nothing_covers_is_one_segment_and_what_a_model_wrote_another() {
        let texts = ["<s>", "a", "|", "b", "|", "c"];
        let text = texts.concat();
        let mut all = tokens(&texts);
        all[0].span = 0..0;
        all[5].is_generated = true;
        let stretches = [stretch("x", 3..4), stretch("y", 5..6)];
        let segments = Segments::of_stretches("file", &text, &all, &stretches, ["rest", "written"]);
        assert_eq!(segments.names(), ["rest", "x", "y", "written"]);
        assert_eq!(
            (segments.label(3), segments.cut_into()),
            ("4 written".into(), "4 segments by file".into())
        );
        assert_eq!(
            named(&segments),
            [("rest", 0..1), ("x", 1..2), ("rest", 2..3), ("y", 3..4), ("rest", 4..5), ("written", 5..6)]
        );
        assert_eq!((segments.size(0), segments.tokens(0).collect::<Vec<_>>()), (3, vec![0, 2, 4]));
        assert_eq!(segments.new_tokens(&all), Some(5..6));
        all[5].is_generated = false;
        let segments = Segments::of_stretches("file", &text, &all, &stretches, ["rest", "written"]);
        assert_eq!(segments.new_tokens(&all), Some(3..6), "from the last one that has a name");
        let one = cut(&["a", "b"], &[stretch("x", 0..2)]);
        assert_eq!(one.new_tokens(&tokens(&["a", "b"])), None, "nothing is before it");
        assert_eq!(one.cut_into(), "1 segment by file");
    }

    #[test]
    fn every_token_is_of_one_segment_whatever_its_bytes() {
        let bytes = "a 🙂 b".as_bytes();
        let split: Vec<Token> =
            (0..bytes.len()).map(|at| Token::from_bytes(0, String::new(), &bytes[at..at + 1], at)).collect();
        let stretches = [stretch("x", 0..2), stretch("y", 2..6)];
        let segments = Segments::of_stretches("file", "a 🙂 b", &split, &stretches, ["rest", "written"]);
        assert_eq!(named(&segments), [("x", 0..2), ("y", 2..6), ("rest", 6..8)]);
        let beyond = [Token::from_bytes(0, String::new(), b"zz", 90)];
        let segments = Segments::of_stretches("file", "a", &beyond, &stretches, ["rest", "written"]);
        assert_eq!(named(&segments), [("rest", 0..1)]);
    }
}
