//! GPT-2, all sizes: LayerNorm before each part, learned positions, fused q|k|v, weights as \[in, out\].

use super::config::Config;
use crate::model::ModelError;
use crate::model::decoder::{Attention, Block, Decoder, Lengths, Linear, Mlp, Norm, Projections};
use crate::model::spec::{Activation, DecoderSpec, Family, LayerSpec, MlpSpec, Position};
use crate::model::weights::Weights;

pub fn spec(config: &Config) -> Result<DecoderSpec, ModelError> {
    let hidden: usize = config.required_alias("n_embd", "hidden_size")?;
    let heads: usize = config.required_alias("n_head", "num_attention_heads")?;
    if heads == 0 || !hidden.is_multiple_of(heads) {
        return Err(config.error(format!("n_embd {hidden} is no multiple of n_head {heads}")));
    }
    if config.optional("add_cross_attention")? == Some(true) {
        return Err(
            config.error("add_cross_attention is true: only decoders without an encoder are supported")
        );
    }
    let layer_count: usize = config.required_alias("n_layer", "num_hidden_layers")?;
    let head_dim = hidden / heads;
    Ok(DecoderSpec {
        family: Family::Gpt2,
        vocabulary: config.required("vocab_size")?,
        context: config.required_alias("n_positions", "max_position_embeddings")?,
        hidden,
        heads,
        kv_heads: heads,
        head_dim,
        norm_epsilon: config.optional("layer_norm_epsilon")?.unwrap_or(1e-5),
        position: Position::Learned,
        attention_bias: true,
        sinks: false,
        layers: layers(config, layer_count, head_dim)?,
        mlp: MlpSpec::Dense {
            inner: config.optional("n_inner")?.unwrap_or(4 * hidden),
            activation: activation(config)?,
        },
        tied_head: config.optional("tie_word_embeddings")?.unwrap_or(true),
    })
}

fn layers(config: &Config, count: usize, head_dim: usize) -> Result<Vec<LayerSpec>, ModelError> {
    let scaled = config.optional("scale_attn_weights")?.unwrap_or(true);
    let by_layer = config.optional("scale_attn_by_inverse_layer_idx")?.unwrap_or(false);
    let base = if scaled { (head_dim as f64).powf(-0.5) } else { 1.0 };
    let scale = |layer: usize| if by_layer { base / (layer + 1) as f64 } else { base };
    Ok((0..count).map(|layer| LayerSpec { scale: scale(layer) as f32, window: None }).collect())
}

fn activation(config: &Config) -> Result<Activation, ModelError> {
    let name = config.optional::<String>("activation_function")?.unwrap_or_else(|| "gelu_new".to_owned());
    match name.as_str() {
        "gelu_new" | "gelu_pytorch_tanh" | "gelu_fast" => Ok(Activation::GeluTanh),
        "gelu" => Ok(Activation::GeluErf),
        "relu" => Ok(Activation::Relu),
        "silu" | "swish" => Ok(Activation::Silu),
        _ => Err(config.error(format!(
            "activation_function \"{name}\" is not supported; supported are gelu_new, gelu, relu, silu"
        ))),
    }
}

pub fn assemble(spec: &DecoderSpec, weights: &mut Weights<'_>) -> Result<Decoder, ModelError> {
    let MlpSpec::Dense { inner, activation } = spec.mlp else {
        unreachable!("gpt2::spec gives a dense MLP");
    };
    // The hub's own file has bare names, other exports put the whole model under one.
    let prefix = if weights.contains("wte.weight") { "" } else { "transformer." };
    let hidden = spec.hidden;
    let embedding = weights.matrix(&format!("{prefix}wte.weight"), [spec.vocabulary, hidden])?;
    let positions = weights.tensor(&format!("{prefix}wpe.weight"), &[spec.context, hidden])?;
    let norm = |weights: &mut Weights<'_>, name: String| {
        let weight = weights.tensor(&format!("{name}.weight"), &[hidden])?;
        let bias = weights.tensor(&format!("{name}.bias"), &[hidden])?;
        Ok::<_, ModelError>(Norm::layer(weight, bias, spec.norm_epsilon))
    };
    let linear = |weights: &mut Weights<'_>, name: String, from: usize, to: usize| {
        let weight = weights.in_out_matrix(&format!("{name}.weight"), [from, to])?;
        let bias = weights.tensor(&format!("{name}.bias"), &[to])?;
        Ok::<_, ModelError>(Linear::in_out(weight, Some(bias), to))
    };
    let mut blocks = Vec::with_capacity(spec.layers.len());
    for (at, layer) in spec.layers.iter().enumerate() {
        let h = format!("{prefix}h.{at}");
        blocks.push(Block {
            attention_norm: norm(weights, format!("{h}.ln_1"))?,
            attention: Attention {
                projections: Projections::Fused(linear(
                    weights,
                    format!("{h}.attn.c_attn"),
                    hidden,
                    3 * hidden,
                )?),
                output: linear(weights, format!("{h}.attn.c_proj"), hidden, hidden)?,
                layer: *layer,
                sinks: None,
                lengths: Lengths::default(),
            },
            mlp_norm: norm(weights, format!("{h}.ln_2"))?,
            mlp: Mlp::Dense {
                up: linear(weights, format!("{h}.mlp.c_fc"), hidden, inner)?,
                activation,
                down: linear(weights, format!("{h}.mlp.c_proj"), inner, hidden)?,
            },
        });
    }
    let final_norm = norm(weights, format!("{prefix}ln_f"))?;
    let head = if !spec.tied_head && weights.contains("lm_head.weight") {
        weights.matrix("lm_head.weight", [spec.vocabulary, hidden])?
    } else {
        embedding.clone()
    };
    Ok(Decoder {
        spec: spec.clone(),
        embedding,
        positions: Some(positions),
        blocks,
        norm: final_norm,
        head: Linear::out_in(head, None, spec.vocabulary),
    })
}
