//! The values by which the tokens of a text are coloured.

use std::sync::Arc;

use crate::app::{DisplayedCapture, Scale, Side, State};
use crate::attention::text::Piece;
use crate::attention::{LookedAt, NormalisedRow, tokens_of};
use crate::theme::{Palette, Theme};
use crate::vocabulary::TextColoring;

/// The values of a text's tokens.
pub struct Values<'a> {
    of: Source<'a>,
    /// Tokens of a cell.
    pub bin: usize,
    tokens: usize,
    /// The first token that is not yet there for the query.
    pub future: usize,
}

/// What they are taken from.
enum Source<'a> {
    /// The row of the token that is looked at.
    Row(NormalisedRow<'a>),
    /// The same, known token by token where cells are several.
    Exact(NormalisedRow<'a>),
    /// What heads add through each token; nothing before that is computed.
    Pushes(Vec<f32>),
    /// What later tokens give to each.
    Keys(Arc<LookedAt>),
}

impl<'a> Values<'a> {
    /// Those that are on screen on a side.
    pub fn of(state: &'a State, side: Side, shown: &'a DisplayedCapture) -> Self {
        let (normalisation, matrix) = (state.display.normalisation, shown.matrix());
        let (bin, tokens) = (matrix.bin(), shown.capture.tokens.len());
        let query = state.pane(side).cursor.query.min(matrix.size().saturating_sub(1));
        match state.display.text.unwrap_or_default() {
            TextColoring::LooksAt => match state.exact_row(side) {
                Some(row) => {
                    let of = Source::Exact(normalisation.row_of(&row.weights, row.sink));
                    Self { of, bin, tokens, future: row.weights.len() }
                }
                None => {
                    let of = Source::Row(normalisation.row(matrix, query));
                    Self { of, bin, tokens, future: (query + 1) * bin }
                }
            },
            TextColoring::Push => {
                let of = Source::Pushes(state.push_by_token(side).unwrap_or_default());
                Self { of, bin, tokens, future: state.pane(side).token() + 1 }
            }
            TextColoring::LookedAt => {
                Self { of: Source::Keys(shown.looked_at(normalisation)), bin, tokens, future: tokens }
            }
        }
    }

    /// The value of a token; of one that shares a cell with others, its part of that.
    pub fn token(&self, token: usize) -> Option<f32> {
        let cell = token / self.bin;
        match &self.of {
            Source::Row(row) => {
                let tokens = tokens_of(cell, self.bin, self.tokens).max(1);
                row.get(cell).map(|value| value / tokens as f32)
            }
            Source::Exact(row) => row.get(token),
            Source::Pushes(pushes) => pushes.get(token).copied(),
            Source::Keys(keys) => keys.values.get(token).copied().flatten(),
        }
    }

    /// Its colours, and how high a value is on them.
    pub fn level<'t>(&self, value: f32, scale: Scale, theme: &'t Theme) -> (&'t Palette, f32) {
        match self.of {
            Source::Pushes(_) => (&theme.differences, scale.signed_level(value)),
            Source::Row(_) | Source::Exact(_) | Source::Keys(_) => (&theme.values, scale.level(value)),
        }
    }

    /// The value of a piece: the sum of its tokens', where they split a character among them.
    pub fn piece(&self, piece: &Piece) -> Option<f32> {
        piece.tokens.clone().filter_map(|token| self.token(token)).reduce(|sum, value| sum + value)
    }
}
