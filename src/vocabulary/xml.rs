//! How numbers and text are spelled in SVG and other XML.

/// A coordinate, to a hundredth.
pub fn number(value: f32) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Text between tags. Characters that no XML document may hold are replaced by U+FFFD.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c if is_xml(c) => out.push(c),
            _ => out.push('\u{fffd}'),
        }
    }
    out
}

/// The text that [`escape`] has written.
pub fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// JSON whose characters may all stand in XML: the others are escaped as JSON escapes them.
pub fn json_as_xml(json: &str) -> String {
    let escape = |c: char| if is_xml(c) { c.to_string() } else { format!("\\u{:04x}", c as u32) };
    json.chars().map(escape).collect()
}

/// Whether a character may stand in an XML document.
fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!([0.0, -0.001, 1.5, 100.0, 0.126].map(number), ["0", "0", "1.5", "100", "0.13"]);
    }

    #[test]
    fn nothing_is_markup_or_forbidden() {
        assert_eq!(escape("<a & b>\u{1}\u{ffff}é🙂"), "&lt;a &amp; b&gt;\u{fffd}\u{fffd}é🙂");
        assert_eq!(unescape(&escape("&lt;<a & b>&amp;")), "&lt;<a & b>&amp;");
        assert_eq!(json_as_xml("\"\u{ffff}\u{7f}\""), "\"\\uffff\u{7f}\"");
    }
}
