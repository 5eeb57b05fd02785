//! The tags of a template, as the engine finds them.

use std::ops::Range;

/// What a tag is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `{% .. %}`
    Block,
    /// `{{ .. }}`
    Expression,
    /// `{# .. #}`
    Comment,
}

/// A tag: where it lies in the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// What it is.
    pub kind: Kind,
    /// What stands in it, with the signs that trim blanks beside it.
    pub inside: Range<usize>,
    /// The byte behind it.
    pub end: usize,
}

/// All tags but those between `raw` and `endraw`; one that does not end ends with the source.
pub fn tags(source: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    let (mut from, mut is_raw) = (0, false);
    while let Some(at) = source[from..].find('{') {
        let start = from + at;
        let (kind, close) = match source.as_bytes().get(start + 1) {
            Some(b'%') => (Kind::Block, "%}"),
            Some(b'{') if !is_raw => (Kind::Expression, "}}"),
            Some(b'#') if !is_raw => (Kind::Comment, "#}"),
            _ => {
                from = start + 1;
                continue;
            }
        };
        let inside =
            start + 2..start + 2 + length(&source[start + 2..], close, kind == Kind::Comment || is_raw);
        let end = (inside.end + close.len()).min(source.len());
        let word = bare(&source[inside.clone()]);
        is_raw = kind == Kind::Block && if is_raw { word != "endraw" } else { word == "raw" };
        if !is_raw || word == "raw" {
            tags.push(Tag { kind, inside, end });
        }
        from = if is_raw && word != "raw" { start + 2 } else { end };
    }
    tags
}

/// What stands in a tag, without the signs that trim blanks beside it.
pub fn bare(inside: &str) -> &str {
    let signs = ['-', '+'];
    inside.strip_prefix(signs).unwrap_or(inside).trim_end_matches(signs).trim()
}

/// Bytes up to what closes a tag, which may also stand in quotes.
fn length(text: &str, close: &str, has_no_quotes: bool) -> usize {
    let mut at = 0;
    while let Some(next) = text[at..].chars().next().filter(|_| !text[at..].starts_with(close)) {
        let is_quote = !has_no_quotes && ['"', '\''].contains(&next);
        at += if is_quote { quoted(&text[at..], next) } else { next.len_utf8() };
    }
    at
}

/// A name, a number or a sign of an expression; a text in quotes is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark<'a> {
    /// The byte that it begins at.
    pub at: usize,
    /// As it is written.
    pub text: &'a str,
    /// Parentheses that are open around it, its own among them.
    pub depth: usize,
}

/// What an expression is made of.
pub fn marks(text: &str) -> impl Iterator<Item = Mark<'_>> {
    let (mut from, mut depth) = (0, 0_usize);
    std::iter::from_fn(move || {
        let rest = text[from..].trim_start();
        from = text.len() - rest.len();
        let first = rest.chars().next()?;
        let is_name = |c: char| c.is_alphanumeric() || c == '_';
        let length = match first {
            first if is_name(first) => rest.find(|c: char| !is_name(c)).unwrap_or(rest.len()),
            '"' | '\'' => quoted(rest, first),
            '=' | '!' | '<' | '>' if rest[1..].starts_with('=') => 2,
            first => first.len_utf8(),
        };
        depth += usize::from(matches!(first, '(' | '[' | '{'));
        let mark = Mark { at: from, text: &rest[..length], depth };
        depth = depth.saturating_sub(usize::from(matches!(first, ')' | ']' | '}')));
        from += length;
        Some(mark)
    })
}

/// Bytes of a text that begins with its quote.
fn quoted(text: &str, quote: char) -> usize {
    let mut characters = text.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => drop(characters.next()),
            character if character == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_found_as_the_engine_does() {
        let source = "a{%- set x = '%}' -%}{{ \"}}\" }}{# ' #}{% raw %}{{ x }}{% if {% endraw %}{ {{ y";
        let found: Vec<_> = tags(source).into_iter().map(|tag| bare(&source[tag.inside])).collect();
        assert_eq!(found, ["set x = '%}'", "\"}}\"", "'", "raw", "endraw", "y"]);
        assert_eq!(tags("{").len(), 0);
        assert_eq!(tags("{%")[0].end, 2);
    }
}
