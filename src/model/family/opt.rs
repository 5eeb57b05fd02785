//! OPT: learned positions behind two unused rows, ReLU; the smallest but one has its norms after the sums and a narrower
//! embedding.

use super::common::{Shape, decoder, layer_norm, named_activation, root};
use super::config::Config;
use super::definition::{Family, Read};
use super::gpt2::head_dim;
use super::layout::{LLAMA, Layout, MlpNames, ProjectionNames};
use super::ranges::{LAYERS, PARTS, TOKENS, VOCABULARY, WIDTH};
use crate::model::ModelError;
use crate::model::spec::{
    Biases, BlockSpec, DecoderSpec, EmbeddingSpec, LayerSpec, LogitsSpec, MlpSpec, NormSpec, Wiring,
};

/// OPT.
pub const FAMILY: Family = Family { name: "opt", models: "OPT", class: "OPT", aliases: &[], read };

const LAYOUT: Layout = Layout {
    prefixes: &["model.decoder.", "decoder."],
    positions: "embed_positions",
    embedding_projections: ["project_in", "project_out"],
    attention_norm: "self_attn_layer_norm",
    mlp_norm: "final_layer_norm",
    output: "self_attn.out_proj",
    mlp: MlpNames::Plain(["fc1", "fc2"]),
    norm: "final_layer_norm",
    projections: ProjectionNames::Separate(["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"]),
    ..LLAMA
};

/// Rows of the table of positions before that of the first token.
const UNUSED_ROWS: usize = 2;

fn read(config: &Config) -> Result<Read, ModelError> {
    let hidden = config.whole("hidden_size", 768, WIDTH)?;
    let heads = config.whole("num_attention_heads", 12, PARTS)?;
    let head_dim = head_dim(config, hidden, heads)?;
    let mlp = MlpSpec::Plain {
        intermediate_size: config.whole("ffn_dim", 3072, WIDTH)?,
        activation: named_activation(config, "activation_function", "relu")?,
    };
    let layer = LayerSpec { scale: root(head_dim), softcap: None, sliding_window: None, rotary: None, mlp };
    let is_before = config.flag("do_layer_norm_before", true)?;
    let has_weights = config.flag("layer_norm_elementwise_affine", true)?;
    let bias = config.flag("enable_bias", true)?;
    let width = config.optional_whole("word_embed_proj_dim", WIDTH)?.unwrap_or(hidden);
    let wiring = if is_before { Wiring::Sequential } else { Wiring::NormOfSum };
    let shape = Shape {
        vocabulary: config.whole("vocab_size", 50_272, VOCABULARY)?,
        context: config.whole("max_position_embeddings", 2048, TOKENS)?,
        hidden,
        heads,
        head_dim,
    };
    let norm = NormSpec { weight: has_weights, bias: has_weights, ..layer_norm(1e-5) };
    let spec = DecoderSpec {
        embedding: EmbeddingSpec { width, scale: 1.0, norm: false, positions: Some(UNUSED_ROWS) },
        block: BlockSpec { wiring, ..BlockSpec::PRE_NORM },
        biases: Biases { qkv: bias, output: bias, mlp: bias, head: false },
        layers: vec![layer; config.whole("num_hidden_layers", 12, LAYERS)?],
        logits: LogitsSpec {
            norm: is_before && !config.flag("_remove_final_layer_norm", false)?,
            scale: 1.0,
            softcap: None,
        },
        tied_head: config.flag("tie_word_embeddings", true)?,
        ..decoder(config, shape, norm)
    };
    Ok(Read { spec, layout: LAYOUT })
}
