//! Mixtral: Mistral with experts. The router's softmax is over all of them, divided by the sum of the chosen.

use super::common::{DEFAULTS, Defaults, llama_like, named_activation};
use super::config::Config;
use super::definition::{Family, Read};
use super::layout::{ExpertNames, LLAMA, Layout};
use super::mistral::slide_all;
use super::ranges::{PARTS, WIDTH};
use crate::model::ModelError;
use crate::model::spec::{ExpertsSpec, Gating, MlpSpec, Routing};

/// Mixtral.
pub const FAMILY: Family = Family {
    name: "mixtral",
    models: "Mixtral",
    class: "Mixtral",
    aliases: &[("num_local_experts", "num_experts")],
    read,
};

const LAYOUT: Layout = Layout {
    experts: ExpertNames::Each {
        router: "block_sparse_moe.gate",
        matrices: [
            "block_sparse_moe.experts.{}.w1",
            "block_sparse_moe.experts.{}.w3",
            "block_sparse_moe.experts.{}.w2",
        ],
    },
    ..LLAMA
};

fn read(config: &Config) -> Result<Read, ModelError> {
    let mut spec = llama_like(
        config,
        &Defaults {
            intermediate: 14_336,
            kv_heads: 8,
            context: 131_072,
            epsilon: ("rms_norm_eps", 1e-5),
            theta: 1e6,
            ..DEFAULTS
        },
    )?;
    slide_all(config, &mut spec, None)?;
    let count = config.whole("num_local_experts", 8, PARTS)?;
    let experts = ExpertsSpec {
        count,
        active: config.whole("num_experts_per_tok", 2, 1..=count)?,
        routing: Routing::OverChosen,
        bias: false,
        intermediate_size: config.whole("intermediate_size", 14_336, WIDTH)?,
        gating: Gating::Activated(named_activation(config, "hidden_act", "silu")?),
    };
    spec.set_mlp(MlpSpec::Experts(experts));
    Ok(Read { spec, layout: LAYOUT })
}
