//! gpt-oss: RMSNorm before each part, YaRN, grouped queries with a sink per query head, alternating
//! windows, and experts that are MXFP4 or dense. Defaults are those of Hugging Face transformers.

use std::ops::RangeInclusive;

use super::config::{Config, quoted};
use super::ends::ends;
use super::ranges::{EPSILON, LAYERS, PARTS, TOKENS, VOCABULARY, WIDTH};
use crate::model::ModelError;
use crate::model::decoder::{Attention, Block, Decoder, Experts, Linear, Mlp, Norm, Projections, ValueNorms};
use crate::model::spec::{
    DecoderSpec, ExpertsSpec, Family, LayerSpec, MlpSpec, Position, RotaryScaling, RotarySpec,
};
use crate::model::weights::{ExpertMatrices, Weights};

/// Keys, and their other names.
pub const ALIASES: &[(&str, &str)] = &[("num_local_experts", "num_experts")];

/// What transformers calls the model without its output head.
const PREFIX: &str = "model.";

/// Bases of wavelengths: below 1 they would shrink.
const THETA: RangeInclusive<f64> = 1.0..=1e30;
/// How far a context is stretched, and what goes with it.
const FACTOR: RangeInclusive<f64> = 1e-3..=1e9;
/// Weights in YaRN, of which 0 counts as absent.
const WEIGHT: RangeInclusive<f64> = 0.0..=1e9;
/// Limits and gains of the experts' activation. At 0 nothing passes, which transformers allows.
const GAIN: RangeInclusive<f64> = 0.0..=1e6;

/// Of keys that are absent transformers takes these values, too; they are those of gpt-oss-120b.
pub fn spec(config: &Config) -> Result<DecoderSpec, ModelError> {
    let hidden = config.whole("hidden_size", 2880, WIDTH)?;
    let heads = config.whole("num_attention_heads", 64, PARTS)?;
    let layer_count = config.whole("num_hidden_layers", 36, LAYERS)?;
    let context = config.whole("max_position_embeddings", 131_072, TOKENS)?;
    let head_dim = or_when_null(config, "head_dim", 64, hidden / heads)?;
    let count = config.whole("num_local_experts", 128, PARTS)?;
    let experts = ExpertsSpec {
        count,
        active: config.whole("num_experts_per_tok", 4, 1..=count)?,
        intermediate_size: config.whole("intermediate_size", 2880, WIDTH)?,
        limit: config.real("swiglu_limit", 7.0, GAIN)?,
        alpha: config.real("swiglu_alpha", 1.702, GAIN)?,
    };
    if !head_dim.is_multiple_of(2) {
        return Err(config.error(format!("head_dim {head_dim} is odd: rotary positions need an even one")));
    }
    Ok(DecoderSpec {
        family: Family::GptOss,
        vocabulary: config.whole("vocab_size", 201_088, VOCABULARY)?,
        context,
        hidden,
        heads,
        kv_heads: or_when_null(config, "num_key_value_heads", 8, heads)?,
        head_dim,
        norm_epsilon: config.real("rms_norm_eps", 1e-5, EPSILON)?,
        position: Position::Rotary(rotary(config, context)?),
        attention_bias: config.flag("attention_bias", true)?,
        sinks: true,
        layers: layers(config, layer_count, head_dim)?,
        mlp: MlpSpec::Experts(experts),
        tied_head: config.flag("tie_word_embeddings", false)?,
        quantization: config.quantization(),
    })
}

/// An absent key means one thing to transformers, a null another.
fn or_when_null(config: &Config, key: &str, absent: usize, null: usize) -> Result<usize, ModelError> {
    if config.is_null(key) {
        return Ok(null);
    }
    config.whole(key, absent, PARTS)
}

fn layers(config: &Config, count: usize, head_dim: usize) -> Result<Vec<LayerSpec>, ModelError> {
    let scale = (head_dim as f64).powf(-0.5) as f32;
    let kinds = match config.texts("layer_types")? {
        Some(kinds) if kinds.len() < count => {
            return Err(config.error(format!("layer_types names {} layers of {count}", kinds.len())));
        }
        Some(kinds) => kinds,
        None => (0..count)
            .map(|layer| if layer % 2 == 0 { "sliding_attention" } else { "full_attention" }.to_owned())
            .collect(),
    };
    let sliding_window = match config.optional_whole("sliding_window", 0..=*TOKENS.end())? {
        None if !config.is_null("sliding_window") => Some(128),
        sliding_window => sliding_window,
    };
    kinds[..count]
        .iter()
        .map(|kind| match (kind.as_str(), sliding_window) {
            // The second is what older versions of transformers called it.
            ("full_attention" | "attention", _) => Ok(LayerSpec { scale, sliding_window: None }),
            ("sliding_attention", Some(sliding_window)) if sliding_window > 0 => {
                Ok(LayerSpec { scale, sliding_window: Some(sliding_window) })
            }
            ("sliding_attention", _) => Err(config.error("a layer slides, but sliding_window is null or 0")),
            _ => Err(config.error(format!(
                "layer_types names {}; supported are sliding_attention and full_attention",
                quoted(kind)
            ))),
        })
        .collect()
}

/// `rope_scaling` (with `rope_theta` beside it) is the hub's form, `rope_parameters` the newer one.
fn rotary(config: &Config, context: usize) -> Result<RotarySpec, ModelError> {
    let hub_form = config.object("rope_scaling")?.filter(|rope| !rope.is_empty());
    let outer_theta = config.optional_real("rope_theta", THETA)?.unwrap_or(150_000.0);
    let rope = match hub_form {
        Some(rope) => Some(rope),
        None => config.object("rope_parameters")?,
    };
    let Some(rope) = rope else {
        return Ok(RotarySpec { theta: outer_theta, scaling: yarn(32.0, 32.0, 1.0, 4096.0, false, None) });
    };
    let theta = rope.optional_real("rope_theta", THETA)?.unwrap_or(outer_theta);
    if rope.optional_real("partial_rotary_factor", 0.0..=1.0)?.is_some_and(|share| share != 1.0) {
        return Err(rope.error("partial_rotary_factor is not supported"));
    }
    let kind = match rope.optional_text("rope_type")? {
        Some(kind) => Some(kind),
        None => rope.optional_text("type")?,
    };
    let scaling = match kind.as_deref().unwrap_or("default") {
        "default" => RotaryScaling::None,
        "linear" => RotaryScaling::Linear {
            factor: rope.optional_real("factor", FACTOR)?.ok_or_else(|| rope.error(NO_FACTOR))?,
        },
        // Dimensions are found by the logarithm of theta.
        "yarn" if theta == 1.0 => return Err(rope.error("rope_theta is 1; YaRN needs more than 1")),
        "yarn" => read_yarn(config, &rope, context)?,
        kind => {
            return Err(rope.error(format!(
                "rope_type {} is not supported; supported are default, linear, yarn",
                quoted(kind)
            )));
        }
    };
    Ok(RotarySpec { theta, scaling })
}

const NO_FACTOR: &str = "the key \"factor\" is missing";

fn read_yarn(config: &Config, rope: &Config, context: usize) -> Result<RotaryScaling, ModelError> {
    const ORIGINAL: &str = "original_max_position_embeddings";
    let range = || 1.0..=*TOKENS.end() as f64;
    // Beside the block it wins over the one inside.
    let original_context = match config.optional_real(ORIGINAL, range())? {
        Some(original) => original,
        None => rope.optional_real(ORIGINAL, range())?.unwrap_or(context as f64),
    };
    let factor = match rope.optional_real("factor", FACTOR)? {
        Some(factor) => factor,
        None if rope.is_null("factor") => context as f64 / original_context,
        None => return Err(rope.error(NO_FACTOR)),
    };
    let given = |key: &str, default: f64| -> Result<f64, ModelError> {
        Ok(rope.optional_real(key, WEIGHT)?.filter(|value| *value != 0.0).unwrap_or(default))
    };
    let given_factor = rope.optional_real("attention_factor", 0.0..=1e6)?;
    let attention_factor = match (given_factor, given("mscale", 0.0)?, given("mscale_all_dim", 0.0)?) {
        (Some(factor), ..) => Some(factor),
        (None, mscale, all_dim) if mscale != 0.0 && all_dim != 0.0 => {
            Some(magnitude(factor, mscale) / magnitude(factor, all_dim))
        }
        _ => None,
    };
    let truncate = rope.flag("truncate", true)?;
    Ok(yarn(
        factor,
        given("beta_fast", 32.0)?,
        given("beta_slow", 1.0)?,
        original_context,
        truncate,
        attention_factor,
    ))
}

fn yarn(
    factor: f64,
    beta_fast: f64,
    beta_slow: f64,
    original_context: f64,
    truncate: bool,
    attention_factor: Option<f64>,
) -> RotaryScaling {
    let attention_factor = attention_factor.unwrap_or_else(|| magnitude(factor, 1.0));
    RotaryScaling::Yarn { factor, beta_fast, beta_slow, original_context, truncate, attention_factor }
}

/// YaRN's correction of the magnitude of attention for a context stretched by `factor`.
fn magnitude(factor: f64, weight: f64) -> f64 {
    if factor <= 1.0 { 1.0 } else { 0.1 * weight * factor.ln() + 1.0 }
}

pub fn build(spec: &DecoderSpec, weights: &mut Weights<'_>) -> Result<Decoder, ModelError> {
    let MlpSpec::Experts(experts) = spec.mlp else {
        unreachable!("gpt_oss::spec gives experts");
    };
    weights.expect(spec, PREFIX);
    let (embedding, lm_head) = ends(spec, weights, "embed_tokens.weight")?;
    let mut blocks = Vec::new();
    for (at, layer) in spec.layers.iter().enumerate() {
        let name = format!("layers.{at}");
        blocks.push(Block {
            attention_norm: norm(spec, weights, &format!("{name}.input_layernorm"))?,
            attention: attention(spec, *layer, weights, &format!("{name}.self_attn"))?,
            mlp_norm: norm(spec, weights, &format!("{name}.post_attention_layernorm"))?,
            mlp: Mlp::Experts(Box::new(read_experts(spec, experts, weights, &format!("{name}.mlp"))?)),
        });
    }
    let final_norm = norm(spec, weights, "norm")?;
    Ok(Decoder { spec: spec.clone(), embedding, positions: None, blocks, norm: final_norm, lm_head })
}

fn norm(spec: &DecoderSpec, weights: &mut Weights<'_>, name: &str) -> Result<Norm, ModelError> {
    let weight = weights.tensor(&format!("{name}.weight"), &[spec.hidden])?;
    Ok(Norm::rms(weight, spec.norm_epsilon))
}

fn linear(
    weights: &mut Weights<'_>,
    name: &str,
    in_features: usize,
    out_features: usize,
    bias: bool,
) -> Result<Linear, ModelError> {
    let weight = weights.matrix(&format!("{name}.weight"), [out_features, in_features])?;
    let bias = if bias { Some(weights.tensor(&format!("{name}.bias"), &[out_features])?) } else { None };
    Ok(Linear::out_in(weight, bias, out_features))
}

fn attention(
    spec: &DecoderSpec,
    layer: LayerSpec,
    weights: &mut Weights<'_>,
    name: &str,
) -> Result<Attention, ModelError> {
    let (query, kv) = (spec.heads * spec.head_dim, spec.kv_heads * spec.head_dim);
    let mut project = |part: &str, in_features: usize, out_features: usize| {
        linear(weights, &format!("{name}.{part}_proj"), in_features, out_features, spec.attention_bias)
    };
    Ok(Attention {
        projections: Projections::Separate {
            query: project("q", spec.hidden, query)?,
            key: project("k", spec.hidden, kv)?,
            value: project("v", spec.hidden, kv)?,
        },
        output: project("o", query, spec.hidden)?,
        layer,
        value_norms: ValueNorms::default(),
        sinks: Some(weights.host_tensor(&format!("{name}.sinks"), &[spec.heads])?),
    })
}

fn read_experts(
    spec: &DecoderSpec,
    experts: ExpertsSpec,
    weights: &mut Weights<'_>,
    name: &str,
) -> Result<Experts, ModelError> {
    let (hidden, count) = (spec.hidden, experts.count);
    let mut matrices = |part: &str, in_features: usize, out_features: usize| {
        let name = format!("{name}.experts.{part}");
        let bias = weights.tensor(&format!("{name}_bias"), &[count, out_features])?;
        // The checkpoint decides, not quantization_config: fine-tunes keep that key after dequantising.
        let matrices = if weights.contains(&format!("{name}_blocks")) {
            weights.packed_experts(&name, count, in_features, out_features)?
        } else {
            ExpertMatrices::Dense(weights.tensor(&name, &[count, in_features, out_features])?)
        };
        Ok::<_, ModelError>((matrices, bias))
    };
    let (gate_up, gate_up_bias) = matrices("gate_up_proj", hidden, 2 * experts.intermediate_size)?;
    let (down, down_bias) = matrices("down_proj", experts.intermediate_size, hidden)?;
    let router = linear(weights, &format!("{name}.router"), hidden, count, true)?;
    Ok(Experts { spec: experts, router, gate_up, gate_up_bias, down, down_bias })
}
