//! GPT-Neo: as GPT-2 with matrices apart and \[out, in\]; scores are not scaled, and layers may see a window only.

use serde_json::Value;

use super::common::{Shape, decoder, layer_norm, named_activation};
use super::config::{Config, quoted};
use super::definition::{Family, Read};
use super::gpt2::head_dim;
use super::layout::{LLAMA, Layout, MlpNames, ProjectionNames};
use super::ranges::{EPSILON, LAYERS, PARTS, TOKENS, VOCABULARY, WIDTH};
use crate::model::ModelError;
use crate::model::spec::{Biases, DecoderSpec, EmbeddingSpec, LayerSpec, MlpSpec};

/// GPT-Neo.
pub const FAMILY: Family = Family {
    name: "gpt_neo",
    models: "GPT-Neo",
    class: "GPTNeo",
    aliases: &[("num_heads", "num_attention_heads"), ("num_layers", "num_hidden_layers")],
    read,
};

const LAYOUT: Layout = Layout {
    prefixes: &["transformer."],
    layers: "h.",
    embedding: "wte",
    positions: "wpe",
    attention_norm: "ln_1",
    mlp_norm: "ln_2",
    projections: ProjectionNames::Separate([
        "attn.attention.q_proj",
        "attn.attention.k_proj",
        "attn.attention.v_proj",
    ]),
    output: "attn.attention.out_proj",
    mlp: MlpNames::Plain(["mlp.c_fc", "mlp.c_proj"]),
    norm: "ln_f",
    ..LLAMA
};

fn read(config: &Config) -> Result<Read, ModelError> {
    let hidden = config.whole("hidden_size", 2048, WIDTH)?;
    let heads = config.whole("num_heads", 16, PARTS)?;
    let mlp = MlpSpec::Plain {
        intermediate_size: config.optional_whole("intermediate_size", WIDTH)?.unwrap_or(4 * hidden),
        activation: named_activation(config, "activation_function", "gelu_new")?,
    };
    let window = config.whole("window_size", 256, TOKENS)?;
    let layer = |is_local: bool| LayerSpec {
        scale: 1.0,
        softcap: None,
        sliding_window: is_local.then_some(window),
        rotary: None,
        mlp,
    };
    let shape = Shape {
        vocabulary: config.whole("vocab_size", 50_257, VOCABULARY)?,
        context: config.whole("max_position_embeddings", 2048, TOKENS)?,
        hidden,
        heads,
        head_dim: head_dim(config, hidden, heads)?,
    };
    let norm = layer_norm(config.real("layer_norm_epsilon", 1e-5, EPSILON)?);
    let spec = DecoderSpec {
        embedding: EmbeddingSpec { width: hidden, scale: 1.0, norm: false, positions: Some(0) },
        biases: Biases { qkv: false, output: true, mlp: true, head: false },
        layers: local_layers(config)?.into_iter().map(layer).collect(),
        tied_head: config.flag("tie_word_embeddings", true)?,
        ..decoder(config, shape, norm)
    };
    Ok(Read { spec, layout: LAYOUT })
}

/// Which layers see a window only: `attention_layers` names them one by one, `attention_types` those that repeat.
fn local_layers(config: &Config) -> Result<Vec<bool>, ModelError> {
    let count = config.whole("num_layers", 24, LAYERS)?;
    let kinds = match config.texts("attention_layers")? {
        Some(kinds) => kinds,
        None => repeated_kinds(config)?.unwrap_or_else(|| {
            ["global", "local"].map(str::to_owned).into_iter().cycle().take(count).collect()
        }),
    };
    if kinds.len() != count {
        return Err(config.error(format!("attention_types names {} layers of {count}", kinds.len())));
    }
    let is_local =
        |kind: &String| match kind.as_str() {
            "local" => Ok(true),
            "global" => Ok(false),
            _ => Err(config
                .error(format!("attention_types names {}; supported are global and local", quoted(kind)))),
        };
    kinds.iter().map(is_local).collect()
}

/// `[[["global", "local"], 12]]`
fn repeated_kinds(config: &Config) -> Result<Option<Vec<String>>, ModelError> {
    let allowed = "lists of a list of kinds and how often it is repeated, or null";
    config.custom("attention_types", allowed, |value| {
        let mut kinds = Vec::new();
        for entry in value.as_array()? {
            let [names, count] = entry.as_array()?.as_slice() else { return None };
            let name = |name: &Value| Some(name.as_str()?.to_owned());
            let names = names.as_array()?.iter().map(name).collect::<Option<Vec<_>>>()?;
            let count = usize::try_from(count.as_u64()?).ok().filter(|count| LAYERS.contains(count))?;
            if kinds.len() + names.len().checked_mul(count)? > *LAYERS.end() {
                return None;
            }
            kinds.extend(std::iter::repeat_n(names, count).flatten());
        }
        Some(kinds)
    })
}
