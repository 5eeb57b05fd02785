//! One file per family: what its config.json says, and which of its tensors go where in the decoder.

mod config;
mod gpt2;
mod gpt_oss;

use config::Config;

use super::ModelError;
use super::decoder::Decoder;
use super::spec::{DecoderSpec, Family};
use super::weights::Weights;

/// Reads config.json; `name` is for messages.
///
/// # Errors
/// If it is no JSON, of a family that isn't supported, or lacks a key.
pub fn read_spec(json: &[u8], name: &str) -> Result<DecoderSpec, ModelError> {
    let config = Config::parse(json, name)?;
    let spec = match family(&config)? {
        Family::Gpt2 => gpt2::spec(&config),
        Family::GptOss => gpt_oss::spec(&config),
    }?;
    check(&spec, &config)?;
    Ok(spec)
}

/// Builds the decoder from the tensors of a checkpoint.
///
/// # Errors
/// If a tensor is missing or not as config.json says.
pub fn assemble(spec: &DecoderSpec, weights: &mut Weights<'_>) -> Result<Decoder, ModelError> {
    match spec.family {
        Family::Gpt2 => gpt2::assemble(spec, weights),
        Family::GptOss => gpt_oss::assemble(spec, weights),
    }
}

fn family(config: &Config) -> Result<Family, ModelError> {
    let name: String = config.required("model_type")?;
    Family::ALL.into_iter().find(|family| family.name() == name).ok_or_else(|| {
        config.error(format!(
            "model_type is \"{name}\", which is not supported; supported are {}",
            Family::ALL.map(|family| format!("\"{}\"", family.name())).join(" and ")
        ))
    })
}

/// Numbers that no decoder can have.
fn check(spec: &DecoderSpec, config: &Config) -> Result<(), ModelError> {
    let sizes = [
        ("vocabulary", spec.vocabulary),
        ("context", spec.context),
        ("hidden size", spec.hidden),
        ("number of heads", spec.heads),
        ("number of key/value heads", spec.kv_heads),
        ("head size", spec.head_dim),
        ("number of layers", spec.layers.len()),
    ];
    if let Some((name, _)) = sizes.iter().find(|(_, size)| *size == 0) {
        return Err(config.error(format!("the {name} is 0")));
    }
    if !spec.heads.is_multiple_of(spec.kv_heads) {
        return Err(config.error(format!(
            "{} query heads can't be shared out among {} key/value heads",
            spec.heads, spec.kv_heads
        )));
    }
    Ok(())
}
