//! Granite: Llama with multipliers of the embedding, of scores, of what each part adds, and of logits.

use super::common::{DEFAULTS, attention_biases, llama_like};
use super::config::Config;
use super::definition::{Family, Read};
use super::layout::LLAMA;
use super::ranges::MULTIPLIER;
use crate::model::ModelError;
use crate::model::spec::Biases;

/// Granite.
pub const FAMILY: Family =
    Family { name: "granite", models: "Granite 3 (dense)", class: "Granite", aliases: &[], read };

fn read(config: &Config) -> Result<Read, ModelError> {
    let mut spec = llama_like(config, &DEFAULTS)?;
    spec.biases = Biases { mlp: config.flag("mlp_bias", false)?, ..attention_biases(config, false)? };
    let multiplier = |key: &str| config.real(key, 1.0, MULTIPLIER);
    spec.embedding.scale = multiplier("embedding_multiplier")?;
    spec.residual_scale = multiplier("residual_multiplier")?;
    let divisor = multiplier("logits_scaling")?;
    if divisor == 0.0 {
        return Err(config.error("\"logits_scaling\" is 0: logits are divided by it"));
    }
    spec.logits.scale = 1.0 / divisor;
    // It is the scale itself, not a factor of 1/√head_dim.
    let scale = multiplier("attention_multiplier")? as f32;
    spec.layers.iter_mut().for_each(|layer| layer.scale = scale);
    Ok(Read { spec, layout: LLAMA })
}
