//! Gemma 1: norms by 1 + w, an embedding that is scaled, wide heads, GELU in its gate.

use super::common::{DEFAULTS, Defaults, attention_biases, llama_like, named_activation};
use super::config::Config;
use super::definition::{Family, Read};
use super::layout::{LLAMA, Layout};
use crate::model::ModelError;
use crate::model::spec::{Activation, DecoderSpec, Gating, MlpSpec};

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
    set_gate_activation(&mut spec, activation(config)?);
    scale_embedding(config, &mut spec)?;
    Ok(Read { spec, layout: LAYOUT })
}

/// The first checkpoints say "gelu", and were trained with its tanh form.
fn activation(config: &Config) -> Result<Activation, ModelError> {
    match config.optional_text("hidden_act")?.as_deref() {
        Some("gelu") => Ok(Activation::GeluTanh),
        _ => named_activation(config, "hidden_act", "gelu_pytorch_tanh"),
    }
}

/// What all Gemmas have: the scaled embedding, and biases if config.json says so.
///
/// # Errors
/// If a key isn't what it may be.
pub fn scale_embedding(config: &Config, spec: &mut DecoderSpec) -> Result<(), ModelError> {
    spec.embedding.scale = (spec.hidden as f64).sqrt();
    spec.biases = attention_biases(config, false)?;
    Ok(())
}

/// Gives the gates of all layers an activation.
pub fn set_gate_activation(spec: &mut DecoderSpec, activation: Activation) {
    for layer in &mut spec.layers {
        if let MlpSpec::Gated { gating, .. } = &mut layer.mlp {
            *gating = Gating::Activated(activation);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gelu_is_its_tanh_form_and_other_names_are_what_they_say() {
        let of = |json: &str| activation(&Config::parse(json.as_bytes(), "config.json").unwrap()).unwrap();
        assert_eq!(of("{}"), Activation::GeluTanh);
        assert_eq!(of(r#"{"hidden_act": "gelu"}"#), Activation::GeluTanh);
        assert_eq!(of(r#"{"hidden_act": "relu2"}"#), Activation::ReluSquared);
    }
}
