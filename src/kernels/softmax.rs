//! Softmax of a row of scores that shares itself with a sink, and what a row is like.

use super::elementwise::{exp, vectorised};

/// Running sums of a row, as many as the widest registers hold.
const LANES: usize = 16;

/// What a softmax divided by, beside its weights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RowNorm {
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

/// Softmax of `scores` together with the sink's logit, in place; the sink's own weight is returned.
pub fn softmax_with_sink(scores: &mut [f32], sink: Option<f32>) -> RowNorm {
    vectorised(|| softmax(scores, sink))
}

#[inline(always)]
fn softmax(scores: &mut [f32], sink: Option<f32>) -> RowNorm {
    let mut highest = [sink.unwrap_or(f32::NEG_INFINITY); LANES];
    let (chunks, rest) = scores.as_chunks::<LANES>();
    let max_of_rest = rest.iter().copied().fold(highest[0], f32::max);
    for chunk in chunks {
        highest.iter_mut().zip(chunk).for_each(|(highest, score)| *highest = highest.max(*score));
    }
    let max = highest.into_iter().fold(max_of_rest, f32::max);

    // ln p = score − max − ln Σ exp, so that the entropy needs no logarithm per key.
    let raise = |score: f32| {
        let raised = exp(score - max);
        // A score of −∞ has no weight, and 0 · −∞ is no number.
        (raised, if raised == 0.0 { 0.0 } else { raised * (score - max) })
    };
    let farthest = scores.len() as f32 - 1.0;
    let (mut sums, mut weighted, mut distant) = ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
    let mut far: [f32; LANES] = std::array::from_fn(|lane| farthest - lane as f32);
    let mut add = |lane: usize, score: &mut f32| {
        let (raised, times) = raise(*score);
        *score = raised;
        sums[lane] += raised;
        weighted[lane] += times;
        distant[lane] += raised * far[lane];
        far[lane] -= LANES as f32;
    };
    let (chunks, rest) = scores.as_chunks_mut::<LANES>();
    chunks.iter_mut().for_each(|chunk| (0..LANES).for_each(|lane| add(lane, &mut chunk[lane])));
    rest.iter_mut().enumerate().for_each(|(lane, score)| add(lane, score));
    let (sink, sink_times) = sink.map_or((0.0, 0.0), raise);
    let mass = sums.iter().sum::<f32>();
    let sum = mass + sink;
    let weighted = weighted.iter().sum::<f32>() + sink_times;
    let share = 1.0 / sum;
    scores.iter_mut().for_each(|score| *score *= share);
    RowNorm {
        log_sum_exp: max + sum.ln(),
        sink: sink * share,
        entropy: sum.ln() - weighted * share,
        mass: mass * share,
        distance: distant.iter().sum::<f32>() * share,
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
