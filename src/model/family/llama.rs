//! Llama 1 to 3, and what is built like it: SmolLM2, TinyLlama, Yi.

use super::common::{DEFAULTS, attention_biases, llama_like};
use super::config::Config;
use super::definition::{Family, Read};
use super::layout::LLAMA;
use crate::model::ModelError;
use crate::model::spec::Biases;

/// Llama.
pub const FAMILY: Family = Family {
    name: "llama",
    models: "Llama 1 to 3, SmolLM2, TinyLlama, Yi",
    class: "Llama",
    aliases: &[],
    read,
};

fn read(config: &Config) -> Result<Read, ModelError> {
    let mut spec = llama_like(config, &DEFAULTS)?;
    spec.biases = Biases { mlp: config.flag("mlp_bias", false)?, ..attention_biases(config, false)? };
    Ok(Read { spec, layout: LLAMA })
}
