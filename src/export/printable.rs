//! JSON that may go to a terminal: what a terminal obeys, and what hides or reorders text, is escaped as JSON escapes
//! it. Programs read the same values.

use std::io::{self, Write};

use serde::Serialize;

use crate::attention::is_unprintable;

/// Writes a value as one line of JSON, without the end of the line.
///
/// # Errors
/// If `out` refuses.
pub fn write_json(out: impl Write, value: &(impl Serialize + ?Sized)) -> io::Result<()> {
    Ok(serde_json::to_writer(Printable(out), value)?)
}

/// Writes a value as JSON of several lines, with the end of the last one.
///
/// # Errors
/// If `out` refuses.
pub fn write_json_lines(mut out: impl Write, value: &(impl Serialize + ?Sized)) -> io::Result<()> {
    serde_json::to_writer_pretty(Printable(&mut out), value)?;
    writeln!(out)
}

/// A value as one line of JSON.
///
/// # Errors
/// If the value cannot be written as JSON.
pub fn json(value: &(impl Serialize + ?Sized)) -> io::Result<String> {
    let mut text = Vec::new();
    write_json(&mut text, value)?;
    String::from_utf8(text).map_err(io::Error::other)
}

/// Escapes the characters of JSON that is written to it, which all stand in its strings.
struct Printable<W>(W);

impl<W: Write> Write for Printable<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // All of ASCII but this is escaped by JSON itself, or printable.
        if bytes.iter().all(|byte| *byte < 0x7f) {
            return self.0.write(bytes);
        }
        // serde_json writes the pieces of a string whole.
        let text = std::str::from_utf8(bytes).map_err(io::Error::other)?;
        let mut escaped = String::with_capacity(text.len());
        for c in text.chars() {
            if is_unprintable(c) && !c.is_ascii_whitespace() {
                let mut units = [0; 2];
                c.encode_utf16(&mut units).iter().for_each(|unit| escaped += &format!("\\u{unit:04x}"));
            } else {
                escaped.push(c);
            }
        }
        self.0.write_all(escaped.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_it_is_obeyed_and_it_says_the_same() {
        let text = "\u{1b}]0;x\u{7}\u{9b}2J\u{7f}\u{202e}é字\u{e0041}\u{2028}\"\\\n";
        let written = json(&[text]).unwrap();
        assert_eq!(written, r#"["\u001b]0;x\u0007\u009b2J\u007f\u202eé字\udb40\udc41\u2028\"\\\n"]"#);
        assert_eq!(serde_json::from_str::<Vec<String>>(&written).unwrap(), [text]);
        let mut lines = Vec::new();
        write_json_lines(&mut lines, &[text]).unwrap();
        assert_eq!(serde_json::from_slice::<Vec<String>>(&lines).unwrap(), [text]);
        assert!(lines.ends_with(b"]\n") && lines.contains(&b'\n'));
    }
}
