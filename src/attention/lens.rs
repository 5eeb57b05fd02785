//! The logit lens (nostalgebraist 2020): what a model would predict if it ended after each layer.

use super::NextToken;

/// What each layer would predict after one token of a prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct Lens {
    /// The position of the token.
    pub query: usize,
    /// A row for the embedding, then one for each layer; the last is what the model itself predicts.
    pub rows: Vec<LensRow>,
}

/// What would be predicted from the residual stream at one depth, by the final norm and the unembedding.
#[derive(Debug, Clone, PartialEq)]
pub struct LensRow {
    /// The likeliest tokens, likeliest first.
    pub next: Vec<NextToken>,
    /// The probability of the token that the model itself predicts.
    pub of_last: f32,
}

impl Lens {
    /// The token that the model itself predicts.
    pub fn prediction(&self) -> Option<&NextToken> {
        self.rows.last()?.next.first()
    }

    /// `embedding`, `layer 0`, …: what a row is after.
    pub fn name(row: usize) -> String {
        row.checked_sub(1).map_or_else(|| "embedding".to_owned(), |layer| format!("layer {layer}"))
    }
}
