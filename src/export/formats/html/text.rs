//! The text on a page: its pieces, whose colours the page takes from the matrix as one points at them.

use serde::Serialize;

use crate::attention::push::HeadPush;
use crate::attention::text::{GlyphKind, glyphs};
use crate::attention::{Capture, EXACT_TOKENS};
use crate::export::error::ExportError;
use crate::export::figure;
use crate::export::recipe::Recipe;
use crate::export::selection::Selection;
use crate::export::subject::Subject;
use crate::vocabulary::{RowReading, TextColoring};

/// How the texts of a page are coloured at first.
#[derive(Serialize)]
pub struct Mode {
    /// By what: the value of an option of the page.
    colors: &'static str,
    /// The token that looks at first, of the left side.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<usize>,
}

/// What heads push through the tokens of a text.
#[derive(Serialize)]
pub struct Pushed {
    /// After which token, which heads, how much, to which logit.
    heading: String,
    /// The token that the next one is predicted after.
    query: usize,
    /// Of each token up to that one.
    values: Vec<f32>,
    /// Of each of these the heads that push most through it, and how much.
    heads: Vec<Vec<(String, f32)>>,
}

/// Heads that are listed of a token.
const LISTED: usize = 5;

/// What heads push, if that is what a text is coloured by.
///
/// # Errors
/// If it was not computed.
pub fn pushed(capture: &Capture, subject: Subject, rows: RowReading) -> Result<Option<Pushed>, ExportError> {
    let Some(text) = subject.pushed() else { return Ok(None) };
    let query = text.query(capture.tokens.len(), rows);
    let push = figure::pushed(capture, text, query)?;
    let of_key = |key: usize| {
        let named = |head: &HeadPush| (format!("head {}.{}", head.layer, head.head), head.key(key));
        let mut heads: Vec<(String, f32)> = push.heads_of(text.view, &capture.model).map(named).collect();
        heads.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
        heads.truncate(LISTED);
        heads
    };
    Ok(Some(Pushed {
        heading: figure::pushes_heading(capture, text, query)?,
        query,
        values: push.of_view(text.view, &capture.model),
        heads: (0..=query).map(of_key).collect(),
    }))
}

/// A piece of a text.
#[derive(Serialize)]
pub struct Piece {
    text: String,
    /// The first of its tokens, and the one after the last.
    tokens: [usize; 2],
    /// Whether it is no text but a special token.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    special: bool,
}

/// How the texts of a page are coloured, if it is of texts.
///
/// # Errors
/// If the prompt is too long for a matrix token by token.
pub fn mode(captures: &[&Capture], recipe: &Recipe) -> Result<Option<Mode>, ExportError> {
    let Subject::Text(text) = recipe.source.subject else { return Ok(None) };
    if captures.iter().any(|capture| capture.mean.bin() > 1) {
        return Err(ExportError::Unfit(format!(
            "{text}: on a page to point at, a text has {EXACT_TOKENS} tokens at most: write it as svg or png"
        )));
    }
    let colors = match text.coloring {
        TextColoring::LooksAt => "looks",
        TextColoring::LookedAt => "looked",
        TextColoring::Push => "push",
    };
    Ok(Some(Mode { colors, token: text.token }))
}

/// The matrices that a page needs for a subject.
///
/// # Errors
/// If it needs none of these.
pub fn matrices(subject: Subject) -> Result<Selection, ExportError> {
    match subject {
        Subject::Text(text) => Ok(Selection::One(text.view)),
        subject => subject.matrices(),
    }
}

/// The text of a capture in pieces of the same tokens; line ends are kept.
pub fn pieces(capture: &Capture) -> Vec<Piece> {
    let glyphs = glyphs(&capture.tokens, false);
    let piece = |run: &[crate::attention::text::Glyph]| {
        let text = run.iter().map(|glyph| match glyph.kind {
            GlyphKind::LineEnd => format!("{}\n", glyph.shown),
            _ => glyph.shown.clone(),
        });
        let tokens = run[0].tokens.clone();
        let special = capture.tokens.get(tokens.start).is_some_and(|token| token.is_special);
        Piece { text: text.collect(), tokens: [tokens.start, tokens.end], special }
    };
    glyphs.chunk_by(|a, b| a.tokens == b.tokens).map(piece).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::example;

    #[test]
    fn pieces_are_those_of_tokens_and_lines_end() {
        let capture = example::reading(&["a", "\nb", " <c>"], false);
        let found: Vec<(String, [usize; 2])> =
            pieces(&capture).into_iter().map(|piece| (piece.text, piece.tokens)).collect();
        assert_eq!(
            found,
            [("a", [0, 1]), ("⏎\nb", [1, 2]), (" <c>", [2, 3])].map(|it| (it.0.to_owned(), it.1))
        );
    }
}
