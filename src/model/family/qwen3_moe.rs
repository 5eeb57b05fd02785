//! Qwen 3 with experts: in some layers or in all, the router's softmax over all of them.

use super::common::{Defaults, llama_like, named_activation};
use super::config::Config;
use super::definition::{Family, Read};
use super::layout::LLAMA;
use super::mistral::slide_all;
use super::qwen2::QWEN;
use super::qwen3::attention;
use super::ranges::{LAYERS, PARTS, WIDTH};
use crate::model::ModelError;
use crate::model::spec::{ExpertsSpec, Gating, MlpSpec, Routing};

/// Qwen 3 with experts.
pub const FAMILY: Family = Family {
    name: "qwen3_moe",
    models: "Qwen 3 with experts",
    class: "Qwen3Moe",
    aliases: &[("num_experts", "num_local_experts")],
    read,
};

fn read(config: &Config) -> Result<Read, ModelError> {
    let mut spec =
        llama_like(config, &Defaults { hidden: 2048, intermediate: 6144, layers: 24, kv_heads: 4, ..QWEN })?;
    attention(config, &mut spec)?;
    if config.flag("use_sliding_window", false)? {
        slide_all(config, &mut spec, Some(4096))?;
    }
    let count = config.whole("num_experts", 128, PARTS)?;
    let renormalised = config.flag("norm_topk_prob", false)?;
    let experts = MlpSpec::Experts(ExpertsSpec {
        count,
        active: config.whole("num_experts_per_tok", 8, 1..=count)?,
        routing: if renormalised { Routing::OverChosen } else { Routing::OverAll },
        bias: false,
        intermediate_size: config.whole("moe_intermediate_size", 768, WIDTH)?,
        gating: Gating::Activated(named_activation(config, "hidden_act", "silu")?),
    });
    let step = config.whole("decoder_sparse_step", 1, LAYERS)?;
    let dense = config.wholes("mlp_only_layers", 0..=*LAYERS.end())?.unwrap_or_default();
    for (at, layer) in spec.layers.iter_mut().enumerate() {
        if !dense.contains(&at) && (at + 1).is_multiple_of(step) {
            layer.mlp = experts;
        }
    }
    Ok(Read { spec, layout: LLAMA })
}
