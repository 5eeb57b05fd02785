//! BLOOM: scores that fall with the distance (ALiBi) instead of positions, a norm of the embedding; queries, keys and
//! values of each head lie together.

use super::common::{layer_norm, root};
use super::config::Config;
use super::definition::{Family, Read};
use super::gpt2::head_dim;
use super::layout::{LLAMA, Layout, MlpNames, ProjectionNames};
use super::ranges::{EPSILON, LAYERS, PARTS, TOKENS, VOCABULARY, WIDTH};
use crate::model::ModelError;
use crate::model::decoder::QkvOrder;
use crate::model::spec::{
    Activation, Biases, BlockSpec, DecoderSpec, EmbeddingSpec, LayerSpec, LogitsSpec, MlpSpec, Wiring,
};

/// BLOOM.
pub const FAMILY: Family = Family {
    name: "bloom",
    models: "BLOOM",
    class: "Bloom",
    aliases: &[
        ("hidden_size", "n_embed"),
        ("n_layer", "num_hidden_layers"),
        ("n_head", "num_attention_heads"),
    ],
    read,
};

/// Of BLOOM and Falcon.
pub const LAYOUT: Layout = Layout {
    prefixes: &["transformer."],
    layers: "h.",
    embedding: "word_embeddings",
    embedding_norm: "word_embeddings_layernorm",
    projections: ProjectionNames::Fused("self_attention.query_key_value", QkvOrder::Groups),
    output: "self_attention.dense",
    mlp: MlpNames::Plain(["mlp.dense_h_to_4h", "mlp.dense_4h_to_h"]),
    norm: "ln_f",
    ..LLAMA
};

fn read(config: &Config) -> Result<Read, ModelError> {
    let hidden = config.whole("hidden_size", 64, WIDTH)?;
    let heads = config.whole("n_head", 8, PARTS)?;
    let head_dim = head_dim(config, hidden, heads)?;
    let mlp = MlpSpec::Plain { intermediate_size: 4 * hidden, activation: Activation::GeluTanh };
    let layer = LayerSpec { scale: root(head_dim), softcap: None, sliding_window: None, rotary: None, mlp };
    let wiring = match config.flag("apply_residual_connection_post_layernorm", false)? {
        true => Wiring::ResidualOfNorm,
        false => Wiring::Sequential,
    };
    let spec = DecoderSpec {
        family: "",
        vocabulary: config.whole("vocab_size", 250_880, VOCABULARY)?,
        context: config.whole("seq_length", 2048, TOKENS)?,
        hidden,
        heads,
        kv_heads: heads,
        head_dim,
        embedding: EmbeddingSpec { width: hidden, scale: 1.0, norm: true, positions: None },
        norm: layer_norm(config.real("layer_norm_epsilon", 1e-5, EPSILON)?),
        block: BlockSpec { wiring, ..BlockSpec::PRE_NORM },
        qk_norm: None,
        clip_qkv: None,
        biases: Biases { qkv: true, output: true, mlp: true, head: false },
        sinks: false,
        alibi: true,
        rotaries: Vec::new(),
        layers: vec![layer; config.whole("n_layer", 2, LAYERS)?],
        residual_scale: 1.0,
        logits: LogitsSpec { norm: true, scale: 1.0, softcap: None },
        tied_head: config.flag("tie_word_embeddings", true)?,
        quantization: config.quantization(),
    };
    Ok(Read { spec, layout: LAYOUT })
}
