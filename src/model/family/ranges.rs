//! The sizes that a config.json may name. They are wide enough for any model that exists, and narrow enough that
//! products of sizes and loops over them stay small, whatever a file says. The shapes of the tensors are checked as
//! well.

use std::ops::RangeInclusive;

/// Layers of a model.
pub const LAYERS: RangeInclusive<usize> = 1..=10_000;
/// Widths: of the residual stream, of an MLP.
pub const WIDTH: RangeInclusive<usize> = 1..=1_000_000;
/// Heads of a layer, values of a head, experts of a layer.
pub const PARTS: RangeInclusive<usize> = 1..=65_536;
/// Rows of the embedding.
pub const VOCABULARY: RangeInclusive<usize> = 1..=100_000_000;
/// Tokens: of a prompt, of a window.
pub const TOKENS: RangeInclusive<usize> = 1..=u32::MAX as usize;
/// The epsilon of a norm.
pub const EPSILON: RangeInclusive<f64> = 0.0..=1.0;
/// What values can't go beyond.
pub const CAP: RangeInclusive<f64> = 1e-6..=1e9;
/// What values are multiplied by.
pub const MULTIPLIER: RangeInclusive<f64> = 0.0..=1e6;
