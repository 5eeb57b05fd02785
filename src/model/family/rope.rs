//! How config.json says that queries and keys are turned by position.

use std::ops::RangeInclusive;

use super::config::{Config, quoted};
use super::ranges::TOKENS;
use crate::model::ModelError;
use crate::model::spec::{Pairs, RotaryScaling, RotarySpec};

/// Bases of wavelengths: below 1 they would shrink.
pub const THETA: RangeInclusive<f64> = 1.0..=1e30;
/// How far a context is stretched, and what goes with it.
const FACTOR: RangeInclusive<f64> = 1e-3..=1e9;
/// Weights in YaRN, of which 0 counts as absent.
const WEIGHT: RangeInclusive<f64> = 0.0..=1e9;
/// What cos and sin are multiplied by.
const MAGNITUDE: RangeInclusive<f64> = 0.0..=1e6;
/// Context before it was stretched, in tokens.
const CONTEXT: RangeInclusive<f64> = 1.0..=u32::MAX as f64;

const ORIGINAL: &str = "original_max_position_embeddings";
const NO_FACTOR: &str = "the key \"factor\" is missing";

/// What a family takes where a key is absent.
#[derive(Debug, Clone, Copy)]
pub struct RopeDefaults {
    /// The key of the base of the wavelengths, and its value.
    pub theta_key: &'static str,
    /// The same.
    pub theta: f64,
    /// The key of the share of a head that is turned.
    pub share_key: &'static str,
    /// The same.
    pub share: f64,
    /// Which values are turned together.
    pub pairs: Pairs,
    /// The context before it was stretched; the context itself, if none.
    pub original: Option<usize>,
}

impl RopeDefaults {
    /// Llama's.
    pub const LLAMA: Self = Self {
        theta_key: "rope_theta",
        theta: 10_000.0,
        share_key: "partial_rotary_factor",
        share: 1.0,
        pairs: Pairs::Halves,
        original: None,
    };
}

/// How a model turns queries and keys.
///
/// # Errors
/// If a key isn't what it may be.
pub fn rotary(
    config: &Config,
    head_dim: usize,
    context: usize,
    defaults: &RopeDefaults,
) -> Result<RotarySpec, ModelError> {
    of_block(config, block(config)?.as_ref(), head_dim, context, defaults)
}

/// The block that says it: `rope_scaling` is the hub's form, `rope_parameters` the newer one.
///
/// # Errors
/// If it is no object.
pub fn block(config: &Config) -> Result<Option<Config>, ModelError> {
    match config.object("rope_scaling")?.filter(|block| !block.is_empty()) {
        Some(block) => Ok(Some(block)),
        None => config.object("rope_parameters"),
    }
}

/// How full layers turn, and how those that slide do. Newer files have a block in `rope_parameters` for each; in older
/// ones `rope_scaling` is that of full layers alone. A base is the block's own, or the one beside, or the family's:
/// `full` and `sliding` name the key beside and the family's.
///
/// # Errors
/// If a key isn't what it may be.
pub fn by_kind(
    config: &Config,
    head_dim: usize,
    context: usize,
    full: (&'static str, f64),
    sliding: (&'static str, f64),
) -> Result<[RotarySpec; 2], ModelError> {
    let parameters = config.object("rope_parameters")?;
    let kind =
        |name: &str| parameters.as_ref().map(|block| block.object(name)).transpose().map(Option::flatten);
    let scaling = config.object("rope_scaling")?.filter(|block| !block.is_empty());
    let blocks = [scaling.or(kind("full_attention")?), kind("sliding_attention")?];
    let own = |block: &Option<Config>| match block {
        Some(block) => block.optional_real("rope_theta", THETA),
        None => Ok(None),
    };
    let thetas = [own(&blocks[0])?, own(&blocks[1])?];
    // transformers takes a key once: where both kinds have the same, the second has it only if the first needs none.
    let is_taken = full.0 == sliding.0 && thetas[0].is_none();
    let of = |at: usize, (key, absent): (&'static str, f64), is_taken: bool| {
        let defaults = RopeDefaults { theta_key: key, ..RopeDefaults::LLAMA };
        let mut spec = of_block(config, blocks[at].as_ref(), head_dim, context, &defaults)?;
        let beside = if is_taken { None } else { config.optional_real(key, THETA)? };
        spec.theta = thetas[at].or(beside).unwrap_or(absent);
        Ok::<_, ModelError>(spec)
    };
    Ok([of(0, full, false)?, of(1, sliding, is_taken)?])
}

/// As a block says, and the keys beside it.
///
/// # Errors
/// If a key isn't what it may be.
pub fn of_block(
    config: &Config,
    block: Option<&Config>,
    head_dim: usize,
    context: usize,
    defaults: &RopeDefaults,
) -> Result<RotarySpec, ModelError> {
    let real = |key: &str, range: RangeInclusive<f64>, absent: f64| -> Result<f64, ModelError> {
        let inside = block.map(|block| block.optional_real(key, range.clone())).transpose()?.flatten();
        let beside = || Ok::<_, ModelError>(config.optional_real(key, range)?.unwrap_or(absent));
        inside.map_or_else(beside, Ok)
    };
    let theta = real(
        "rope_theta",
        THETA,
        config.optional_real(defaults.theta_key, THETA)?.unwrap_or(defaults.theta),
    )?;
    let beside = config.optional_real(defaults.share_key, 0.0..=1.0)?.unwrap_or(defaults.share);
    let share = real("partial_rotary_factor", 0.0..=1.0, beside)?;
    let width = (head_dim as f64 * share) as usize;
    let scaling = match block {
        Some(block) => scaling(config, block, (theta, width), context, defaults)?,
        None => RotaryScaling::None,
    };
    let spec = RotarySpec { theta, width, pairs: defaults.pairs, scaling };
    check(config, head_dim, &spec)?;
    Ok(spec)
}

/// Checks that values can be turned in pairs.
///
/// # Errors
/// If not.
pub fn check(config: &Config, head_dim: usize, spec: &RotarySpec) -> Result<(), ModelError> {
    let width = spec.width;
    if width > 0 && width <= head_dim && width.is_multiple_of(2) {
        return Ok(());
    }
    Err(config.error(match width == head_dim {
        true => format!("head_dim {head_dim} is odd: rotary positions need an even one"),
        false => format!(
            "{width} of head_dim {head_dim} would be turned: rotary positions need an even number of them"
        ),
    }))
}

fn scaling(
    config: &Config,
    rope: &Config,
    (theta, width): (f64, usize),
    context: usize,
    defaults: &RopeDefaults,
) -> Result<RotaryScaling, ModelError> {
    let kind = match rope.optional_text("rope_type")? {
        Some(kind) => Some(kind),
        None => rope.optional_text("type")?,
    };
    let factor = || rope.optional_real("factor", FACTOR)?.ok_or_else(|| rope.error(NO_FACTOR));
    // Beside the block it wins over the one inside.
    let original = || match config.optional_real(ORIGINAL, CONTEXT)? {
        Some(original) => Ok(original),
        None => {
            let absent = defaults.original.unwrap_or(context) as f64;
            Ok::<_, ModelError>(rope.optional_real(ORIGINAL, CONTEXT)?.unwrap_or(absent))
        }
    };
    // Newer files have theta and the share here, or a block for each kind of layer; anything else would be meant to do
    // something.
    let silent = ["rope_theta", "partial_rotary_factor", ORIGINAL, "full_attention", "sliding_attention"];
    let is_silent = |key: &str| silent.contains(&key);
    if kind.is_none()
        && let Some(key) = rope.keys().find(|key| !is_silent(key))
    {
        return Err(rope
            .error(format!("the key \"rope_type\" is missing, without which {} says nothing", quoted(key))));
    }
    match kind.as_deref().unwrap_or("default") {
        "default" => Ok(RotaryScaling::None),
        // It begins beyond the context, which no prompt reaches.
        "dynamic" => Ok(RotaryScaling::None),
        "linear" => Ok(RotaryScaling::Linear { factor: factor()? }),
        "llama3" => {
            let high_frequency = rope.real("high_freq_factor", 4.0, FACTOR)?;
            let low_frequency = rope.real("low_freq_factor", 1.0, FACTOR)?;
            let original_context = rope.real(ORIGINAL, original()?, CONTEXT)?;
            Ok(RotaryScaling::Llama3 { factor: factor()?, low_frequency, high_frequency, original_context })
        }
        // Dimensions are found by the logarithm of theta.
        "yarn" if theta == 1.0 => Err(rope.error("rope_theta is 1; YaRN needs more than 1")),
        "yarn" => read_yarn(rope, context, original()?),
        "longrope" | "su" => read_longrope(rope, width, context, original()?),
        kind => Err(rope.error(format!(
            "rope_type {} is not supported; supported are default, linear, dynamic, llama3, yarn, longrope",
            quoted(kind)
        ))),
    }
}

fn read_yarn(rope: &Config, context: usize, original_context: f64) -> Result<RotaryScaling, ModelError> {
    let factor = match rope.optional_real("factor", FACTOR)? {
        Some(factor) => factor,
        None if rope.is_null("factor") => context as f64 / original_context,
        None => return Err(rope.error(NO_FACTOR)),
    };
    let given = |key: &str, default: f64| -> Result<f64, ModelError> {
        Ok(rope.optional_real(key, WEIGHT)?.filter(|value| *value != 0.0).unwrap_or(default))
    };
    let given_factor = rope.optional_real("attention_factor", MAGNITUDE)?;
    let attention_factor = match (given_factor, given("mscale", 0.0)?, given("mscale_all_dim", 0.0)?) {
        (Some(factor), ..) => factor,
        (None, mscale, all_dim) if mscale != 0.0 && all_dim != 0.0 => {
            magnitude(factor, mscale) / magnitude(factor, all_dim)
        }
        _ => magnitude(factor, 1.0),
    };
    Ok(RotaryScaling::Yarn {
        factor,
        beta_fast: given("beta_fast", 32.0)?,
        beta_slow: given("beta_slow", 1.0)?,
        original_context,
        truncate: rope.flag("truncate", true)?,
        attention_factor,
    })
}

/// YaRN's correction of the magnitude of attention for a context stretched by `factor`.
pub fn magnitude(factor: f64, weight: f64) -> f64 {
    if factor <= 1.0 { 1.0 } else { 0.1 * weight * factor.ln() + 1.0 }
}

fn read_longrope(
    rope: &Config,
    width: usize,
    context: usize,
    original: f64,
) -> Result<RotaryScaling, ModelError> {
    let factors = |key: &str| {
        let factors = rope.reals(key, FACTOR)?;
        let factors = factors.ok_or_else(|| rope.error(format!("the key \"{key}\" is missing")))?;
        if factors.len() != width / 2 {
            let there = factors.len();
            return Err(rope.error(format!("\"{key}\" has {there} factors; {} pairs are turned", width / 2)));
        }
        Ok(factors.into_iter().map(|factor| factor as f32).collect())
    };
    let factor = rope.optional_real("factor", FACTOR)?.unwrap_or(context as f64 / original);
    let stretched = match factor > 1.0 && original > 1.0 {
        true => (1.0 + factor.ln() / original.ln()).sqrt(),
        false => 1.0,
    };
    Ok(RotaryScaling::LongRope {
        short: factors("short_factor")?,
        long: factors("long_factor")?,
        original_context: (original as usize).min(*TOKENS.end()),
        attention_factor: rope.optional_real("attention_factor", MAGNITUDE)?.unwrap_or(stretched),
    })
}
