//! Phi 3, 3.5, 4 and 4 mini: Llama with one matrix for queries, keys and values, one for gate and up, and LongRoPE.

use super::common::{DEFAULTS, Defaults, llama_like};
use super::config::Config;
use super::definition::{Family, Read};
use super::layout::{LLAMA, Layout, MlpNames, ProjectionNames};
use super::mistral::slide_all;
use super::rope::{self, RopeDefaults};
use crate::model::ModelError;
use crate::model::decoder::QkvOrder;

/// Phi 3.
pub const FAMILY: Family =
    Family { name: "phi3", models: "Phi 3, 3.5, 4, 4 mini", class: "Phi3", aliases: &[], read };

const LAYOUT: Layout = Layout {
    projections: ProjectionNames::Fused("self_attn.qkv_proj", QkvOrder::Blocks),
    mlp: MlpNames::GateUp(["mlp.gate_up_proj", "mlp.down_proj"]),
    ..LLAMA
};

fn read(config: &Config) -> Result<Read, ModelError> {
    let defaults = Defaults {
        hidden: 3072,
        intermediate: 8192,
        vocabulary: 32_064,
        context: 4096,
        epsilon: ("rms_norm_eps", 1e-5),
        ..DEFAULTS
    };
    let mut spec = llama_like(config, &defaults)?;
    let long = RopeDefaults { original: Some(4096), ..RopeDefaults::LLAMA };
    spec.rotaries = vec![rope::rotary(config, spec.head_dim, spec.context, &long)?];
    slide_all(config, &mut spec, None)?;
    Ok(Read { spec, layout: LAYOUT })
}
