//! GPT-2, all sizes: LayerNorm before each part, learned positions, fused q|k|v, weights as \[in, out\].

use super::common::{DEFAULTS, Defaults, gpt_like, plain, root};
use super::config::Config;
use super::definition::{Family, Read};
use super::layout::{LLAMA, Layout, MlpNames, ProjectionNames};
use super::ranges::WIDTH;
use crate::model::ModelError;
use crate::model::decoder::QkvOrder;
use crate::model::spec::Biases;

/// GPT-2.
pub const FAMILY: Family =
    Family { name: "gpt2", models: "GPT-2, DistilGPT-2", class: "GPT2", aliases: ALIASES, read };

/// Keys, and the names that other families have for them.
pub const ALIASES: &[(&str, &str)] = &[
    ("n_embd", "hidden_size"),
    ("n_head", "num_attention_heads"),
    ("n_layer", "num_hidden_layers"),
    ("n_positions", "max_position_embeddings"),
];

const LAYOUT: Layout = Layout {
    prefixes: &["transformer."],
    layers: "h.",
    embedding: "wte",
    positions: "wpe",
    attention_norm: "ln_1",
    mlp_norm: "ln_2",
    projections: ProjectionNames::Fused("attn.c_attn", QkvOrder::Blocks),
    output: "attn.c_proj",
    mlp: MlpNames::Plain(["mlp.c_fc", "mlp.c_proj"]),
    norm: "ln_f",
    in_out: true,
    ..LLAMA
};

/// What transformers takes for GPT-2.
pub const GPT2: Defaults = Defaults {
    hidden: 768,
    layers: 12,
    heads: 12,
    vocabulary: 50_257,
    context: 1024,
    epsilon: ("layer_norm_epsilon", 1e-5),
    tied: true,
    ..DEFAULTS
};

/// Cross-attention (`add_cross_attention`) does nothing without an encoder, so that nothing is read of it.
fn read(config: &Config) -> Result<Read, ModelError> {
    let mut spec = gpt_like(config, &GPT2)?;
    spec.embedding.positions = Some(0);
    spec.biases = Biases { qkv: true, output: true, mlp: true, head: false };
    let width = config.optional_whole("n_inner", WIDTH)?.unwrap_or(4 * spec.hidden);
    spec.set_mlp(plain(config, width, ("activation_function", "gelu_new"))?);
    let scaled = config.flag("scale_attn_weights", true)?;
    let by_layer = config.flag("scale_attn_by_inverse_layer_idx", false)?;
    let base = if scaled { f64::from(root(spec.head_dim)) } else { 1.0 };
    for (at, layer) in spec.layers.iter_mut().enumerate() {
        layer.scale = if by_layer { base / (at + 1) as f64 } else { base } as f32;
    }
    Ok(Read { spec, layout: LAYOUT })
}
