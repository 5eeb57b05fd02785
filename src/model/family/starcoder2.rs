//! StarCoder2: LayerNorms and a plain MLP, few key/value heads.

use super::common::{DEFAULTS, Defaults, layer_norm, llama_like, plain};
use super::config::Config;
use super::definition::{Family, Read};
use super::layout::{LLAMA, Layout, MlpNames};
use super::mistral::slide_all;
use super::ranges::WIDTH;
use crate::model::ModelError;
use crate::model::spec::Biases;

/// StarCoder2.
pub const FAMILY: Family =
    Family { name: "starcoder2", models: "StarCoder2", class: "Starcoder2", aliases: &[], read };

const LAYOUT: Layout = Layout { mlp: MlpNames::Plain(["mlp.c_fc", "mlp.c_proj"]), ..LLAMA };

fn read(config: &Config) -> Result<Read, ModelError> {
    let defaults = Defaults {
        hidden: 3072,
        layers: 30,
        heads: 24,
        kv_heads: 2,
        vocabulary: 49_152,
        context: 4096,
        epsilon: ("norm_epsilon", 1e-5),
        tied: true,
        ..DEFAULTS
    };
    let mut spec = llama_like(config, &defaults)?;
    spec.norm = layer_norm(spec.norm.epsilon);
    let bias = config.flag("use_bias", true)?;
    spec.biases = Biases { qkv: bias, output: bias, mlp: bias, head: false };
    slide_all(config, &mut spec, None)?;
    // `activation_function` and `layer_norm_epsilon`, which its files have as well, are not read by transformers.
    let width = config.whole("intermediate_size", 12_288, WIDTH)?;
    spec.set_mlp(plain(config, width, ("hidden_act", "gelu_pytorch_tanh"))?);
    Ok(Read { spec, layout: LAYOUT })
}
