//! What may stand in a page of HTML, and how it gets there.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use crate::attention::escape_but;
use crate::vocabulary::xml;

/// Text between tags, or in an attribute. Of control characters, and of those that hide or reorder text, only blanks
/// stay.
pub fn escape(text: &str) -> String {
    let visible = escape_but(text, &['\n', '\t']);
    xml::escape(&visible).replace('"', "&quot;")
}

/// The hash of what stands between two tags of a page, for the page's policy. Of several such tags, the last.
pub fn sha256_of(page: &str, start: &str, end: &str) -> String {
    let inner = page.rsplit_once(start).and_then(|(_, rest)| Some(rest.split_once(end)?.0));
    format!("sha256-{}", STANDARD.encode(Sha256::digest(inner.unwrap_or_default())))
}

/// JSON that may stand in a script: nothing in it ends one, or begins a comment.
pub fn script(json: &str) -> String {
    json.replace('<', "\\u003c")
}

/// A template with its `{{places}}` filled; what is filled in is not looked at again.
pub fn fill(template: &str, values: &[(&str, String)]) -> String {
    let mut page = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        page.push_str(before);
        let (name, after) = after.split_once("}}").unwrap_or((after, ""));
        let value = values.iter().find(|(place, _)| *place == name);
        page.push_str(value.map_or("", |(_, value)| value));
        rest = after;
    }
    page + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_once() {
        let values = [("a", "{{b}}".to_owned()), ("b", "2".to_owned())];
        assert_eq!(fill("<{{a}}|{{b}}|{{c}}>", &values), "<{{b}}|2|>");
    }

    #[test]
    fn nothing_is_markup() {
        assert_eq!(escape("<a b=\"c\"> & d"), "&lt;a b=&quot;c&quot;&gt; &amp; d");
        assert_eq!(escape("a\n\t\u{1b}\u{202e}"), "a\n\t\\u{1b}\\u{202e}");
        assert_eq!(script("\"</script><!--\""), "\"\\u003c/script>\\u003c!--\"");
    }
}
