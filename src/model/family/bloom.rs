//! BLOOM: scores that fall with the distance (ALiBi) instead of positions, a norm of the embedding; queries, keys and
//! values of each head lie together.

use super::common::{Defaults, gpt_like};
use super::config::Config;
use super::definition::{Family, Read};
use super::gpt2::GPT2;
use super::layout::{LLAMA, Layout, MlpNames, ProjectionNames};
use crate::model::ModelError;
use crate::model::decoder::QkvOrder;
use crate::model::spec::{Biases, Wiring};

/// BLOOM.
pub const FAMILY: Family = Family {
    name: "bloom",
    models: "BLOOM",
    class: "Bloom",
    aliases: &[
        ("hidden_size", "n_embed"),
        ("n_layer", "num_hidden_layers"),
        ("n_head", "num_attention_heads"),
        ("max_position_embeddings", "seq_length"),
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
    let defaults = Defaults { hidden: 64, layers: 2, heads: 8, vocabulary: 250_880, context: 2048, ..GPT2 };
    let mut spec = gpt_like(config, &defaults)?;
    if config.flag("apply_residual_connection_post_layernorm", false)? {
        spec.block.wiring = Wiring::ResidualOfNorm;
    }
    (spec.embedding.norm, spec.alibi) = (true, true);
    spec.biases = Biases { qkv: true, output: true, mlp: true, head: false };
    Ok(Read { spec, layout: LAYOUT })
}
