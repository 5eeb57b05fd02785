//! Collects the layers of a pass, and their mean.

use std::sync::Arc;

use super::decoder::mean_going_on;
use crate::attention::{CausalMatrix, LayerCapture};

/// The layers of a pass so far.
pub struct Recorder {
    layers: Vec<Arc<LayerCapture>>,
    mean: CausalMatrix,
    /// The first row of the mean that is not known from an earlier pass.
    first_row: usize,
    layer_count: usize,
}

impl Recorder {
    /// For a prompt of some tokens through some layers, with sinks or without. `before` is the mean of an earlier pass,
    /// of a prompt of which the first `same` tokens are the same.
    pub fn new(
        (tokens, layer_count, has_sinks): (usize, usize, bool),
        before: Option<&CausalMatrix>,
        same: usize,
    ) -> Self {
        let (mean, first_query) = mean_going_on(before, same, tokens, has_sinks);
        let first_row = first_query / mean.bin();
        Self { layers: Vec::with_capacity(layer_count), mean, first_row, layer_count }
    }

    /// Adds the next layer, and returns how many there are.
    pub fn add(&mut self, layer: LayerCapture) -> usize {
        self.mean.add_rows_scaled(self.first_row, &layer.mean, 1.0 / self.layer_count as f32);
        self.layers.push(Arc::new(layer));
        self.layers.len()
    }

    /// All layers, and the mean over them.
    pub fn finish(self) -> (Vec<Arc<LayerCapture>>, CausalMatrix) {
        (self.layers, self.mean)
    }
}
