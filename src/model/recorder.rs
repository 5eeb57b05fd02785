//! What a pass keeps of each layer, on the host, and what it leaves out.

use candle_core::Tensor;

use super::decoder::{Attended, HeadInputs, into_values};
use super::{ModelError, Profile};
use crate::attention::{Ablation, CausalMatrix, LayerCapture, TokenRepeats, tokens_per_cell};

/// Collects the layers of a pass.
pub struct Recorder<'a> {
    /// What the pass cost so far.
    pub profile: Profile,
    ablation: Ablation,
    residual: Option<&'a mut Vec<Tensor>>,
    repeats: TokenRepeats,
    layers: Vec<LayerCapture>,
    mean: CausalMatrix,
    layer_count: usize,
}

impl<'a> Recorder<'a> {
    /// For a prompt of `ids` through `layer_count` layers, without the heads of `ablation`.
    pub fn new(ids: &[u32], layer_count: usize, has_sinks: bool, ablation: Ablation) -> Self {
        Self {
            profile: Profile::default(),
            ablation,
            residual: None,
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

    /// Keeps what flows between the layers in `residual`.
    pub fn keeping(self, residual: Option<&'a mut Vec<Tensor>>) -> Self {
        Self { residual, ..self }
    }

    /// Whether what flows between the layers is kept, of all tokens.
    pub fn keeps_residual(&self) -> bool {
        self.residual.is_some()
    }

    /// Adds what the pass costs to `profile`.
    pub fn timing(self, profile: Profile) -> Self {
        Self { profile, ..self }
    }

    /// Takes what flows on, \[S, hidden\], after the embedding and after each layer.
    ///
    /// # Errors
    /// If the device fails.
    pub fn flow(&mut self, x: &Tensor) -> Result<(), ModelError> {
        if let Some(residual) = &mut self.residual {
            residual.push(x.copy()?);
        }
        Ok(())
    }

    /// The heads of the next layer that are off.
    pub fn heads_off(&self) -> Vec<usize> {
        self.ablation.of_layer(self.layers.len()).collect()
    }

    /// Takes the next layer, and ‖v W_O‖ of its heads and keys, \[heads, S\].
    ///
    /// # Errors
    /// If the device fails.
    pub fn record(
        &mut self,
        inputs: HeadInputs<'_>,
        attended: Attended,
        value_norms: Vec<f32>,
    ) -> Result<(), ModelError> {
        self.mean.add_scaled(&attended.mean, 1.0 / self.layer_count as f32);
        self.layers.push(LayerCapture {
            head_dim: inputs.query.dim(2)?,
            query: into_values(inputs.query)?,
            key: into_values(inputs.key)?,
            value_norms,
            log_sum_exp: attended.log_sum_exp,
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
