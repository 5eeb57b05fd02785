//! GPT-Neo: as GPT-2 with matrices apart and \[out, in\]; scores are not scaled, and layers may see a window only.

use serde_json::Value;

use super::common::{Defaults, gpt_like, plain};
use super::config::{Config, quoted};
use super::definition::{Family, Read};
use super::gpt2::GPT2;
use super::layout::{LLAMA, Layout, MlpNames, ProjectionNames};
use super::ranges::{LAYERS, TOKENS, WIDTH};
use crate::model::ModelError;
use crate::model::spec::Biases;

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
    let mut spec =
        gpt_like(config, &Defaults { hidden: 2048, layers: 24, heads: 16, context: 2048, ..GPT2 })?;
    spec.embedding.positions = Some(0);
    spec.biases = Biases { qkv: false, output: true, mlp: true, head: false };
    let width = config.optional_whole("intermediate_size", WIDTH)?.unwrap_or(4 * spec.hidden);
    spec.set_mlp(plain(config, width, ("activation_function", "gelu_new"))?);
    let window = config.whole("window_size", 256, TOKENS)?;
    let local = local_layers(config, spec.layers.len())?;
    for (layer, is_local) in spec.layers.iter_mut().zip(local) {
        (layer.scale, layer.sliding_window) = (1.0, is_local.then_some(window));
    }
    Ok(Read { spec, layout: LAYOUT })
}

/// Which layers see a window only: `attention_layers` names them one by one, `attention_types` those that repeat.
fn local_layers(config: &Config, count: usize) -> Result<Vec<bool>, ModelError> {
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
