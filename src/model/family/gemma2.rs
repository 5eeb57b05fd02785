//! Gemma 2: a norm before and after each part, scores and logits with caps, every other layer slides.

use super::common::{DEFAULTS, Defaults, llama_like, named_activation, root, slide};
use super::config::Config;
use super::definition::{Family, Read};
use super::gemma::{LAYOUT, scale_embedding, set_gate_activation};
use super::layout::Layout;
use super::ranges::{CAP, WIDTH};
use crate::model::ModelError;
use crate::model::spec::{BlockSpec, DecoderSpec, Wiring};

/// Gemma 2.
pub const FAMILY: Family = Family { name: "gemma2", models: "Gemma 2", class: "Gemma2", aliases: &[], read };

/// Of Gemma 2 and 3.
pub const SANDWICH: Layout = Layout {
    after_attention_norm: "post_attention_layernorm",
    mlp_norm: "pre_feedforward_layernorm",
    after_mlp_norm: "post_feedforward_layernorm",
    ..LAYOUT
};

/// What transformers takes for Gemma 2.
pub const GEMMA2: Defaults = Defaults {
    hidden: 2304,
    intermediate: 9216,
    layers: 26,
    heads: 8,
    kv_heads: 4,
    head_dim: 256,
    vocabulary: 256_000,
    context: 8192,
    tied: true,
    ..DEFAULTS
};

fn read(config: &Config) -> Result<Read, ModelError> {
    let mut spec = llama_like(config, &GEMMA2)?;
    sandwich(config, &mut spec)?;
    let cap = read_cap(config, "attn_logit_softcapping", Some(50.0))?;
    spec.layers.iter_mut().for_each(|layer| layer.softcap = cap.map(|cap| cap as f32));
    spec.logits.softcap = read_cap(config, "final_logit_softcapping", Some(30.0))?;
    slide(config, &mut spec, Some(4096), |layer| layer.is_multiple_of(2))?;
    Ok(Read { spec, layout: SANDWICH })
}

/// What Gemma 2 and 3 have: norms before and after each part, a scale of their own, `hidden_activation`.
///
/// # Errors
/// If a key isn't what it may be.
pub fn sandwich(config: &Config, spec: &mut DecoderSpec) -> Result<(), ModelError> {
    scale_embedding(config, spec)?;
    spec.block = BlockSpec { wiring: Wiring::Sequential, before: true, after: true };
    set_gate_activation(spec, named_activation(config, "hidden_activation", "gelu_pytorch_tanh")?);
    let scale = root(config.whole("query_pre_attn_scalar", 256, WIDTH)?);
    spec.layers.iter_mut().for_each(|layer| layer.scale = scale);
    Ok(())
}

/// A cap, or `absent` where the key is not there; null is none.
///
/// # Errors
/// If it isn't what it may be.
pub fn read_cap(config: &Config, key: &str, absent: Option<f64>) -> Result<Option<f64>, ModelError> {
    match config.optional_real(key, CAP)? {
        None if !config.is_null(key) => Ok(absent),
        cap => Ok(cap),
    }
}
