//! GPT-2, all sizes: LayerNorm before each part, learned positions, fused q|k|v, weights as \[in, out\].

use super::config::{Config, quoted};
use super::ends::ends;
use super::ranges::{EPSILON, LAYERS, PARTS, TOKENS, VOCABULARY, WIDTH};
use crate::model::ModelError;
use crate::model::decoder::{Attention, Block, Decoder, Linear, Mlp, Norm, Projections, ValueNorms};
use crate::model::spec::{Activation, DecoderSpec, Family, LayerSpec, MlpSpec, Position};
use crate::model::weights::Weights;

/// Keys, and the names that other families have for them.
pub const ALIASES: &[(&str, &str)] = &[
    ("n_embd", "hidden_size"),
    ("n_head", "num_attention_heads"),
    ("n_layer", "num_hidden_layers"),
    ("n_positions", "max_position_embeddings"),
];

/// What transformers calls the model without its output head.
const PREFIX: &str = "transformer.";

/// Cross-attention (`add_cross_attention`) does nothing without an encoder, so that nothing is read of it.
pub fn spec(config: &Config) -> Result<DecoderSpec, ModelError> {
    let hidden = config.whole("n_embd", 768, WIDTH)?;
    let heads = config.whole("n_head", 12, PARTS)?;
    if !hidden.is_multiple_of(heads) {
        return Err(config.error(format!("n_embd {hidden} is no multiple of n_head {heads}")));
    }
    let layer_count = config.whole("n_layer", 12, LAYERS)?;
    let head_dim = hidden / heads;
    Ok(DecoderSpec {
        family: Family::Gpt2,
        vocabulary: config.whole("vocab_size", 50_257, VOCABULARY)?,
        context: config.whole("n_positions", 1024, TOKENS)?,
        hidden,
        heads,
        kv_heads: heads,
        head_dim,
        norm_epsilon: config.real("layer_norm_epsilon", 1e-5, EPSILON)?,
        position: Position::Learned,
        attention_bias: true,
        sinks: false,
        layers: layers(config, layer_count, head_dim)?,
        mlp: MlpSpec::Dense {
            intermediate_size: config.optional_whole("n_inner", WIDTH)?.unwrap_or(4 * hidden),
            activation: activation(config)?,
        },
        tied_head: config.flag("tie_word_embeddings", true)?,
        quantization: config.quantization(),
    })
}

fn layers(config: &Config, count: usize, head_dim: usize) -> Result<Vec<LayerSpec>, ModelError> {
    let scaled = config.flag("scale_attn_weights", true)?;
    let by_layer = config.flag("scale_attn_by_inverse_layer_idx", false)?;
    let base = if scaled { (head_dim as f64).powf(-0.5) } else { 1.0 };
    let scale = |layer: usize| if by_layer { base / (layer + 1) as f64 } else { base };
    Ok((0..count).map(|layer| LayerSpec { scale: scale(layer) as f32, sliding_window: None }).collect())
}

fn activation(config: &Config) -> Result<Activation, ModelError> {
    let name = config.text("activation_function")?.unwrap_or_else(|| "gelu_new".to_owned());
    Activation::named(&name).ok_or_else(|| {
        let own = ["prelu", "xielu"].contains(&name.as_str());
        let why = if own { "has weights of its own and is not supported" } else { "is not supported" };
        let known = Activation::NAMES.map(|(name, _)| name).join(", ");
        config.error(format!("activation_function {} {why}; supported: {known}", quoted(&name)))
    })
}

pub fn build(spec: &DecoderSpec, weights: &mut Weights<'_>) -> Result<Decoder, ModelError> {
    let MlpSpec::Dense { intermediate_size, activation } = spec.mlp else {
        unreachable!("gpt2::spec gives a dense MLP");
    };
    weights.expect(spec, PREFIX);
    let hidden = spec.hidden;
    let (embedding, lm_head) = ends(spec, weights, "wte.weight")?;
    let positions = weights.tensor("wpe.weight", &[spec.context, hidden])?;
    let norm = |weights: &mut Weights<'_>, name: String| {
        let weight = weights.tensor(&format!("{name}.weight"), &[hidden])?;
        let bias = weights.tensor(&format!("{name}.bias"), &[hidden])?;
        Ok::<_, ModelError>(Norm::layer(weight, bias, spec.norm_epsilon))
    };
    let linear = |weights: &mut Weights<'_>, name: String, in_features: usize, out_features: usize| {
        let weight = weights.in_out_matrix(&format!("{name}.weight"), [in_features, out_features])?;
        let bias = weights.tensor(&format!("{name}.bias"), &[out_features])?;
        Ok::<_, ModelError>(Linear::in_out(weight, Some(bias), out_features))
    };
    let mut blocks = Vec::new();
    for (at, layer) in spec.layers.iter().enumerate() {
        let h = format!("h.{at}");
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
                value_norms: ValueNorms::default(),
            },
            mlp_norm: norm(weights, format!("{h}.ln_2"))?,
            mlp: Mlp::Dense {
                up: linear(weights, format!("{h}.mlp.c_fc"), hidden, intermediate_size)?,
                activation,
                down: linear(weights, format!("{h}.mlp.c_proj"), intermediate_size, hidden)?,
            },
        });
    }
    let final_norm = norm(weights, "ln_f".to_owned())?;
    Ok(Decoder {
        spec: spec.clone(),
        embedding,
        positions: Some(positions),
        blocks,
        norm: final_norm,
        lm_head,
    })
}
