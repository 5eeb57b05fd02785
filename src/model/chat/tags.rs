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
    let mut quote = None;
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match quote {
            Some(open) if character == open => quote = None,
            Some(_) if character == '\\' => drop(characters.next()),
            Some(_) => {}
            None if text[at..].starts_with(close) => return at,
            None if !has_no_quotes && ['"', '\''].contains(&character) => quote = Some(character),
            None => {}
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
