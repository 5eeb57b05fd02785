//! Families of models. One file for each: it reads the family's config.json into a `DecoderSpec`, and its tensors into
//! the decoder.
//!
//! # How to add a family
//! 1. A variant of `spec::Family` with its `model_type`.
//! 2. A file here with `ALIASES`, `spec` (every key through `Config`, with the default that transformers has and a range
//!    from `ranges`), and `build` (every tensor through `Weights`, which checks names and shapes).
//! 3. A line in each `match` below, and a tiny checkpoint with goldens in `tests/golden`.

mod config;
mod ends;
mod gpt2;
mod gpt_oss;
mod ranges;

use config::{Config, quoted};

use super::ModelError;
use super::decoder::Decoder;
use super::spec::{DecoderSpec, Family};
use super::weights::Weights;

/// Reads config.json; `name` is for messages.
///
/// # Errors
/// If it is no JSON, of a family that isn't supported, or a key isn't what it may be.
pub fn read_spec(json: &[u8], name: &str) -> Result<DecoderSpec, ModelError> {
    let config = Config::parse(json, name)?;
    let (spec, config) = match family(&config)? {
        Family::Gpt2 => {
            let config = config.with_aliases(gpt2::ALIASES);
            (gpt2::spec(&config)?, config)
        }
        Family::GptOss => {
            let config = config.with_aliases(gpt_oss::ALIASES);
            (gpt_oss::spec(&config)?, config)
        }
    };
    if !spec.heads.is_multiple_of(spec.kv_heads) {
        return Err(config.error(format!(
            "{} query heads can't be shared out among {} key/value heads",
            spec.heads, spec.kv_heads
        )));
    }
    Ok(spec)
}

/// Builds the decoder from the tensors of a checkpoint.
///
/// # Errors
/// If a tensor is missing or not as config.json says.
pub fn build(spec: &DecoderSpec, weights: &mut Weights<'_>) -> Result<Decoder, ModelError> {
    match spec.family {
        Family::Gpt2 => gpt2::build(spec, weights),
        Family::GptOss => gpt_oss::build(spec, weights),
    }
}

fn family(config: &Config) -> Result<Family, ModelError> {
    let supported = || Family::ALL.map(|family| format!("\"{}\"", family.name())).join(" and ");
    if let Some(name) = config.optional_text("model_type")? {
        let known = Family::ALL.into_iter().find(|family| family.name() == name);
        return known.ok_or_else(|| {
            config.error(format!(
                "model_type is {}, which is not supported; supported are {}",
                quoted(&name),
                supported()
            ))
        });
    }
    let architectures = config.texts("architectures")?.unwrap_or_default();
    let is_of = |family: &Family| architectures.iter().any(|name| name.starts_with(family.classes()));
    Family::ALL.into_iter().find(is_of).ok_or_else(|| {
        config.error(format!("the key \"model_type\" is missing; supported are {}", supported()))
    })
}
