//! GPT-J: attention and MLP side by side after one LayerNorm, neighbours turned together, no biases in attention.

use super::common::{Shape, decoder, layer_norm, named_activation, root};
use super::config::Config;
use super::definition::{Family, Read};
use super::gpt2;
use super::layout::{LLAMA, Layout, MlpNames, ProjectionNames};
use super::ranges::{EPSILON, LAYERS, PARTS, TOKENS, VOCABULARY, WIDTH};
use super::rope;
use crate::model::ModelError;
use crate::model::spec::{
    Biases, BlockSpec, DecoderSpec, LayerSpec, MlpSpec, Pairs, RotaryScaling, RotarySpec, Wiring,
};

/// GPT-J.
pub const FAMILY: Family =
    Family { name: "gptj", models: "GPT-J", class: "GPTJ", aliases: gpt2::ALIASES, read };

const LAYOUT: Layout = Layout {
    prefixes: &["transformer."],
    layers: "h.",
    embedding: "wte",
    attention_norm: "ln_1",
    projections: ProjectionNames::Separate(["attn.q_proj", "attn.k_proj", "attn.v_proj"]),
    output: "attn.out_proj",
    mlp: MlpNames::Plain(["mlp.fc_in", "mlp.fc_out"]),
    norm: "ln_f",
    ..LLAMA
};

fn read(config: &Config) -> Result<Read, ModelError> {
    let hidden = config.whole("n_embd", 4096, WIDTH)?;
    let heads = config.whole("n_head", 16, PARTS)?;
    let head_dim = gpt2::head_dim(config, hidden, heads)?;
    let width = config.optional_whole("rotary_dim", PARTS)?;
    let width = width.unwrap_or(if config.is_null("rotary_dim") { head_dim } else { 64 });
    let rotary =
        RotarySpec { theta: 10_000.0, width, pairs: Pairs::Neighbours, scaling: RotaryScaling::None };
    rope::check(config, head_dim, &rotary)?;
    let layer = LayerSpec {
        scale: root(head_dim),
        softcap: None,
        sliding_window: None,
        rotary: Some(0),
        mlp: MlpSpec::Plain {
            intermediate_size: config.optional_whole("n_inner", WIDTH)?.unwrap_or(4 * hidden),
            activation: named_activation(config, "activation_function", "gelu_new")?,
        },
    };
    let shape = Shape {
        vocabulary: config.whole("vocab_size", 50_400, VOCABULARY)?,
        context: config.whole("n_positions", 2048, TOKENS)?,
        hidden,
        heads,
        head_dim,
    };
    let norm = layer_norm(config.real("layer_norm_epsilon", 1e-5, EPSILON)?);
    let spec = DecoderSpec {
        block: BlockSpec { wiring: Wiring::Parallel { one_norm: true }, ..BlockSpec::PRE_NORM },
        biases: Biases { mlp: true, head: true, ..Biases::default() },
        rotaries: vec![rotary],
        layers: vec![layer; config.whole("n_layer", 28, LAYERS)?],
        tied_head: config.flag("tie_word_embeddings", false)?,
        ..decoder(config, shape, norm)
    };
    Ok(Read { spec, layout: LAYOUT })
}
