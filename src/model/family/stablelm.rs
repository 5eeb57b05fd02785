//! StableLM: Llama with LayerNorms, a part of each head turned; 2 12B with a norm of each head, and parts side by side.

use super::common::{DEFAULTS, Defaults, layer_norm, llama_like};
use super::config::Config;
use super::definition::{Family, Read};
use super::layout::{LLAMA, Layout};
use super::rope::{self, RopeDefaults};
use crate::model::ModelError;
use crate::model::spec::{Biases, BlockSpec, NormSpan, NormSpec, QkNormSpec, Wiring};

/// StableLM.
pub const FAMILY: Family =
    Family { name: "stablelm", models: "StableLM", class: "StableLm", aliases: &[], read };

const LAYOUT: Layout = Layout { qk_norms: ["self_attn.q_layernorm", "self_attn.k_layernorm"], ..LLAMA };

fn read(config: &Config) -> Result<Read, ModelError> {
    let defaults = Defaults {
        hidden: 2560,
        intermediate: 6912,
        kv_heads: 32,
        vocabulary: 50_304,
        context: 4096,
        epsilon: ("layer_norm_eps", 1e-5),
        ..DEFAULTS
    };
    let mut spec = llama_like(config, &defaults)?;
    spec.norm = layer_norm(spec.norm.epsilon);
    if config.flag("qk_layernorm", false)? {
        let norm = NormSpec { bias: false, ..spec.norm };
        spec.qk_norm = Some(QkNormSpec { norm, over: NormSpan::OwnHead });
    }
    if config.flag("use_parallel_residual", false)? {
        spec.block = BlockSpec { wiring: Wiring::Parallel { one_norm: true }, ..BlockSpec::PRE_NORM };
    }
    spec.biases = Biases { qkv: config.flag("use_qkv_bias", false)?, ..Biases::default() };
    let partial = RopeDefaults { share: 0.25, ..RopeDefaults::LLAMA };
    spec.rotaries = vec![rope::rotary(config, spec.head_dim, spec.context, &partial)?];
    Ok(Read { spec, layout: LAYOUT })
}
