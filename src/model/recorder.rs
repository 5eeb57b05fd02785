//! What a pass keeps of each layer, on the host, and what it leaves out.

use candle_core::Tensor;

use super::decoder::{Attended, HeadInputs};
use super::{ModelError, Profile};
use crate::attention::{Ablation, CausalMatrix, LayerCapture, TokenRepeats, tokens_per_cell};

/// Collects the layers of a pass.
pub struct Recorder {
    /// What the pass cost so far.
    pub profile: Profile,
    ablation: Ablation,
    repeats: TokenRepeats,
    layers: Vec<LayerCapture>,
    mean: CausalMatrix,
    layer_count: usize,
}

impl Recorder {
    /// For a prompt of `ids` through `layer_count` layers, without the heads of `ablation`.
    pub fn new(ids: &[u32], layer_count: usize, has_sinks: bool, ablation: Ablation) -> Self {
        Self {
            profile: Profile::default(),
            ablation,
            repeats: TokenRepeats::new(ids),
            layers: Vec::with_capacity(layer_count),
            mean: CausalMatrix::zeros(ids.len(), tokens_per_cell(ids.len()), has_sinks),
            layer_count,
        }
    }

    /// Where the prompt's tokens occurred before.
    pub fn repeats(&self) -> &TokenRepeats {
        &self.repeats
    }

    /// The heads of the next layer that are off.
    pub fn heads_off(&self) -> Vec<usize> {
        self.ablation.of_layer(self.layers.len()).collect()
    }

    /// Takes the next layer.
    ///
    /// # Errors
    /// If the device fails.
    pub fn record(&mut self, inputs: &HeadInputs<'_>, attended: Attended) -> Result<(), ModelError> {
        let host = |x: &Tensor| x.flatten_all()?.to_vec1::<f32>();
        self.mean.add_scaled(&attended.mean, 1.0 / self.layer_count as f32);
        self.layers.push(LayerCapture {
            query: host(&inputs.query)?,
            key: host(&inputs.key)?,
            log_sum_exp: attended.log_sum_exp,
            head_dim: inputs.query.dim(2)?,
            scale: inputs.layer.scale,
            window: inputs.layer.window,
            sinks: inputs.sinks.map(<[f32]>::to_vec),
            mean: attended.mean,
            heads: attended.heads,
        });
        Ok(())
    }

    /// Whether the attention of a layer is made of numbers.
    ///
    /// # Errors
    /// If it isn't; finite weights can still overflow.
    pub fn check_finite(&self, layer: usize) -> Result<(), ModelError> {
        if self.layers[layer].log_sum_exp.iter().all(|value| value.is_finite()) {
            return Ok(());
        }
        Err(ModelError::Invalid(format!(
            "the attention of layer {layer} is not a number: numbers overflowed"
        )))
    }

    /// All layers, and the mean over them.
    pub fn finish(self) -> (Vec<LayerCapture>, CausalMatrix) {
        (self.layers, self.mean)
    }
}
