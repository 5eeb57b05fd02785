//! Falcon: few key/value heads, whose queries, key and value lie together; attention and MLP side by side.

use super::bloom;
use super::common::{DEFAULTS, Defaults, layer_norm, llama_like, or_zero, plain};
use super::config::Config;
use super::definition::{Family, Read};
use super::layout::Layout;
use super::ranges::WIDTH;
use crate::model::ModelError;
use crate::model::spec::{Biases, BlockSpec, Wiring};

/// Falcon.
pub const FAMILY: Family = Family {
    name: "falcon",
    models: "Falcon (without ALiBi)",
    class: "Falcon",
    aliases: &[
        ("hidden_size", "n_embed"),
        ("num_attention_heads", "n_head"),
        ("num_hidden_layers", "n_layer"),
        ("num_kv_heads", "n_head_kv"),
    ],
    read,
};

fn read(config: &Config) -> Result<Read, ModelError> {
    if config.flag("alibi", false)? {
        return Err(config.error(
            "\"alibi\" is true, which is not supported: transformers' own two ways to compute it differ",
        ));
    }
    let defaults = Defaults {
        hidden: 4544,
        heads: 71,
        vocabulary: 65_024,
        epsilon: ("layer_norm_epsilon", 1e-5),
        tied: true,
        ..DEFAULTS
    };
    let mut spec = llama_like(config, &defaults)?;
    spec.norm = layer_norm(spec.norm.epsilon);
    let is_new = config.flag("new_decoder_architecture", false)?;
    spec.kv_heads = match config.flag("multi_query", true)? {
        true if !is_new => 1,
        _ => or_zero(config, "num_kv_heads", 0, spec.heads)?,
    };
    let is_parallel = config.flag("parallel_attn", true)?;
    let norms = config.optional_whole("num_ln_in_parallel_attn", 1..=2)?;
    let one_norm = !is_new || norms == Some(1);
    if is_new || is_parallel {
        spec.block = BlockSpec { wiring: Wiring::Parallel { one_norm }, ..BlockSpec::PRE_NORM };
    }
    let bias = config.flag("bias", false)?;
    spec.biases = Biases { qkv: bias, output: bias, mlp: bias, head: false };
    let width = config.optional_whole("ffn_hidden_size", WIDTH)?.unwrap_or(4 * spec.hidden);
    spec.set_mlp(plain(config, width, ("activation", "gelu"))?);
    let two = Layout { attention_norm: "ln_attn", mlp_norm: "ln_mlp", ..bloom::LAYOUT };
    Ok(Read { spec, layout: if one_norm || !is_parallel { bloom::LAYOUT } else { two } })
}
