//! Qwen 3: Llama with a norm of each head's queries and keys.

use super::common::{Defaults, attention_biases, llama_like};
use super::config::Config;
use super::definition::{Family, Read};
use super::layout::LLAMA;
use super::qwen2::{QWEN, slide_later};
use crate::model::ModelError;
use crate::model::spec::{DecoderSpec, NormSpan, QkNormSpec};

/// Qwen 3.
pub const FAMILY: Family = Family { name: "qwen3", models: "Qwen 3", class: "Qwen3", aliases: &[], read };

fn read(config: &Config) -> Result<Read, ModelError> {
    let mut spec = llama_like(config, &Defaults { head_dim: 128, ..QWEN })?;
    attention(config, &mut spec)?;
    slide_later(config, &mut spec)?;
    Ok(Read { spec, layout: LLAMA })
}

/// What all of Qwen 3 have: norms of heads, and biases if config.json says so.
///
/// # Errors
/// If a key isn't what it may be.
pub fn attention(config: &Config, spec: &mut DecoderSpec) -> Result<(), ModelError> {
    spec.qk_norm = Some(QkNormSpec { norm: spec.norm, over: NormSpan::Head });
    spec.biases = attention_biases(config, false)?;
    Ok(())
}
