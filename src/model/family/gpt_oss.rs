//! gpt-oss: RMSNorm before each part, YaRN, grouped queries with a sink per query head, alternating
//! windows, and experts that are MXFP4 or dense. Defaults are those of Hugging Face transformers.

use std::ops::RangeInclusive;

use super::common::{DEFAULTS, Defaults, attention_biases, llama_like, slide};
use super::config::Config;
use super::definition::{Family, Read};
use super::layout::{ExpertNames, LLAMA, Layout};
use super::ranges::{PARTS, WIDTH};
use super::rope;
use crate::model::ModelError;
use crate::model::spec::{ExpertsSpec, Gating, MlpSpec, RotaryScaling, Routing};

/// gpt-oss.
pub const FAMILY: Family = Family {
    name: "gpt_oss",
    models: "gpt-oss",
    class: "GptOss",
    aliases: &[("num_local_experts", "num_experts")],
    read,
};

const LAYOUT: Layout = Layout {
    experts: ExpertNames::Stacked {
        router: "mlp.router",
        matrices: ["mlp.experts.gate_up_proj", "mlp.experts.down_proj"],
    },
    ..LLAMA
};

/// Limits and gains of the experts' activation. At 0 nothing passes, which transformers allows.
const GAIN: RangeInclusive<f64> = 0.0..=1e6;

/// Of keys that are absent transformers takes these values, too; they are those of gpt-oss-120b.
fn read(config: &Config) -> Result<Read, ModelError> {
    let defaults = Defaults {
        hidden: 2880,
        intermediate: 2880,
        layers: 36,
        heads: 64,
        kv_heads: 8,
        head_dim: 64,
        vocabulary: 201_088,
        context: 131_072,
        epsilon: ("rms_norm_eps", 1e-5),
        theta: 150_000.0,
        ..DEFAULTS
    };
    let mut spec = llama_like(config, &defaults)?;
    spec.sinks = true;
    spec.biases = attention_biases(config, true)?;
    if rope::block(config)?.is_none() {
        spec.rotaries[0].scaling = RotaryScaling::Yarn {
            factor: 32.0,
            beta_fast: 32.0,
            beta_slow: 1.0,
            original_context: 4096.0,
            truncate: false,
            attention_factor: rope::magnitude(32.0, 1.0),
        };
    }
    let count = config.whole("num_local_experts", 128, PARTS)?;
    let experts = MlpSpec::Experts(ExpertsSpec {
        count,
        active: config.whole("num_experts_per_tok", 4, 1..=count)?,
        routing: Routing::OverChosen,
        bias: true,
        intermediate_size: config.whole("intermediate_size", 2880, WIDTH)?,
        gating: Gating::ClampedSwiglu {
            limit: config.real("swiglu_limit", 7.0, GAIN)?,
            alpha: config.real("swiglu_alpha", 1.702, GAIN)?,
        },
    });
    spec.set_mlp(experts);
    slide(config, &mut spec, Some(128), |layer| layer.is_multiple_of(2))?;
    Ok(Read { spec, layout: LAYOUT })
}
