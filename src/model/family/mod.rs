//! One file per family: what its config.json says, and which of its tensors go where in the decoder.

mod config;
mod gpt2;
mod gpt_oss;
mod ranges;

use config::{Config, quoted};

use super::ModelError;
use super::decoder::{Decoder, Linear};
use super::spec::{DecoderSpec, Family};
use super::weights::{Matrix, Weights};

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
pub fn assemble(spec: &DecoderSpec, weights: &mut Weights<'_>) -> Result<Decoder, ModelError> {
    match spec.family {
        Family::Gpt2 => gpt2::assemble(spec, weights),
        Family::GptOss => gpt_oss::assemble(spec, weights),
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

/// What `quantization_config` says the weights are packed with, unless that is read: for messages, because the tensors
/// decide. Fine-tunes keep the key after dequantising.
fn quantization(config: &Config) -> Option<String> {
    let packed = ["quantization_config", "compression_config"];
    let block = packed.into_iter().find_map(|key| config.object(key).ok().flatten())?;
    let method = block.text("quant_method").ok().flatten();
    let bits = ["load_in_4bit", "load_in_8bit"].map(|key| block.flag(key, false).unwrap_or(false));
    match method.as_deref() {
        Some("mxfp4") => None,
        Some(method) => Some(method.to_owned()),
        None if bits.contains(&true) => Some("bitsandbytes".to_owned()),
        None => Some("a method that it doesn't name".to_owned()),
    }
}

/// The embedding and the output head, by transformers' rule: of two that config.json ties, the one in the file is both;
/// if both are there, each is what it is, whatever config.json says. A model whose head is neither there nor tied has
/// none.
///
/// # Errors
/// If there is no embedding, or one of them isn't as config.json says.
fn ends(
    spec: &DecoderSpec,
    weights: &mut Weights<'_>,
    embedding: &str,
) -> Result<(Matrix, Option<Linear>), ModelError> {
    const HEAD: &str = "lm_head.weight";
    let shape = [spec.vocabulary, spec.hidden];
    let linear = |matrix| Linear::out_in(matrix, None, spec.vocabulary);
    let (has_embedding, has_head) = (weights.contains(embedding), weights.contains(HEAD));
    if !has_embedding && has_head && spec.tied_head {
        let both = weights.matrix(HEAD, shape)?;
        return Ok((both.clone(), Some(linear(both))));
    }
    let matrix = weights.matrix(embedding, shape)?;
    let head = match has_head {
        // A copy takes no room of its own.
        true if weights.are_same(embedding, HEAD) => Some(matrix.clone()),
        true => Some(weights.matrix(HEAD, shape)?),
        false => spec.tied_head.then(|| matrix.clone()),
    };
    Ok((matrix, head.map(linear)))
}
