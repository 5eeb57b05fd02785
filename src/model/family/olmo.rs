//! OLMo 1: Llama with LayerNorms that have no weights; queries, keys and values may be clamped.

use super::common::{DEFAULTS, Defaults, attention_biases, llama_like};
use super::config::Config;
use super::definition::{Family, Read};
use super::layout::LLAMA;
use super::ranges::CAP;
use crate::model::ModelError;
use crate::model::spec::{NormKind, NormSpec};

/// OLMo.
pub const FAMILY: Family = Family { name: "olmo", models: "OLMo 1", class: "Olmo", aliases: &[], read };

fn read(config: &Config) -> Result<Read, ModelError> {
    let mut spec = llama_like(config, &Defaults { vocabulary: 50_304, ..DEFAULTS })?;
    spec.norm = NormSpec { kind: NormKind::Layer, weight: false, bias: false, epsilon: 1e-5 };
    spec.biases = attention_biases(config, false)?;
    spec.clip_qkv = config.optional_real("clip_qkv", CAP)?;
    Ok(Read { spec, layout: LLAMA })
}
