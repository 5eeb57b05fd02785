//! A text that a model writes: the text itself, or a line of JSON for each token.

use std::io::Write;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::error::ExportError;
use super::printable::write_json;
use crate::attention::{Capture, NextToken, RowShares, TextEnding, Token, escape_controls};
use crate::vocabulary::{RowReading, View};

/// A token that a model wrote.
#[derive(Debug, Clone, Copy)]
pub struct GeneratedStep<'a> {
    /// Counted from 1.
    pub number: usize,
    /// The pass that it was predicted by.
    pub before: &'a Capture,
    /// The pass over the text with it.
    pub capture: &'a Capture,
    /// The token, and its probability.
    pub next: &'a NextToken,
    /// How long that pass took.
    pub took: Duration,
}

/// What is told of each token.
#[derive(Debug, Clone, Copy)]
pub struct Told {
    /// The view whose rows are shared out.
    pub view: View,
    /// Which row tells of a token.
    pub rows: RowReading,
    /// Likeliest tokens that are listed.
    pub top: usize,
}

/// Writes the text of tokens as they come: a character as soon as all of it is there.
#[derive(Debug)]
pub struct TextWriter<W> {
    out: W,
    /// The last tokens, where they are a part of a character.
    pending: Vec<Token>,
    /// Whose text follows, until it does.
    heading: Option<String>,
    models: usize,
}

impl<W: Write> TextWriter<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self { out, pending: Vec::new(), heading: None, models: 0 }
    }

    /// Where lines go.
    pub fn lines(&mut self) -> &mut W {
        &mut self.out
    }

    /// Says whose text follows, as soon as some does: `name` is free of control characters.
    pub fn heading(&mut self, name: String) {
        self.heading = Some(name);
    }

    /// Writes the text of a token, at once.
    ///
    /// # Errors
    /// If `out` refuses.
    pub fn token(&mut self, token: &Token) -> Result<(), ExportError> {
        self.pending.push(token.clone());
        let bytes: Vec<u8> = self.pending.iter().flat_map(Token::bytes).collect();
        // What is no text, whatever follows, is not waited for.
        let is_part = std::str::from_utf8(&bytes).is_err_and(|error| error.error_len().is_none());
        if !is_part {
            self.flush(&bytes)?;
        }
        Ok(())
    }

    /// Ends the text.
    ///
    /// # Errors
    /// If `out` refuses.
    pub fn end(&mut self) -> Result<(), ExportError> {
        let bytes: Vec<u8> = self.pending.iter().flat_map(Token::bytes).collect();
        self.flush(&bytes)?;
        writeln!(self.out)?;
        Ok(self.out.flush()?)
    }

    fn flush(&mut self, bytes: &[u8]) -> Result<(), ExportError> {
        self.pending.clear();
        if let Some(name) = self.heading.take() {
            let gap = if self.models > 0 { "\n" } else { "" };
            self.models += 1;
            writeln!(self.out, "{gap}# {name}")?;
        }
        // Lines and tabs are text; whatever else a terminal obeys is not for it.
        for piece in String::from_utf8_lossy(bytes).split_inclusive(['\n', '\t']) {
            let text = piece.trim_end_matches(['\n', '\t']);
            write!(self.out, "{}{}", escape_controls(text), &piece[text.len()..])?;
        }
        Ok(self.out.flush()?)
    }
}

/// Writes a line: which token it is, what was likely in its place, and where the row that tells of it looked.
///
/// # Errors
/// If the model has no such view, or `out` refuses.
pub fn write_step(out: &mut impl Write, step: &GeneratedStep<'_>, told: Told) -> Result<(), ExportError> {
    let GeneratedStep { number, before, capture, next, took } = step;
    let likely = |next: &NextToken| {
        let NextToken { token, probability } = next;
        json!({ "id": token.id, "text": token.text, "probability": probability })
    };
    let row = Capture::row_of(capture.tokens.len() - 1, told.rows);
    let shares = capture.shares(told.view, row)?.unwrap_or_default();
    let named = RowShares::NAMES.into_iter().zip(shares.values());
    let shares: Map<String, Value> = named.map(|(name, share)| (name.to_owned(), json!(share))).collect();
    let line = json!({
        "model": capture.model.name,
        "step": number,
        "id": next.token.id,
        "raw": next.token.raw,
        "text": next.token.text,
        "probability": next.probability,
        "top": before.next.iter().take(told.top).map(likely).collect::<Vec<_>>(),
        "view": told.view.to_string(),
        "rows": told.rows,
        "row": row,
        "shares": shares,
        "ms": (took.as_secs_f64() * 1e6).round() / 1e3,
    });
    end_line(out, &line)
}

/// Writes the last line: why the text does not go on, and all that was written.
///
/// # Errors
/// If `out` refuses.
pub fn write_end(
    out: &mut impl Write,
    capture: &Capture,
    ending: Option<&TextEnding>,
) -> Result<(), ExportError> {
    let prompt = capture.prompt_tokens();
    let mut line = json!({
        "model": capture.model.name,
        "end": ending.map_or("stopped", TextEnding::name),
        "prompt_tokens": prompt,
        "tokens": capture.tokens.len() - prompt,
        "text": Token::joined_text(&capture.tokens[prompt..]),
    });
    if let Some(TextEnding::EndOfText(next)) = ending {
        line["id"] = json!(next.token.id);
        line["probability"] = json!(next.probability);
    }
    end_line(out, &line)
}

fn end_line(out: &mut impl Write, line: &Value) -> Result<(), ExportError> {
    write_json(&mut *out, line)?;
    writeln!(out)?;
    Ok(out.flush()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(tokens: &[&[u8]]) -> String {
        let mut out = TextWriter::new(Vec::new());
        for bytes in tokens {
            out.token(&Token::from_bytes(0, String::new(), bytes, 0)).unwrap();
        }
        out.end().unwrap();
        String::from_utf8(out.out).unwrap()
    }

    #[test]
    fn a_character_is_written_when_all_of_it_is_there() {
        let smile = "🙂".as_bytes();
        assert_eq!(written(&[b" a", &smile[..1], &smile[1..], b"b"]), " a🙂b\n");
        assert_eq!(written(&[&smile[..2], b"x"]), "\u{fffd}x\n", "the rest did not come");
        assert_eq!(written(&[b"a", &smile[..3]]), "a\u{fffd}\n");
        let mut out = TextWriter::new(Vec::new());
        out.token(&Token::from_bytes(0, String::new(), &smile[..1], 0)).unwrap();
        assert!(out.lines().is_empty());
    }

    #[test]
    fn lines_stay_and_what_a_terminal_obeys_does_not() {
        assert_eq!(written(&[b"a\n\tb", b"\x1b[2J", b"\r\n"]), "a\n\tb\\u{1b}[2J\\r\n\n");
    }
}
