//! GPT-J: attention and MLP side by side after one LayerNorm, neighbours turned together, no biases in attention.

use super::common::{Defaults, gpt_like, plain};
use super::config::Config;
use super::definition::{Family, Read};
use super::gpt2::{ALIASES, GPT2};
use super::layout::{LLAMA, Layout, MlpNames, ProjectionNames};
use super::ranges::{PARTS, WIDTH};
use super::rope;
use crate::model::ModelError;
use crate::model::spec::{Biases, BlockSpec, Pairs, RotaryScaling, RotarySpec, Wiring};

/// GPT-J.
pub const FAMILY: Family = Family { name: "gptj", models: "GPT-J", class: "GPTJ", aliases: ALIASES, read };

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
    let defaults = Defaults {
        hidden: 4096,
        layers: 28,
        heads: 16,
        vocabulary: 50_400,
        context: 2048,
        tied: false,
        ..GPT2
    };
    let mut spec = gpt_like(config, &defaults)?;
    let width = config.optional_whole("rotary_dim", PARTS)?;
    let width = width.unwrap_or(if config.is_null("rotary_dim") { spec.head_dim } else { 64 });
    let rotary =
        RotarySpec { theta: 10_000.0, width, pairs: Pairs::Neighbours, scaling: RotaryScaling::None };
    rope::check(config, spec.head_dim, &rotary)?;
    spec.rotaries = vec![rotary];
    spec.layers.iter_mut().for_each(|layer| layer.rotary = Some(0));
    spec.block = BlockSpec { wiring: Wiring::Parallel { one_norm: true }, ..BlockSpec::PRE_NORM };
    spec.biases = Biases { mlp: true, head: true, ..Biases::default() };
    let width = config.optional_whole("n_inner", WIDTH)?.unwrap_or(4 * spec.hidden);
    spec.set_mlp(plain(config, width, ("activation_function", "gelu_new"))?);
    Ok(Read { spec, layout: LAYOUT })
}
