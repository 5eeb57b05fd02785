//! gpt-oss: RMSNorm before each part, YaRN, grouped queries with a sink per query head, alternating
//! windows, and experts that are MXFP4 or dense. Defaults are those of Hugging Face transformers.

use super::config::Config;
use crate::model::ModelError;
use crate::model::decoder::{
    Attention, Block, Decoder, ExpertMatrices, Experts, Lengths, Linear, Mlp, Norm, Projections,
};
use crate::model::spec::{
    DecoderSpec, ExpertsSpec, Family, LayerSpec, MlpSpec, Position, RotaryScaling, RotarySpec,
};
use crate::model::weights::Weights;

const DEFAULT_HEAD_DIM: usize = 64;
const DEFAULT_KV_HEADS: usize = 8;
const DEFAULT_WINDOW: usize = 128;
const DEFAULT_CONTEXT: usize = 131_072;
const DEFAULT_ACTIVE_EXPERTS: usize = 4;
const DEFAULT_THETA: f64 = 150_000.0;

pub fn spec(config: &Config) -> Result<DecoderSpec, ModelError> {
    let hidden: usize = config.required("hidden_size")?;
    let heads: usize = config.required("num_attention_heads")?;
    let layer_count: usize = config.required("num_hidden_layers")?;
    let context = config.optional("max_position_embeddings")?.unwrap_or(DEFAULT_CONTEXT);
    let head_dim =
        or_when_null(config, "head_dim", DEFAULT_HEAD_DIM, hidden.checked_div(heads).unwrap_or(0))?;
    let experts = ExpertsSpec {
        count: config.required_alias("num_local_experts", "num_experts")?,
        active: config.optional("num_experts_per_tok")?.unwrap_or(DEFAULT_ACTIVE_EXPERTS),
        inner: config.required("intermediate_size")?,
        limit: config.optional("swiglu_limit")?.unwrap_or(7.0),
        alpha: config.optional("swiglu_alpha")?.unwrap_or(1.702),
    };
    if experts.active == 0 || experts.active > experts.count {
        return Err(config.error(format!(
            "num_experts_per_tok is {} of num_local_experts {}",
            experts.active, experts.count
        )));
    }
    if !head_dim.is_multiple_of(2) {
        return Err(config.error(format!("head_dim {head_dim} is odd: rotary positions need an even one")));
    }
    Ok(DecoderSpec {
        family: Family::GptOss,
        vocabulary: config.required("vocab_size")?,
        context,
        hidden,
        heads,
        kv_heads: or_when_null(config, "num_key_value_heads", DEFAULT_KV_HEADS, heads)?,
        head_dim,
        norm_epsilon: config.optional("rms_norm_eps")?.unwrap_or(1e-5),
        position: Position::Rotary(rotary(config, context)?),
        attention_bias: config.optional("attention_bias")?.unwrap_or(true),
        sinks: true,
        layers: layers(config, layer_count, head_dim)?,
        mlp: MlpSpec::Experts(experts),
        tied_head: config.optional("tie_word_embeddings")?.unwrap_or(false),
    })
}

/// An absent key means one thing to transformers, a null another.
fn or_when_null(config: &Config, key: &str, absent: usize, null: usize) -> Result<usize, ModelError> {
    if config.is_null(key) {
        return Ok(null);
    }
    Ok(config.optional(key)?.unwrap_or(absent))
}

fn layers(config: &Config, count: usize, head_dim: usize) -> Result<Vec<LayerSpec>, ModelError> {
    let scale = (head_dim as f64).powf(-0.5) as f32;
    let kinds = match config.optional::<Vec<String>>("layer_types")? {
        Some(kinds) if kinds.len() < count => {
            return Err(config.error(format!("layer_types names {} layers of {count}", kinds.len())));
        }
        Some(kinds) => kinds,
        None => (0..count)
            .map(|layer| if layer % 2 == 0 { "sliding_attention" } else { "full_attention" }.to_owned())
            .collect(),
    };
    let window: Option<usize> = if config.is_null("sliding_window") {
        None
    } else {
        Some(config.optional("sliding_window")?.unwrap_or(DEFAULT_WINDOW))
    };
    kinds[..count]
        .iter()
        .map(|kind| match (kind.as_str(), window) {
            ("full_attention", _) => Ok(LayerSpec { scale, window: None }),
            ("sliding_attention", Some(window)) if window > 0 => {
                Ok(LayerSpec { scale, window: Some(window) })
            }
            ("sliding_attention", _) => Err(config.error("a layer slides, but sliding_window is null or 0")),
            _ => Err(config.error(format!(
                "layer_types names \"{kind}\"; supported are sliding_attention and full_attention"
            ))),
        })
        .collect()
}

/// `rope_scaling` (with `rope_theta` beside it) is the hub's form, `rope_parameters` the newer one.
fn rotary(config: &Config, context: usize) -> Result<RotarySpec, ModelError> {
    let hub_form = config.object("rope_scaling")?.filter(|rope| !rope.is_empty());
    let outer_theta = config.optional("rope_theta")?.unwrap_or(DEFAULT_THETA);
    let rope = match hub_form {
        Some(rope) => Some(rope),
        None => config.object("rope_parameters")?,
    };
    let Some(rope) = rope else {
        return Ok(RotarySpec { theta: outer_theta, scaling: yarn(32.0, 32.0, 1.0, 4096.0, false, None) });
    };
    if rope.optional("partial_rotary_factor")?.is_some_and(|share: f64| share != 1.0) {
        return Err(rope.error("partial_rotary_factor is not supported"));
    }
    let kind = match rope.optional::<String>("rope_type")? {
        Some(kind) => Some(kind),
        None => rope.optional("type")?,
    };
    let scaling = match kind.as_deref().unwrap_or("default") {
        "default" => RotaryScaling::None,
        "linear" => RotaryScaling::Linear { factor: rope.required("factor")? },
        "yarn" => read_yarn(config, &rope, context)?,
        kind => {
            return Err(rope.error(format!(
                "rope_type \"{kind}\" is not supported; supported are default, linear, yarn"
            )));
        }
    };
    Ok(RotarySpec { theta: rope.optional("rope_theta")?.unwrap_or(outer_theta), scaling })
}

fn read_yarn(config: &Config, rope: &Config, context: usize) -> Result<RotaryScaling, ModelError> {
    // Beside the block it wins over the one inside.
    let original_context = match config.optional("original_max_position_embeddings")? {
        Some(original) => original,
        None => rope.optional("original_max_position_embeddings")?.unwrap_or(context as f64),
    };
    let factor =
        if rope.is_null("factor") { context as f64 / original_context } else { rope.required("factor")? };
    let given = |key: &str, default: f64| -> Result<f64, ModelError> {
        Ok(rope.optional(key)?.filter(|value| *value != 0.0).unwrap_or(default))
    };
    let attention_factor =
        match (rope.optional("attention_factor")?, given("mscale", 0.0)?, given("mscale_all_dim", 0.0)?) {
            (Some(factor), ..) => Some(factor),
            (None, mscale, all_dim) if mscale != 0.0 && all_dim != 0.0 => {
                Some(magnitude(factor, mscale) / magnitude(factor, all_dim))
            }
            _ => None,
        };
    let truncate = rope.optional("truncate")?.unwrap_or(true);
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

pub fn assemble(spec: &DecoderSpec, weights: &mut Weights<'_>) -> Result<Decoder, ModelError> {
    let MlpSpec::Experts(experts) = spec.mlp else {
        unreachable!("gpt_oss::spec gives experts");
    };
    let embedding = weights.matrix("model.embed_tokens.weight", [spec.vocabulary, spec.hidden])?;
    let mut blocks = Vec::with_capacity(spec.layers.len());
    for (at, layer) in spec.layers.iter().enumerate() {
        let name = format!("model.layers.{at}");
        blocks.push(Block {
            attention_norm: norm(spec, weights, &format!("{name}.input_layernorm"))?,
            attention: attention(spec, *layer, weights, &format!("{name}.self_attn"))?,
            mlp_norm: norm(spec, weights, &format!("{name}.post_attention_layernorm"))?,
            mlp: Mlp::Experts(Box::new(read_experts(spec, experts, weights, &format!("{name}.mlp"))?)),
        });
    }
    let final_norm = norm(spec, weights, "model.norm")?;
    let head = if spec.tied_head {
        embedding.clone()
    } else {
        weights.matrix("lm_head.weight", [spec.vocabulary, spec.hidden])?
    };
    Ok(Decoder {
        spec: spec.clone(),
        embedding,
        positions: None,
        blocks,
        norm: final_norm,
        head: Linear::out_in(head, None, spec.vocabulary),
    })
}

fn norm(spec: &DecoderSpec, weights: &mut Weights<'_>, name: &str) -> Result<Norm, ModelError> {
    let weight = weights.tensor(&format!("{name}.weight"), &[spec.hidden])?;
    Ok(Norm::rms(weight, spec.norm_epsilon))
}

fn linear(
    weights: &mut Weights<'_>,
    name: &str,
    from: usize,
    to: usize,
    bias: bool,
) -> Result<Linear, ModelError> {
    let weight = weights.matrix(&format!("{name}.weight"), [to, from])?;
    let bias = if bias { Some(weights.tensor(&format!("{name}.bias"), &[to])?) } else { None };
    Ok(Linear::out_in(weight, bias, to))
}

fn attention(
    spec: &DecoderSpec,
    layer: LayerSpec,
    weights: &mut Weights<'_>,
    name: &str,
) -> Result<Attention, ModelError> {
    let (query, kv) = (spec.heads * spec.head_dim, spec.kv_heads * spec.head_dim);
    let mut project = |part: &str, from: usize, to: usize| {
        linear(weights, &format!("{name}.{part}_proj"), from, to, spec.attention_bias)
    };
    Ok(Attention {
        projections: Projections::Separate {
            query: project("q", spec.hidden, query)?,
            key: project("k", spec.hidden, kv)?,
            value: project("v", spec.hidden, kv)?,
        },
        output: project("o", query, spec.hidden)?,
        layer,
        lengths: Lengths::default(),
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
    let mut matrices = |part: &str, from: usize, to: usize| {
        let name = format!("{name}.experts.{part}");
        let bias = weights.tensor(&format!("{name}_bias"), &[count, to])?;
        // The checkpoint decides, not quantization_config: fine-tunes keep that key after dequantising.
        let matrices = if weights.contains(&format!("{name}_blocks")) {
            weights.packed_experts(&name, count, from, to)?
        } else {
            ExpertMatrices::Dense(weights.tensor(&name, &[count, from, to])?)
        };
        Ok::<_, ModelError>((matrices, bias))
    };
    let (gate_up, gate_up_bias) = matrices("gate_up_proj", hidden, 2 * experts.inner)?;
    let (down, down_bias) = matrices("down_proj", experts.inner, hidden)?;
    let router = linear(weights, &format!("{name}.router"), hidden, count, true)?;
    Ok(Experts { spec: experts, router, gate_up, gate_up_bias, down, down_bias })
}
