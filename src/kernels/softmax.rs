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
}

/// Softmax of `scores` together with the sink's logit, in place; the sink's own weight is returned.
pub fn softmax_with_sink(scores: &mut [f32], sink: Option<f32>) -> RowNorm {
    vectorised(|| softmax(scores, sink))
}

#[inline(always)]
fn softmax(scores: &mut [f32], sink: Option<f32>) -> RowNorm {
    let mut highest = [sink.unwrap_or(f32::NEG_INFINITY); LANES];
    let chunks = scores.chunks_exact(LANES);
    let max_of_rest = chunks.remainder().iter().copied().fold(highest[0], f32::max);
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
    let (mut sums, mut weighted) = ([0.0; LANES], [0.0; LANES]);
    let mut chunks = scores.chunks_exact_mut(LANES);
    for chunk in &mut chunks {
        for ((score, sum), weighted) in chunk.iter_mut().zip(&mut sums).zip(&mut weighted) {
            let (raised, times) = raise(*score);
            *score = raised;
            *sum += raised;
            *weighted += times;
        }
    }
    let rest = chunks.into_remainder().iter_mut().zip(&mut sums).zip(&mut weighted);
    for ((score, sum), weighted) in rest {
        let (raised, times) = raise(*score);
        *score = raised;
        *sum += raised;
        *weighted += times;
    }
    let (sink, sink_times) = sink.map_or((0.0, 0.0), raise);
    let sum = sums.iter().sum::<f32>() + sink;
    let weighted = weighted.iter().sum::<f32>() + sink_times;
    scores.iter_mut().for_each(|score| *score /= sum);
    RowNorm { log_sum_exp: max + sum.ln(), sink: sink / sum, entropy: sum.ln() - weighted / sum }
}

/// (Σ weights\[i\], Σ weights\[i\] · (n − 1 − i)): the mass of a row, and how far back it looks.
pub fn mass_and_distance(weights: &[f32]) -> (f32, f32) {
    vectorised(|| {
        let (mut mass, mut distance) = ([0.0f32; LANES], [0.0f32; LANES]);
        let farthest = weights.len() as f32 - 1.0;
        let mut add = |at: usize, chunk: &[f32]| {
            for (lane, weight) in chunk.iter().enumerate() {
                mass[lane] += weight;
                distance[lane] += weight * (farthest - (at + lane) as f32);
            }
        };
        let chunks = weights.chunks_exact(LANES);
        let (rest, whole) = (chunks.remainder(), chunks.len() * LANES);
        chunks.enumerate().for_each(|(at, chunk)| add(at * LANES, chunk));
        add(whole, rest);
        (mass.iter().sum(), distance.iter().sum())
    })
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
            let weights: Vec<f32> = (0..size).map(|at| 1.0 + at as f32).collect();
            let mass: f32 = weights.iter().sum();
            let distance: f32 = weights.iter().rev().enumerate().map(|(far, w)| w * far as f32).sum();
            assert_eq!(mass_and_distance(&weights), (mass, distance));
        }
    }
}
