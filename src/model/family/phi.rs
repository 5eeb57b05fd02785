//! Phi 1 to 2: attention and MLP side by side after one LayerNorm, biases everywhere, a part of each head turned.

use super::common::{DEFAULTS, Defaults, layer_norm, llama_like, plain};
use super::config::Config;
use super::definition::{Family, Read};
use super::layout::{LLAMA, Layout, MlpNames};
use super::ranges::WIDTH;
use super::rope::{self, RopeDefaults};
use crate::model::ModelError;
use crate::model::spec::{Biases, BlockSpec, NormSpan, QkNormSpec, Wiring};

/// Phi.
pub const FAMILY: Family = Family { name: "phi", models: "Phi 1 to 2", class: "Phi", aliases: &[], read };

const LAYOUT: Layout = Layout {
    output: "self_attn.dense",
    qk_norms: ["self_attn.q_layernorm", "self_attn.k_layernorm"],
    mlp: MlpNames::Plain(["mlp.fc1", "mlp.fc2"]),
    norm: "final_layernorm",
    ..LLAMA
};

fn read(config: &Config) -> Result<Read, ModelError> {
    let defaults = Defaults {
        hidden: 2048,
        layers: 24,
        vocabulary: 51_200,
        epsilon: ("layer_norm_eps", 1e-5),
        ..DEFAULTS
    };
    let mut spec = llama_like(config, &defaults)?;
    spec.norm = layer_norm(spec.norm.epsilon);
    let is_normalised = config.flag("qk_layernorm", false)?;
    spec.qk_norm = is_normalised.then_some(QkNormSpec { norm: spec.norm, over: NormSpan::Head });
    spec.block = BlockSpec { wiring: Wiring::Parallel { one_norm: true }, ..BlockSpec::PRE_NORM };
    spec.biases = Biases { qkv: true, output: true, mlp: true, head: true };
    let partial = RopeDefaults { share: 0.5, ..RopeDefaults::LLAMA };
    spec.rotaries = vec![rope::rotary(config, spec.head_dim, spec.context, &partial)?];
    let width = config.whole("intermediate_size", 8192, WIDTH)?;
    spec.set_mlp(plain(config, width, ("hidden_act", "gelu_new"))?);
    Ok(Read { spec, layout: LAYOUT })
}
