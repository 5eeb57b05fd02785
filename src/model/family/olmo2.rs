//! OLMo 2: a norm after each part, none before; queries and keys are normalised over all heads together.

use super::common::{DEFAULTS, Defaults, attention_biases, llama_like};
use super::config::Config;
use super::definition::{Family, Read};
use super::layout::{LLAMA, Layout};
use crate::model::ModelError;
use crate::model::spec::{BlockSpec, DecoderSpec, NormSpan, QkNormSpec, Wiring};

/// OLMo 2.
pub const FAMILY: Family = Family { name: "olmo2", models: "OLMo 2", class: "Olmo2", aliases: &[], read };

/// Of OLMo 2 and 3.
pub const LAYOUT: Layout = Layout {
    after_attention_norm: "post_attention_layernorm",
    after_mlp_norm: "post_feedforward_layernorm",
    ..LLAMA
};

/// What transformers takes for OLMo 2.
pub const OLMO2: Defaults = Defaults { vocabulary: 50_304, epsilon: ("rms_norm_eps", 1e-5), ..DEFAULTS };

fn read(config: &Config) -> Result<Read, ModelError> {
    let mut spec = llama_like(config, &OLMO2)?;
    post_norms(config, &mut spec)?;
    Ok(Read { spec, layout: LAYOUT })
}

/// What OLMo 2 and 3 have.
///
/// # Errors
/// If a key isn't what it may be.
pub fn post_norms(config: &Config, spec: &mut DecoderSpec) -> Result<(), ModelError> {
    spec.block = BlockSpec { wiring: Wiring::Sequential, before: false, after: true };
    spec.qk_norm = Some(QkNormSpec { norm: spec.norm, over: NormSpan::Token });
    spec.biases = attention_biases(config, false)?;
    Ok(())
}
