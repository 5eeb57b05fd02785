//! What most families read alike.

use super::config::{Config, quoted};
use super::ranges::{EPSILON, LAYERS, PARTS, TOKENS, VOCABULARY, WIDTH};
use super::rope::{self, RopeDefaults};
use crate::model::ModelError;
use crate::model::spec::{
    Activation, Biases, BlockSpec, DecoderSpec, EmbeddingSpec, Gating, LayerSpec, LogitsSpec, MlpSpec,
    NormKind, NormSpec,
};

/// What transformers takes where a key is absent.
pub struct Defaults {
    /// `hidden_size`
    pub hidden: usize,
    /// `intermediate_size`
    pub intermediate: usize,
    /// `num_hidden_layers`
    pub layers: usize,
    /// `num_attention_heads`
    pub heads: usize,
    /// `num_key_value_heads`; 0 stands for as many as heads.
    pub kv_heads: usize,
    /// `head_dim`; 0 stands for `hidden_size` / heads.
    pub head_dim: usize,
    /// `vocab_size`
    pub vocabulary: usize,
    /// `max_position_embeddings`
    pub context: usize,
    /// The key of a norm's epsilon, and its value.
    pub epsilon: (&'static str, f64),
    /// `rope_theta`
    pub theta: f64,
    /// `tie_word_embeddings`
    pub tied: bool,
}

/// Of `LlamaConfig`.
pub const DEFAULTS: Defaults = Defaults {
    hidden: 4096,
    intermediate: 11_008,
    layers: 32,
    heads: 32,
    kv_heads: 0,
    head_dim: 0,
    vocabulary: 32_000,
    context: 2048,
    epsilon: ("rms_norm_eps", 1e-6),
    theta: 10_000.0,
    tied: false,
};

/// A decoder with norms before each part, and none of what only some have.
fn decoder(
    config: &Config,
    defaults: &Defaults,
    [hidden, heads, head_dim]: [usize; 3],
    (norm, layer): (NormSpec, LayerSpec),
) -> Result<DecoderSpec, ModelError> {
    let count = config.whole("num_hidden_layers", defaults.layers, LAYERS)?;
    Ok(DecoderSpec {
        family: "",
        vocabulary: config.whole("vocab_size", defaults.vocabulary, VOCABULARY)?,
        context: config.whole("max_position_embeddings", defaults.context, TOKENS)?,
        hidden,
        heads,
        kv_heads: heads,
        head_dim,
        embedding: EmbeddingSpec { width: hidden, scale: 1.0, norm: false, positions: None },
        norm,
        block: BlockSpec::PRE_NORM,
        qk_norm: None,
        clip_qkv: None,
        biases: Biases::default(),
        sinks: false,
        alibi: false,
        rotaries: Vec::new(),
        layers: vec![layer; count],
        residual_scale: 1.0,
        logits: LogitsSpec { norm: true, scale: 1.0, softcap: None },
        tied_head: config.flag("tie_word_embeddings", defaults.tied)?,
        quantization: config.quantization(),
    })
}

/// A layer whose scores are divided by the root of a head's width.
fn layer(head_dim: usize, rotary: Option<usize>, mlp: MlpSpec) -> LayerSpec {
    LayerSpec { scale: root(head_dim), softcap: None, sliding_window: None, rotary, mlp }
}

/// A decoder as Llama is: RMSNorm before each part, rotary positions, a gated MLP, no biases.
///
/// # Errors
/// If a key isn't what it may be.
pub fn llama_like(config: &Config, defaults: &Defaults) -> Result<DecoderSpec, ModelError> {
    let hidden = config.whole("hidden_size", defaults.hidden, WIDTH)?;
    let heads = config.whole("num_attention_heads", defaults.heads, PARTS)?;
    let kv_heads = or_zero(config, "num_key_value_heads", defaults.kv_heads, heads)?;
    let head_dim = or_zero(config, "head_dim", defaults.head_dim, hidden / heads)?;
    let norm = rms(config.real(defaults.epsilon.0, defaults.epsilon.1, EPSILON)?);
    let layer = layer(head_dim, Some(0), gated(config, defaults.intermediate, "silu")?);
    let spec = decoder(config, defaults, [hidden, heads, head_dim], (norm, layer))?;
    let rope_defaults = RopeDefaults { theta: defaults.theta, ..RopeDefaults::LLAMA };
    let rotary = rope::rotary(config, head_dim, spec.context, &rope_defaults)?;
    Ok(DecoderSpec { kv_heads, rotaries: vec![rotary], ..spec })
}

/// A decoder as GPT-2 is, but for its learned positions: LayerNorm before each part, heads that share the residual stream
/// out among them, no rotary positions, no biases; an MLP four times as wide, which a family may set.
///
/// # Errors
/// If a key isn't what it may be.
pub fn gpt_like(config: &Config, defaults: &Defaults) -> Result<DecoderSpec, ModelError> {
    let hidden = config.whole("hidden_size", defaults.hidden, WIDTH)?;
    let heads = config.whole("num_attention_heads", defaults.heads, PARTS)?;
    if !hidden.is_multiple_of(heads) {
        return Err(config.error(format!("{hidden} values can't be shared out among {heads} heads")));
    }
    let norm = layer_norm(config.real(defaults.epsilon.0, defaults.epsilon.1, EPSILON)?);
    let mlp = MlpSpec::Plain { intermediate_size: 4 * hidden, activation: Activation::GeluTanh };
    let head_dim = hidden / heads;
    decoder(config, defaults, [hidden, heads, head_dim], (norm, layer(head_dim, None, mlp)))
}

/// 1/√n: what q·k is multiplied by in nearly all families.
pub fn root(n: usize) -> f32 {
    (n as f64).powf(-0.5) as f32
}

/// RMSNorm, with weights.
pub fn rms(epsilon: f64) -> NormSpec {
    NormSpec { kind: NormKind::Rms, weight: true, bias: false, epsilon }
}

/// LayerNorm, with weights and biases.
pub fn layer_norm(epsilon: f64) -> NormSpec {
    NormSpec { kind: NormKind::Layer, weight: true, bias: true, epsilon }
}

/// A gated MLP; `activation` is the name of the one that `hidden_act` is where it is absent.
///
/// # Errors
/// If a key isn't what it may be.
pub fn gated(config: &Config, intermediate: usize, activation: &str) -> Result<MlpSpec, ModelError> {
    let intermediate_size = config.whole("intermediate_size", intermediate, WIDTH)?;
    let gating = Gating::Activated(named_activation(config, "hidden_act", activation)?);
    Ok(MlpSpec::Gated { intermediate_size, gating })
}

/// An MLP without gate: how wide it is inside; the key of its activation, and which one it is where that is absent.
///
/// # Errors
/// If the key isn't what it may be.
pub fn plain(
    config: &Config,
    intermediate_size: usize,
    (key, absent): (&str, &str),
) -> Result<MlpSpec, ModelError> {
    Ok(MlpSpec::Plain { intermediate_size, activation: named_activation(config, key, absent)? })
}

/// The biases of attention, all or none, by `attention_bias`.
///
/// # Errors
/// If it isn't what it may be.
pub fn attention_biases(config: &Config, absent: bool) -> Result<Biases, ModelError> {
    let bias = config.flag("attention_bias", absent)?;
    Ok(Biases { qkv: bias, output: bias, ..Biases::default() })
}

/// The activation that a key names, or the one that it is where the key is absent or null.
///
/// # Errors
/// If there is none of that name.
pub fn named_activation(config: &Config, key: &str, absent: &str) -> Result<Activation, ModelError> {
    let name = config.optional_text(key)?.unwrap_or_else(|| absent.to_owned());
    Activation::named(&name).ok_or_else(|| {
        let own = ["prelu", "xielu"].contains(&name.as_str());
        let why = if own { "has weights of its own and is not supported" } else { "is not supported" };
        let known = Activation::NAMES.map(|(name, _)| name).join(", ");
        config.error(format!("{key} {} {why}; supported: {known}", quoted(&name)))
    })
}

/// A key that means one thing to transformers where it is absent, another where it is null. Of both, 0 stands for
/// `rule`.
///
/// # Errors
/// If it isn't what it may be.
pub fn or_zero(config: &Config, key: &str, absent: usize, rule: usize) -> Result<usize, ModelError> {
    if config.is_null(key) {
        return Ok(rule);
    }
    config.whole(key, if absent == 0 { rule } else { absent }, PARTS)
}

/// `sliding_window`, or `absent` where it is not there; null is none.
///
/// # Errors
/// If it isn't what it may be.
pub fn sliding_window(config: &Config, absent: Option<usize>) -> Result<Option<usize>, ModelError> {
    match config.optional_whole("sliding_window", TOKENS)? {
        None if !config.is_null("sliding_window") => Ok(absent),
        window => Ok(window),
    }
}

/// Which layers slide: by `layer_types`, or where that is absent by `rule`.
///
/// # Errors
/// If `layer_types` names too few layers, or a kind that isn't known.
pub fn sliding_layers(
    config: &Config,
    count: usize,
    rule: impl Fn(usize) -> bool,
) -> Result<Vec<bool>, ModelError> {
    let Some(kinds) = config.texts("layer_types")? else { return Ok((0..count).map(rule).collect()) };
    if kinds.len() < count {
        return Err(config.error(format!("layer_types names {} layers of {count}", kinds.len())));
    }
    let slides = |kind: &String| match kind.as_str() {
        // The second is what older versions of transformers called it.
        "full_attention" | "attention" => Ok(false),
        "sliding_attention" => Ok(true),
        _ => Err(config.error(format!(
            "layer_types names {}; supported are sliding_attention and full_attention",
            quoted(kind)
        ))),
    };
    kinds[..count].iter().map(slides).collect()
}

/// Gives the layers that slide a window: by `layer_types`, or where that is absent by `rule`; `absent` is the window where
/// `sliding_window` is not there. Tells which slide.
///
/// # Errors
/// If a key isn't what it may be, or a layer slides and there is no window.
pub fn slide(
    config: &Config,
    spec: &mut DecoderSpec,
    absent: Option<usize>,
    rule: impl Fn(usize) -> bool,
) -> Result<Vec<bool>, ModelError> {
    let slides = sliding_layers(config, spec.layers.len(), rule)?;
    set_windows(config, &mut spec.layers, &slides, sliding_window(config, absent)?)?;
    Ok(slides)
}

/// Gives the layers that slide a window.
///
/// # Errors
/// If one slides, and there is no window.
pub fn set_windows(
    config: &Config,
    layers: &mut [LayerSpec],
    slides: &[bool],
    window: Option<usize>,
) -> Result<(), ModelError> {
    for (layer, _) in layers.iter_mut().zip(slides).filter(|(_, slides)| **slides) {
        let none = || config.error("a layer slides, but sliding_window is null or 0");
        layer.sliding_window = Some(window.ok_or_else(none)?);
    }
    Ok(())
}
