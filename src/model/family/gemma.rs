//! Gemma 1: norms by 1 + w, an embedding that is scaled, wide heads, GELU in its gate.

use super::common::{DEFAULTS, Defaults, llama_like};
use super::config::Config;
use super::definition::{Family, Read};
use super::layout::{LLAMA, Layout};
use crate::model::ModelError;
use crate::model::spec::{Activation, Biases, DecoderSpec, Gating, MlpSpec};

/// Gemma.
pub const FAMILY: Family = Family { name: "gemma", models: "Gemma 1", class: "Gemma", aliases: &[], read };

/// Of all Gemmas.
pub const LAYOUT: Layout = Layout { norm_offset: 1.0, ..LLAMA };

fn read(config: &Config) -> Result<Read, ModelError> {
    let defaults = Defaults {
        hidden: 3072,
        intermediate: 24_576,
        layers: 28,
        heads: 16,
        kv_heads: 16,
        head_dim: 256,
        vocabulary: 256_000,
        context: 8192,
        tied: true,
        ..DEFAULTS
    };
    let mut spec = llama_like(config, &defaults)?;
    // Whatever `hidden_act` says: checkpoints say "gelu" and were trained with this one.
    gelu(&mut spec, Activation::GeluTanh);
    common(config, &mut spec)?;
    Ok(Read { spec, layout: LAYOUT })
}

/// What all Gemmas have: the scaled embedding, and biases if config.json says so.
///
/// # Errors
/// If a key isn't what it may be.
pub fn common(config: &Config, spec: &mut DecoderSpec) -> Result<(), ModelError> {
    spec.embedding.scale = (spec.hidden as f64).sqrt();
    let bias = config.flag("attention_bias", false)?;
    spec.biases = Biases { qkv: bias, output: bias, ..Biases::default() };
    Ok(())
}

/// Gives the gates of all layers an activation.
pub fn gelu(spec: &mut DecoderSpec, activation: Activation) {
    for layer in &mut spec.layers {
        if let MlpSpec::Gated { gating, .. } = &mut layer.mlp {
            *gating = Gating::Activated(activation);
        }
    }
}
