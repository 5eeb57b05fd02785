//! Command R: attention and MLP side by side after one LayerNorm without biases, neighbours turned together, logits
//! scaled.

use super::common::{DEFAULTS, Defaults, attention_biases, llama_like};
use super::config::Config;
use super::definition::{Family, Read};
use super::layout::LLAMA;
use super::ranges::MULTIPLIER;
use super::rope::{self, RopeDefaults};
use crate::model::ModelError;
use crate::model::spec::{BlockSpec, DecoderSpec, NormKind, NormSpan, NormSpec, Pairs, QkNormSpec, Wiring};

/// Command R.
pub const FAMILY: Family =
    Family { name: "cohere", models: "Command R, R+", class: "Cohere", aliases: &[], read };

/// What transformers takes for Command R.
pub const COHERE: Defaults = Defaults {
    hidden: 8192,
    intermediate: 22_528,
    layers: 40,
    heads: 64,
    vocabulary: 256_000,
    context: 8192,
    epsilon: ("layer_norm_eps", 1e-5),
    theta: 500_000.0,
    tied: true,
    ..DEFAULTS
};

fn read(config: &Config) -> Result<Read, ModelError> {
    let mut spec = llama_like(config, &COHERE)?;
    side_by_side(config, &mut spec, COHERE.theta)?;
    if config.flag("use_qk_norm", false)? {
        spec.qk_norm = Some(QkNormSpec { norm: spec.norm, over: NormSpan::OwnHead });
    }
    Ok(Read { spec, layout: LLAMA })
}

/// What Command R and R7B have.
///
/// # Errors
/// If a key isn't what it may be.
pub fn side_by_side(config: &Config, spec: &mut DecoderSpec, theta: f64) -> Result<(), ModelError> {
    spec.norm = NormSpec { kind: NormKind::Layer, bias: false, ..spec.norm };
    spec.block = BlockSpec { wiring: Wiring::Parallel { one_norm: true }, ..BlockSpec::PRE_NORM };
    spec.biases = attention_biases(config, false)?;
    let rope = RopeDefaults { theta, pairs: Pairs::Neighbours, ..RopeDefaults::LLAMA };
    spec.rotaries = vec![rope::rotary(config, spec.head_dim, spec.context, &rope)?];
    spec.logits.scale = config.real("logit_scale", 0.0625, MULTIPLIER)?;
    Ok(())
}
