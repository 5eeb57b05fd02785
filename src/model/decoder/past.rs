//! What is known of the first tokens of a prompt from an earlier pass: these are not computed again.

use std::sync::Arc;

use crate::attention::{
    CausalMatrix, LayerCapture, LayerSums, Order, Panels, TokenRows, thumbnail_bin, tokens_per_cell,
};

/// The first tokens of a prompt, as an earlier pass left them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Past<'a> {
    /// How many there are.
    pub tokens: usize,
    /// The layers of the earlier pass, which may have had more tokens; none if there are no tokens.
    pub layers: &'a [Arc<LayerCapture>],
}

/// One layer of them.
#[derive(Debug, Clone, Copy)]
pub struct PastLayer<'a> {
    /// How many tokens there are.
    pub tokens: usize,
    layer: Option<&'a LayerCapture>,
}

impl<'a> Past<'a> {
    /// A layer; of an empty past an empty one.
    pub fn layer(&self, layer: usize) -> PastLayer<'a> {
        let layer = self.layers.get(layer).map(|layer| &**layer).filter(|_| self.tokens > 0);
        PastLayer { tokens: self.tokens, layer }
    }

    /// Whether the host has all that it needs of them, or can have it.
    pub fn is_here(&self) -> bool {
        self.tokens == 0 || self.layers.iter().all(|layer| layer.qkv.bring().is_ok())
    }
}

impl<'a> PastLayer<'a> {
    /// Rows of the layer, of these tokens.
    pub fn rows(&self, width: usize, of: impl Fn(&LayerCapture) -> &TokenRows) -> TokenRows {
        self.layer.map_or_else(|| TokenRows::new(width), |layer| of(layer).prefix(self.tokens))
    }

    /// Panels of the layer, of these tokens.
    pub fn panels(
        &self,
        (order, heads, head_dim): (Order, usize, usize),
        of: impl Fn(&LayerCapture) -> &Panels,
    ) -> Panels {
        self.layer.map_or_else(|| Panels::new(order, heads, head_dim), |layer| of(layer).prefix(self.tokens))
    }

    /// The sums of the layer's statistics, of these tokens.
    pub fn sums(&self, heads: usize) -> LayerSums {
        self.layer.map_or_else(|| LayerSums::new(heads), |layer| layer.sums.prefix(self.tokens))
    }
}

/// Matrices of a layer that hold what is known already, and wait for the rest.
pub struct Folding {
    /// Mean over heads.
    pub mean: CausalMatrix,
    /// The first query whose row the mean waits for.
    pub mean_from: usize,
    /// One per head.
    pub thumbnails: Vec<CausalMatrix>,
    /// The first query whose row the thumbnails wait for.
    pub thumbnails_from: usize,
}

impl Folding {
    /// For a prompt of `tokens`.
    pub fn new(past: &PastLayer<'_>, tokens: usize, heads: usize, has_sinks: bool) -> Self {
        let (bin, small_bin) = (tokens_per_cell(tokens), thumbnail_bin(tokens));
        let (mean, mean_from) = mean(past.layer.map(|layer| &layer.mean), past.tokens, tokens, has_sinks);
        let kept =
            past.layer.filter(|layer| layer.heads.iter().all(|head| head.thumbnail.bin() <= small_bin));
        let Some(layer) = kept else {
            let thumbnails = vec![CausalMatrix::zeros(tokens, small_bin, has_sinks); heads];
            return Self { mean, mean_from, thumbnails, thumbnails_from: 0 };
        };
        // A row of cells may be of tokens that are gone. Then what is left of it is folded anew.
        let is_whole = layer.log_sum_exp.tokens() == past.tokens;
        let rows = if is_whole { past.tokens.div_ceil(small_bin) } else { past.tokens / small_bin };
        let thumbnail = |thumbnail: &CausalMatrix| {
            let mut thumbnail = thumbnail.clone();
            while thumbnail.bin() < small_bin {
                thumbnail = thumbnail.halved_to_largest();
            }
            thumbnail.grown(rows, tokens)
        };
        debug_assert!(small_bin.is_multiple_of(bin), "a row of a thumbnail is whole rows of the mean");
        Self {
            mean,
            mean_from,
            thumbnails: layer.heads.iter().map(|head| thumbnail(&head.thumbnail)).collect(),
            thumbnails_from: past.tokens.min(rows * small_bin),
        }
    }

    /// The first query of which anything is missing.
    pub fn from(&self) -> usize {
        self.mean_from.min(self.thumbnails_from)
    }
}

/// A mean for a prompt of `tokens` that holds the rows of an earlier one that are the same in this; and the first query
/// whose row is missing. `same` tokens are the same.
pub fn mean(
    before: Option<&CausalMatrix>,
    same: usize,
    tokens: usize,
    has_sinks: bool,
) -> (CausalMatrix, usize) {
    let bin = tokens_per_cell(tokens);
    match before {
        Some(before) if before.bin() == bin => (before.grown(same / bin, tokens), same / bin * bin),
        _ => (CausalMatrix::zeros(tokens, bin, has_sinks), 0),
    }
}
