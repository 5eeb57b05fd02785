//! GPT-2, all sizes: LayerNorm before each part, learned positions, fused q|k|v, weights as \[in, out\].

use super::common::{Shape, decoder, layer_norm, named_activation, root};
use super::config::Config;
use super::definition::{Family, Read};
use super::layout::{LLAMA, Layout, MlpNames, ProjectionNames};
use super::ranges::{EPSILON, LAYERS, PARTS, TOKENS, VOCABULARY, WIDTH};
use crate::model::ModelError;
use crate::model::decoder::QkvOrder;
use crate::model::spec::{Biases, DecoderSpec, EmbeddingSpec, LayerSpec, MlpSpec};

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

/// Cross-attention (`add_cross_attention`) does nothing without an encoder, so that nothing is read of it.
fn read(config: &Config) -> Result<Read, ModelError> {
    let hidden = config.whole("n_embd", 768, WIDTH)?;
    let heads = config.whole("n_head", 12, PARTS)?;
    let head_dim = head_dim(config, hidden, heads)?;
    let mlp = MlpSpec::Plain {
        intermediate_size: config.optional_whole("n_inner", WIDTH)?.unwrap_or(4 * hidden),
        activation: named_activation(config, "activation_function", "gelu_new")?,
    };
    let shape = Shape {
        vocabulary: config.whole("vocab_size", 50_257, VOCABULARY)?,
        context: config.whole("n_positions", 1024, TOKENS)?,
        hidden,
        heads,
        head_dim,
    };
    let norm = layer_norm(config.real("layer_norm_epsilon", 1e-5, EPSILON)?);
    let spec = DecoderSpec {
        embedding: EmbeddingSpec { width: hidden, scale: 1.0, norm: false, positions: Some(0) },
        biases: Biases { qkv: true, output: true, mlp: true, head: false },
        layers: layers(config, head_dim, mlp)?,
        tied_head: config.flag("tie_word_embeddings", true)?,
        ..decoder(config, shape, norm)
    };
    Ok(Read { spec, layout: LAYOUT })
}

/// Width of a head, where heads share the residual stream out among them.
///
/// # Errors
/// If they can't.
pub fn head_dim(config: &Config, hidden: usize, heads: usize) -> Result<usize, ModelError> {
    if hidden.is_multiple_of(heads) {
        return Ok(hidden / heads);
    }
    Err(config.error(format!("n_embd {hidden} is no multiple of n_head {heads}")))
}

fn layers(config: &Config, head_dim: usize, mlp: MlpSpec) -> Result<Vec<LayerSpec>, ModelError> {
    let count = config.whole("n_layer", 12, LAYERS)?;
    let scaled = config.flag("scale_attn_weights", true)?;
    let by_layer = config.flag("scale_attn_by_inverse_layer_idx", false)?;
    let base = if scaled { f64::from(root(head_dim)) } else { 1.0 };
    let scale = |layer: usize| if by_layer { base / (layer + 1) as f64 } else { base };
    let layer =
        |at| LayerSpec { scale: scale(at) as f32, softcap: None, sliding_window: None, rotary: None, mlp };
    Ok((0..count).map(layer).collect())
}
