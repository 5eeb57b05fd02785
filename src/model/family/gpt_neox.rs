//! GPT-NeoX and Pythia: attention and MLP side by side, each with a LayerNorm; queries, keys and values of each head lie
//! together.

use super::common::{DEFAULTS, Defaults, layer_norm, llama_like, plain};
use super::config::Config;
use super::definition::{Family, Read};
use super::layout::{LLAMA, Layout, MlpNames, ProjectionNames};
use super::ranges::WIDTH;
use super::rope::{self, RopeDefaults};
use crate::model::ModelError;
use crate::model::decoder::QkvOrder;
use crate::model::spec::{Biases, BlockSpec, Wiring};

/// GPT-NeoX.
pub const FAMILY: Family =
    Family { name: "gpt_neox", models: "GPT-NeoX, Pythia", class: "GPTNeoX", aliases: &[], read };

const LAYOUT: Layout = Layout {
    prefixes: &["gpt_neox."],
    embedding: "embed_in",
    projections: ProjectionNames::Fused("attention.query_key_value", QkvOrder::Groups),
    output: "attention.dense",
    mlp: MlpNames::Plain(["mlp.dense_h_to_4h", "mlp.dense_4h_to_h"]),
    norm: "final_layer_norm",
    head: "embed_out",
    ..LLAMA
};

fn read(config: &Config) -> Result<Read, ModelError> {
    let defaults = Defaults {
        hidden: 6144,
        layers: 44,
        heads: 64,
        vocabulary: 50_432,
        epsilon: ("layer_norm_eps", 1e-5),
        ..DEFAULTS
    };
    let mut spec = llama_like(config, &defaults)?;
    spec.norm = layer_norm(spec.norm.epsilon);
    if config.flag("use_parallel_residual", true)? {
        spec.block = BlockSpec { wiring: Wiring::Parallel { one_norm: false }, ..BlockSpec::PRE_NORM };
    }
    let bias = config.flag("attention_bias", true)?;
    spec.biases = Biases { qkv: bias, output: bias, mlp: true, head: false };
    let rope = RopeDefaults {
        theta_key: "rotary_emb_base",
        share_key: "rotary_pct",
        share: 0.25,
        ..RopeDefaults::LLAMA
    };
    spec.rotaries = vec![rope::rotary(config, spec.head_dim, spec.context, &rope)?];
    let width = config.whole("intermediate_size", 24_576, WIDTH)?;
    spec.set_mlp(plain(config, width, ("hidden_act", "gelu"))?);
    Ok(Read { spec, layout: LAYOUT })
}
