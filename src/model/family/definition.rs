//! What a family is, and what it makes of a config.json.

use super::build;
use super::config::Config;
use super::layout::Layout;
use crate::model::ModelError;
use crate::model::decoder::Decoder;
use crate::model::spec::DecoderSpec;
use crate::model::weights::{Expected, Weights};

/// A family of models.
pub struct Family {
    /// `model_type` of its config.json.
    pub name: &'static str,
    /// Models of it that people know.
    pub models: &'static str,
    /// What the names of its classes in transformers begin with, up to `For`, `Model` or `LMHead`, as `architectures` of
    /// config.json spells them.
    pub class: &'static str,
    /// Keys of its config.json, and other names that these have.
    pub aliases: &'static [(&'static str, &'static str)],
    /// Reads config.json.
    ///
    /// # Errors
    /// If a key isn't what it may be.
    pub read: fn(&Config) -> Result<Read, ModelError>,
}

/// What a config.json says.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// How the decoder is built.
    pub spec: DecoderSpec,
    /// How its tensors are named.
    pub layout: Layout,
}

impl Read {
    /// What there is to know of its tensors before they are asked for.
    pub fn expected(&self) -> Expected {
        let Layout { prefixes, layers, positions, in_out, .. } = self.layout;
        let positions = if self.spec.embedding.positions.is_some() { positions } else { "" };
        let (quantization, count) = (self.spec.quantization.clone(), self.spec.layers.len());
        Expected { prefixes, layers, positions, in_out, quantization, count }
    }

    /// Builds the decoder from the tensors of a checkpoint.
    ///
    /// # Errors
    /// If a tensor is missing or not as config.json says.
    pub fn build(&self, weights: &mut Weights<'_>) -> Result<Decoder, ModelError> {
        weights.expect(self.expected());
        build::build(&self.spec, &self.layout, weights)
    }
}
