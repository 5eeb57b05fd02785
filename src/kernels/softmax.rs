//! Softmax of a row of scores together with a sink (a learned logit that leads to no token), and the sums of the row.

use pulp::{Arch, Scalar, Simd, WithSimd};

use super::elementwise::{LOWEST, exp};

/// What a softmax gives besides its weights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SoftmaxStats {
    /// ln Σ exp(score), the sink's logit included.
    pub log_sum_exp: f32,
    /// The weight of the sink; 0 without one.
    pub sink: f32,
    /// −Σ p ln p in nats, the sink being one more outcome.
    pub entropy: f32,
    /// Σ weights\[i\], all but the sink's.
    pub mass: f32,
    /// Σ weights\[i\] · (n − 1 − i): how far back a row looks.
    pub distance: f32,
}

/// Softmax of `scores` in place. The sink's logit takes part; its weight is returned.
pub fn softmax_with_sink(scores: &mut [f32], sink: Option<f32>) -> SoftmaxStats {
    Arch::new().dispatch(Softmax { scores, sink })
}

/// The places of the values in a register, for the widest registers there are.
const PLACES: [f32; 16] = [0., 1., 2., 3., 4., 5., 6., 7., 8., 9., 10., 11., 12., 13., 14., 15.];

struct Softmax<'a> {
    scores: &'a mut [f32],
    sink: Option<f32>,
}

impl WithSimd for Softmax<'_> {
    type Output = SoftmaxStats;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> SoftmaxStats {
        let Self { scores, sink } = self;
        let farthest = scores.len() as f32 - 1.0;
        let (registers, rest) = S::as_mut_simd_f32s(scores);
        let lowest = simd.splat_f32s(f32::NEG_INFINITY);
        let is_score = simd.mask_between_m32s(0, rest.len() as u32).mask();
        let mut last = simd.select_f32s(is_score, simd.partial_load_f32s(rest), lowest);

        let mut highest = last;
        for &scores in registers.iter() {
            highest = simd.max_f32s(highest, scores);
        }
        let max = simd.reduce_max_f32s(highest).max(sink.unwrap_or(f32::NEG_INFINITY));

        let zero = simd.splat_f32s(0.0);
        let mut sums = Sums::<S> { exps: zero, weighted: zero, distance: zero };
        let mut far = simd.sub_f32s(simd.splat_f32s(farthest), S::as_simd_f32s(&PLACES).0[0]);
        let width = simd.splat_f32s(S::F32_LANES as f32);
        let max_of_all = simd.splat_f32s(max);
        for scores in registers.iter_mut().chain([&mut last]) {
            *scores = sums.add(simd, simd.sub_f32s(*scores, max_of_all), far);
            far = simd.sub_f32s(far, width);
        }

        let of_sink = sink.map_or(0.0, |sink| exp(Scalar, sink - max));
        let sink_weighted = of_sink * (sink.unwrap_or(max) - max).max(LOWEST);
        let mass = simd.reduce_sum_f32s(sums.exps);
        let sum = mass + of_sink;
        let weighted = simd.reduce_sum_f32s(sums.weighted) + sink_weighted;
        let share = 1.0 / sum;
        let shares = simd.splat_f32s(share);
        for scores in registers {
            *scores = simd.mul_f32s(*scores, shares);
        }
        simd.partial_store_f32s(rest, simd.mul_f32s(last, shares));
        SoftmaxStats {
            log_sum_exp: max + sum.ln(),
            sink: of_sink * share,
            // ln p = score − max − ln Σ exp, so that the entropy needs no logarithm per key.
            entropy: sum.ln() - weighted * share,
            mass: mass * share,
            distance: simd.reduce_sum_f32s(sums.distance) * share,
        }
    }
}

/// Sums over a row, a part for each value of a register. They are divided by the first one and the sink at the end.
struct Sums<S: Simd> {
    /// Σ exp(score − max)
    exps: S::f32s,
    /// Σ exp(score − max) · (score − max)
    weighted: S::f32s,
    /// Σ exp(score − max) · (n − 1 − i)
    distance: S::f32s,
}

impl<S: Simd> Sums<S> {
    /// Takes the exponentials of some scores, less the maximum, and adds them up.
    #[inline(always)]
    fn add(&mut self, simd: S, scores: S::f32s, far: S::f32s) -> S::f32s {
        let exps = exp(simd, scores);
        // A score of −∞ has no weight, and 0 · −∞ is no number.
        let finite = simd.max_f32s(scores, simd.splat_f32s(LOWEST));
        self.exps = simd.add_f32s(self.exps, exps);
        self.weighted = simd.mul_add_f32s(exps, finite, self.weighted);
        self.distance = simd.mul_add_f32s(exps, far, self.distance);
        exps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn softmax_shares_the_row_with_the_sink() {
        let mut row = [0.0, 2.0f32.ln()];
        let norm = softmax_with_sink(&mut row, Some(0.0));
        assert!((row[0] - 0.25).abs() < 1e-6 && (row[1] - 0.5).abs() < 1e-6);
        assert!((norm.sink - 0.25).abs() < 1e-6);
        assert!((norm.log_sum_exp - 4.0f32.ln()).abs() < 1e-6);
        assert!((norm.entropy - 1.5 * 2.0f32.ln()).abs() < 1e-6, "of 1/4, 1/2 and 1/4");
    }

    #[test]
    fn softmax_without_a_sink_sums_to_one_at_any_magnitude_and_length() {
        for offset in [-1e4, 0.0, 1e4] {
            for size in [1, 3, 16, 17, 100] {
                let mut row: Vec<f32> = (0..size).map(|at| offset + (at % 7) as f32).collect();
                assert_eq!(softmax_with_sink(&mut row, None).sink, 0.0);
                assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn a_score_of_minus_infinity_has_no_weight() {
        let mut row = [f32::NEG_INFINITY, 0.0];
        let norm = softmax_with_sink(&mut row, None);
        assert_eq!((row, norm.entropy), ([0.0, 1.0], 0.0));
    }

    #[test]
    fn mass_and_distance_of_any_length() {
        for size in [1, 5, 16, 40] {
            let mut weights: Vec<f32> = (0..size).map(|at| (1.0 + at as f32).ln()).collect();
            let norm = softmax_with_sink(&mut weights, Some(0.0));
            let mass: f32 = weights.iter().sum();
            let distance: f32 = weights.iter().rev().enumerate().map(|(far, w)| w * far as f32).sum();
            assert!((norm.mass - mass).abs() < 1e-6 && (norm.mass + norm.sink - 1.0).abs() < 1e-6);
            assert!((norm.distance - distance).abs() < 1e-5 * distance.max(1.0));
        }
    }
}
