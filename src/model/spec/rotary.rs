//! How queries and keys are turned by position.

/// Rotary position embedding (RoPE).
#[derive(Debug, Clone, PartialEq)]
pub struct RotarySpec {
    /// Base of the wavelengths.
    pub theta: f64,
    /// Values of a head that are turned: the first ones. An even number.
    pub width: usize,
    /// Which values are turned together.
    pub pairs: Pairs,
    /// How wavelengths are stretched for long contexts.
    pub scaling: RotaryScaling,
}

/// Which values of a head are turned together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pairs {
    /// i and i + width / 2
    Halves,
    /// 2i and 2i + 1
    Neighbours,
}

/// How rotary wavelengths are stretched for long contexts.
#[derive(Debug, Clone, PartialEq)]
pub enum RotaryScaling {
    /// They are not stretched.
    None,
    /// All are stretched by the same factor.
    Linear {
        /// Wavelengths are multiplied by it.
        factor: f64,
    },
    #[allow(dead_code, reason = "GGUF files will bring it")]
    /// Each has its own factor, \[width / 2\].
    Each {
        /// Wavelengths are multiplied by them.
        factors: Vec<f32>,
    },
    /// Llama 3.1: long ones by `factor`, short ones not, a ramp between.
    Llama3 {
        /// Wavelengths at the long end are multiplied by it.
        factor: f64,
        /// Times a wave fits into the original context, below which it is stretched in full.
        low_frequency: f64,
        /// Times above which it is not stretched.
        high_frequency: f64,
        /// Context before stretching, in tokens.
        original_context: f64,
    },
    /// YaRN (Peng et al. 2023): long ones by `factor`, short ones not, a ramp between.
    Yarn {
        /// Wavelengths at the long end are multiplied by it.
        factor: f64,
        /// Rotations within the original context above which a dimension is not stretched.
        beta_fast: f64,
        /// Rotations below which it is stretched in full.
        beta_slow: f64,
        /// Context before stretching, in tokens.
        original_context: f64,
        /// Whether the ramp's bounds are rounded outwards to whole dimensions.
        truncate: bool,
        /// What cos and sin are multiplied by.
        attention_factor: f64,
    },
    /// LongRoPE (Ding et al. 2024): each has a factor for short prompts, and one for long ones, \[width / 2\].
    LongRope {
        /// Of prompts up to `original_context` tokens.
        short: Vec<f32>,
        /// Of longer prompts, for all their positions.
        long: Vec<f32>,
        /// Tokens that are not yet long.
        original_context: usize,
        /// What cos and sin are multiplied by.
        attention_factor: f64,
    },
}
