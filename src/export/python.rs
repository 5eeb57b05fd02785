//! Values spelled as Python prints them, for the article's printout.

use std::fmt::Write as _;

/// `str.__repr__`: in single quotes, or in double ones if it holds a single and no double quote.
pub(super) fn repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::from(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => out.extend(['\\', c]),
            c if is_printable(c) => out.push(c),
            c => push_escape(&mut out, c as u32),
        }
    }
    out.push(quote);
    out
}

fn push_escape(out: &mut String, code: u32) {
    // Writing to a String cannot fail.
    let _ = match code {
        0..=0xff => write!(out, "\\x{code:02x}"),
        0x100..=0xffff => write!(out, "\\u{code:04x}"),
        _ => write!(out, "\\U{code:08x}"),
    };
}

/// `str.isprintable`. Rust's `{:?}` escapes the same categories (Cc, Cf, Cs, Co, Cn, Zl, Zp and Zs but for
/// the space) and the quotes; it also escapes a combining mark, but only where a text begins with one.
fn is_printable(c: char) -> bool {
    matches!(c, '\'' | '"') || ['a', c].iter().collect::<String>().escape_debug().count() == 2
}

/// `repr(round(float(value), 3))`. Both round the exact value, halves to even.
pub(super) fn rounded(value: f32) -> String {
    let text = format!("{:.3}", f64::from(value));
    let short = text.trim_end_matches('0');
    if short.ends_with('.') { format!("{short}0") } else { short.to_owned() }
}

/// A list of rounded numbers: `[1.0, 0.0]`.
pub(super) fn rounded_list(values: &[f32]) -> String {
    let values: Vec<String> = values.iter().copied().map(rounded).collect();
    format!("[{}]", values.join(", "))
}

/// A list of texts: `['write', 'Ġa']`.
pub(super) fn repr_list<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let texts: Vec<String> = texts.map(repr).collect();
    format!("[{}]", texts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values are CPython 3.11's.
    #[test]
    fn repr_quotes_and_escapes_as_python_does() {
        for (text, expected) in [
            ("Ġstory", "'Ġstory'"),
            ("Ġ'", "\"Ġ'\""),
            ("'\"", "'\\'\"'"),
            ("\"", "'\"'"),
            ("\\", "'\\\\'"),
            ("a\n\t\r\x1b", "'a\\n\\t\\r\\x1b'"),
            ("\u{7f}\u{a0}\u{ad}é", "'\\x7f\\xa0\\xadé'"),
            ("\u{200b}\u{2028}\u{3000}", "'\\u200b\\u2028\\u3000'"),
            ("\u{301}e\u{301}字🙂", "'\u{301}e\u{301}字🙂'"),
            ("\u{e000}\u{10ffff}", "'\\ue000\\U0010ffff'"),
        ] {
            assert_eq!(repr(text), expected);
        }
    }

    #[test]
    fn numbers_round_as_python_does() {
        for (value, expected) in [
            (1.0, "1.0"),
            (0.0, "0.0"),
            (0.1, "0.1"),
            (0.676_4, "0.676"),
            (0.001, "0.001"),
            (0.000_4, "0.0"),
            (0.999_6, "1.0"),
            // Exact halves go to the even neighbour.
            (0.062_5, "0.062"),
            (0.187_5, "0.188"),
            (0.000_488_281_25, "0.0"),
            // As f32 these lie a little above the half.
            (0.000_5, "0.001"),
            (0.001_5, "0.002"),
        ] {
            assert_eq!(rounded(value), expected, "{value}");
        }
        assert_eq!(rounded_list(&[1.0, 0.25]), "[1.0, 0.25]");
    }
}
