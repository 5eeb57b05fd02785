//! Collects the layers of a pass, and their mean.

use crate::attention::{CausalMatrix, LayerCapture, tokens_per_cell};

/// The layers of a pass so far.
pub struct Recorder {
    layers: Vec<LayerCapture>,
    mean: CausalMatrix,
    layer_count: usize,
}

impl Recorder {
    /// For a prompt of `tokens` through `layer_count` layers.
    pub fn new(tokens: usize, layer_count: usize, has_sinks: bool) -> Self {
        Self {
            layers: Vec::with_capacity(layer_count),
            mean: CausalMatrix::zeros(tokens, tokens_per_cell(tokens), has_sinks),
            layer_count,
        }
    }

    /// Adds the next layer, and returns how many there are.
    pub fn add(&mut self, layer: LayerCapture) -> usize {
        self.mean.add_scaled(&layer.mean, 1.0 / self.layer_count as f32);
        self.layers.push(layer);
        self.layers.len()
    }

    /// All layers, and the mean over them.
    pub fn finish(self) -> (Vec<LayerCapture>, CausalMatrix) {
        (self.layers, self.mean)
    }
}
