//! Families of models. One file for each: it reads the family's config.json into a `DecoderSpec`, and says how its
//! checkpoints name and lay out their tensors. [`build`] makes the one decoder of both.
//!
//! # How to add a family
//! 1. A file here with `FAMILY`, and a `read` that begins with the family it is most like (`common::llama_like` where
//!    nothing else is), and changes what differs. Every key goes through `Config`, with the default that transformers
//!    has and a range from `ranges`. The `Layout` is another family's with other names.
//! 2. A line in [`FAMILIES`].
//! 3. Checkpoints with goldens in `tests/golden/families`, whose traps show that each key counts.

mod bloom;
mod build;
mod cohere;
mod cohere2;
mod common;
mod config;
mod definition;
mod falcon;
mod gemma;
mod gemma2;
mod gemma3;
mod gguf;
mod gpt2;
mod gpt_neo;
mod gpt_neox;
mod gpt_oss;
mod gptj;
mod granite;
mod layout;
mod llama;
mod mistral;
mod mixtral;
mod olmo;
mod olmo2;
mod olmo3;
mod opt;
mod phi;
mod phi3;
mod qwen2;
mod qwen3;
mod qwen3_moe;
mod ranges;
mod rope;
mod smollm3;
mod stablelm;
mod starcoder2;

pub use definition::{Family, Read};

pub use gguf::read_gguf;

use config::{Config, quoted};

use super::ModelError;

/// All families.
pub const FAMILIES: &[Family] = &[
    bloom::FAMILY,
    cohere::FAMILY,
    cohere2::FAMILY,
    falcon::FAMILY,
    gemma::FAMILY,
    gemma2::FAMILY,
    gemma3::MULTIMODAL,
    gemma3::FAMILY,
    gpt2::FAMILY,
    gpt_neo::FAMILY,
    gpt_neox::FAMILY,
    gpt_oss::FAMILY,
    gptj::FAMILY,
    granite::FAMILY,
    llama::FAMILY,
    mistral::FAMILY,
    mistral::MULTIMODAL,
    mixtral::FAMILY,
    olmo::FAMILY,
    olmo2::FAMILY,
    olmo3::FAMILY,
    opt::FAMILY,
    phi::FAMILY,
    phi3::FAMILY,
    qwen2::FAMILY,
    qwen3::FAMILY,
    qwen3_moe::FAMILY,
    smollm3::FAMILY,
    stablelm::FAMILY,
    starcoder2::FAMILY,
];

/// Reads config.json; `name` is for messages.
///
/// # Errors
/// If it is no JSON, of a family that isn't supported, or a key isn't what it may be.
pub fn read(json: &[u8], name: &str) -> Result<Read, ModelError> {
    let config = Config::parse(json, name)?;
    let family = family(&config)?;
    let config = config.with_aliases(family.aliases);
    let mut read = (family.read)(&config)?;
    read.spec.family = family.name;
    let (heads, kv_heads) = (read.spec.heads, read.spec.kv_heads);
    if !heads.is_multiple_of(kv_heads) {
        return Err(
            config.error(format!("{heads} query heads can't be shared out among {kv_heads} key/value heads"))
        );
    }
    Ok(read)
}

fn family(config: &Config) -> Result<&'static Family, ModelError> {
    let names = || FAMILIES.iter().map(|family| family.name).collect::<Vec<_>>().join(", ");
    if let Some(name) = config.optional_text("model_type")? {
        let known = FAMILIES.iter().find(|family| family.name == name);
        return known.ok_or_else(|| {
            config.error(format!(
                "model_type is {}, which is not supported; the nearest that is supported is {}; all: {}",
                quoted(&name),
                nearest(&name),
                names()
            ))
        });
    }
    let architectures = config.texts("architectures")?.unwrap_or_default();
    let is_of = |family: &&Family| architectures.iter().any(|name| is_class(name, family.class));
    FAMILIES
        .iter()
        .find(is_of)
        .ok_or_else(|| config.error(format!("the key \"model_type\" is missing; supported are {}", names())))
}

/// Whether a class of transformers is one of a family: `GemmaForCausalLM` is of `Gemma`, `Gemma2Model` is not.
fn is_class(name: &str, family: &str) -> bool {
    let ends = ["For", "Model", "LMHead"];
    name.strip_prefix(family)
        .is_some_and(|rest| rest.is_empty() || ends.iter().any(|end| rest.starts_with(end)))
}

/// The name of the family that is most like another name.
fn nearest(name: &str) -> &'static str {
    let likeness = |family: &Family| {
        let common = family.name.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count();
        (common, strsim::normalized_levenshtein(family.name, name))
    };
    let by_likeness = |a: &&Family, b: &&Family| likeness(a).partial_cmp(&likeness(b)).expect("no NaN");
    FAMILIES.iter().max_by(by_likeness).map_or("llama", |family| family.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_model_type_a_class_names_its_own_family_only() {
        let family = |class: &str| {
            let json = format!(r#"{{"architectures": ["{class}"]}}"#);
            let config = Config::parse(json.as_bytes(), "config.json").unwrap();
            family(&config).ok().map(|family| family.name)
        };
        for (class, name) in [
            ("GPT2LMHeadModel", "gpt2"),
            ("GemmaForCausalLM", "gemma"),
            ("Gemma2Model", "gemma2"),
            ("Gemma3ForConditionalGeneration", "gemma3"),
            ("GPTNeoXForCausalLM", "gpt_neox"),
            ("Qwen3MoeForCausalLM", "qwen3_moe"),
        ] {
            assert_eq!(family(class), Some(name), "{class}");
        }
        for class in
            ["Qwen2MoeForCausalLM", "Llama4ForCausalLM", "Gemma3nForCausalLM", "FalconMambaForCausalLM"]
        {
            assert_eq!(family(class), None, "{class}");
        }
    }
}
