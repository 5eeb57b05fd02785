//! Rotary positions: pairs of values of a query or key are turned by an angle that grows with the position. Angles are
//! rounded where Hugging Face rounds them, so that long prompts agree too.

use std::f64::consts::PI;
use std::ops::Range;

use candle_core::{D, Device, Tensor};
use candle_nn::rotary_emb::{rope, rope_i};

use crate::model::ModelError;
use crate::model::host::to_values;
use crate::model::spec::{Pairs, RotaryScaling, RotarySpec};

/// Rotary position embedding (RoPE) for some positions.
pub struct Rope {
    /// \[tokens, width / 2\]
    cos: Tensor,
    /// \[tokens, width / 2\]
    sin: Tensor,
    /// Values of a head that are turned.
    width: usize,
    pairs: Pairs,
}

impl Rope {
    /// For the positions of a prompt from the first one on that is new.
    ///
    /// # Errors
    /// If the device has no room.
    pub fn new(spec: &RotarySpec, positions: Range<usize>, device: &Device) -> Result<Self, ModelError> {
        let (frequencies, magnitude) = frequencies(spec, positions.end);
        let angle = |position: usize| frequencies.iter().map(move |f| position as f32 * f);
        let angles: Vec<f32> = positions.clone().flat_map(angle).collect();
        let table = |wave: fn(f64) -> f64| {
            let values: Vec<f32> =
                angles.iter().map(|&angle| wave(f64::from(angle)) as f32 * magnitude).collect();
            Tensor::from_vec(values, (positions.len(), spec.width / 2), device)
        };
        Ok(Self { cos: table(f64::cos)?, sin: table(f64::sin)?, width: spec.width, pairs: spec.pairs })
    }

    /// Cos and sin, \[tokens, width / 2\] each.
    ///
    /// # Errors
    /// If the device fails.
    pub fn tables(&self) -> Result<[Vec<f32>; 2], ModelError> {
        Ok([to_values(&self.cos)?, to_values(&self.sin)?])
    }

    /// Turns \[heads, tokens, head_dim\] by position.
    ///
    /// # Errors
    /// If the device fails.
    pub fn apply(&self, x: &Tensor) -> Result<Tensor, ModelError> {
        let rest = x.dim(D::Minus1)? - self.width;
        if rest == 0 {
            return self.turn(x);
        }
        let turned = self.turn(&x.narrow(D::Minus1, 0, self.width)?)?;
        Ok(Tensor::cat(&[turned, x.narrow(D::Minus1, self.width, rest)?], D::Minus1)?)
    }

    fn turn(&self, x: &Tensor) -> Result<Tensor, ModelError> {
        let x = x.unsqueeze(0)?.contiguous()?;
        let turned = match self.pairs {
            Pairs::Halves => rope(&x, &self.cos, &self.sin),
            Pairs::Neighbours => rope_i(&x, &self.cos, &self.sin),
        };
        Ok(turned?.squeeze(0)?)
    }
}

/// Radians per position of each pair for a prompt of so many tokens, and what cos and sin are multiplied by.
fn frequencies(spec: &RotarySpec, tokens: usize) -> (Vec<f32>, f32) {
    let width = spec.width;
    let wavelengths: Vec<f32> = (0..width / 2)
        .map(|pair| spec.theta.powf(f64::from((2 * pair) as f32 / width as f32)) as f32)
        .collect();
    let each =
        |factors: &[f32]| wavelengths.iter().zip(factors).map(|(w, factor)| 1.0 / (factor * w)).collect();
    match &spec.scaling {
        RotaryScaling::None => (wavelengths.iter().map(|w| 1.0 / w).collect(), 1.0),
        RotaryScaling::Linear { factor } => {
            (wavelengths.iter().map(|w| 1.0 / w / *factor as f32).collect(), 1.0)
        }
        RotaryScaling::Each { factors } => (each(factors), 1.0),
        RotaryScaling::LongRope { short, long, original_context, attention_factor } => {
            let factors = if tokens > *original_context { long } else { short };
            (each(factors), *attention_factor as f32)
        }
        RotaryScaling::Llama3 { factor, low_frequency, high_frequency, original_context } => {
            let [factor, low, high, context] =
                [factor, low_frequency, high_frequency, original_context].map(|value| *value as f32);
            let stretched = |wavelength: &f32| {
                let frequency = 1.0 / wavelength;
                let length = 2.0 * PI as f32 / frequency;
                if length > context / low {
                    return frequency / factor;
                }
                if length < context / high {
                    return frequency;
                }
                let kept = (context / length - low) / (high - low);
                (1.0 - kept) * frequency / factor + kept * frequency
            };
            (wavelengths.iter().map(stretched).collect(), 1.0)
        }
        RotaryScaling::Yarn {
            factor,
            beta_fast,
            beta_slow,
            original_context,
            truncate,
            attention_factor,
        } => {
            let bound = |rotations: f64| pair_with_rotations(rotations, width, spec.theta, *original_context);
            let (mut low, mut high) = (bound(*beta_fast), bound(*beta_slow));
            if *truncate {
                (low, high) = (low.floor(), high.ceil());
            }
            let (low, mut high) = (low.max(0.0), high.min(width as f64 - 1.0));
            if low == high {
                high += 0.001;
            }
            let stretched = |(pair, wavelength): (usize, &f32)| {
                let ramp = ((pair as f32 - low as f32) / (high - low) as f32).clamp(0.0, 1.0);
                let kept = 1.0 - ramp;
                1.0 / (*factor as f32 * wavelength) * (1.0 - kept) + 1.0 / wavelength * kept
            };
            (wavelengths.iter().enumerate().map(stretched).collect(), *attention_factor as f32)
        }
    }
}

/// The pair, as a fraction, that turns `rotations` times within `context` positions.
fn pair_with_rotations(rotations: f64, width: usize, theta: f64, context: f64) -> f64 {
    width as f64 * (context / (rotations * 2.0 * PI)).ln() / (2.0 * theta.ln())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ramp_of_gpt_oss_is_not_rounded() {
        let bound = |rotations| pair_with_rotations(rotations, 64, 150_000.0, 4096.0);
        assert!((bound(32.0) - 8.0928).abs() < 1e-4, "{}", bound(32.0));
        assert!((bound(1.0) - 17.3980).abs() < 1e-4, "{}", bound(1.0));
    }

    #[test]
    fn without_scaling_the_first_pair_turns_a_radian_per_position() {
        let (theta, pairs, scaling) = (10_000.0, Pairs::Halves, RotaryScaling::None);
        let (f, magnitude) = frequencies(&RotarySpec { theta, width: 4, pairs, scaling }, 1);
        assert_eq!((f, magnitude), (vec![1.0, 0.01], 1.0));
    }
}
