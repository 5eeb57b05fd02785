//! BLOOM: scores that fall with the distance (ALiBi) instead of positions, a norm of the embedding; queries, keys and
//! values of each head lie together.

use super::common::{Shape, decoder, layer_norm, root};
use super::config::Config;
use super::definition::{Family, Read};
use super::gpt2::head_dim;
use super::layout::{LLAMA, Layout, MlpNames, ProjectionNames};
use super::ranges::{EPSILON, LAYERS, PARTS, TOKENS, VOCABULARY, WIDTH};
use crate::model::ModelError;
use crate::model::decoder::QkvOrder;
use crate::model::spec::{
    Activation, Biases, BlockSpec, DecoderSpec, EmbeddingSpec, LayerSpec, MlpSpec, Wiring,
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
    let shape = Shape {
        vocabulary: config.whole("vocab_size", 250_880, VOCABULARY)?,
        context: config.whole("seq_length", 2048, TOKENS)?,
        hidden,
        heads,
        head_dim,
    };
    let norm = layer_norm(config.real("layer_norm_epsilon", 1e-5, EPSILON)?);
    let spec = DecoderSpec {
        embedding: EmbeddingSpec { width: hidden, scale: 1.0, norm: true, positions: None },
        block: BlockSpec { wiring, ..BlockSpec::PRE_NORM },
        biases: Biases { qkv: true, output: true, mlp: true, head: false },
        alibi: true,
        layers: vec![layer; config.whole("n_layer", 2, LAYERS)?],
        tied_head: config.flag("tie_word_embeddings", true)?,
        ..decoder(config, shape, norm)
    };
    Ok(Read { spec, layout: LAYOUT })
}
