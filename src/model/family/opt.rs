//! OPT: learned positions behind two unused rows, ReLU; the smallest but one has its norms after the sums and a narrower
//! embedding.

use super::common::{Defaults, gpt_like, layer_norm, plain};
use super::config::Config;
use super::definition::{Family, Read};
use super::gpt2::GPT2;
use super::layout::{LLAMA, Layout, MlpNames, ProjectionNames};
use super::ranges::WIDTH;
use crate::model::ModelError;
use crate::model::spec::{Biases, EmbeddingSpec, NormSpec, Wiring};

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
    let mut spec = gpt_like(config, &Defaults { vocabulary: 50_272, context: 2048, ..GPT2 })?;
    spec.set_mlp(plain(config, config.whole("ffn_dim", 3072, WIDTH)?, ("activation_function", "relu"))?);
    let has_weights = config.flag("layer_norm_elementwise_affine", true)?;
    spec.norm = NormSpec { weight: has_weights, bias: has_weights, ..layer_norm(1e-5) };
    let bias = config.flag("enable_bias", true)?;
    spec.biases = Biases { qkv: bias, output: bias, mlp: bias, head: false };
    let width = config.optional_whole("word_embed_proj_dim", WIDTH)?.unwrap_or(spec.hidden);
    spec.embedding = EmbeddingSpec { width, positions: Some(UNUSED_ROWS), ..spec.embedding };
    let is_before = config.flag("do_layer_norm_before", true)?;
    spec.block.wiring = if is_before { Wiring::Sequential } else { Wiring::NormOfSum };
    spec.logits.norm = is_before && !config.flag("_remove_final_layer_norm", false)?;
    Ok(Read { spec, layout: LAYOUT })
}
