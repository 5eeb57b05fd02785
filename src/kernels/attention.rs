//! The attention of one head, a row at a time. A pass and every later look at a head go through
//! [`Head::row`], so both see the same bits.

use std::ops::Range;

/// One head of a prompt: what is needed to compute any row of its attention.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// \[S, head_dim\], position already applied.
    pub query: &'a [f32],
    /// \[S, head_dim\], position already applied; of the KV head that this head shares.
    pub key: &'a [f32],
    /// Values per position.
    pub head_dim: usize,
    /// What a dot product is multiplied by.
    pub scale: f32,
    /// Keys a query sees, itself included; `None` sees all.
    pub window: Option<usize>,
    /// The learned logit that competes with the keys and leads to no token.
    pub sink: Option<f32>,
}

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

impl Head<'_> {
    /// The keys that `query` sees.
    pub fn visible(&self, query: usize) -> Range<usize> {
        let first = self.window.map_or(0, |window| (query + 1).saturating_sub(window));
        first..query + 1
    }

    /// Writes the attention of `query` over its [`visible`](Self::visible) keys, in place of what `weights` held.
    pub fn row(&self, query: usize, weights: &mut Vec<f32>) -> RowNorm {
        let q = &self.query[query * self.head_dim..][..self.head_dim];
        let keys = self.visible(query);
        let keys = &self.key[keys.start * self.head_dim..keys.end * self.head_dim];
        weights.clear();
        weights.extend(keys.chunks_exact(self.head_dim).map(|k| self.scale * dot(q, k)));
        softmax_with_sink(weights, self.sink)
    }
}

/// Softmax of `scores` together with the sink's logit, in place; the sink's own weight is returned.
pub fn softmax_with_sink(scores: &mut [f32], sink: Option<f32>) -> RowNorm {
    let max = scores.iter().copied().fold(sink.unwrap_or(f32::NEG_INFINITY), f32::max);
    // ln p = score − max − ln Σ exp, so that the entropy needs no logarithm per key.
    let (mut sum, mut weighted) = (0.0, 0.0);
    let mut raise = |score: f32| {
        let exp = (score - max).exp();
        sum += exp;
        // A score of −∞ has no weight, and 0 · −∞ is no number.
        weighted += if exp > 0.0 { exp * (score - max) } else { 0.0 };
        exp
    };
    for score in scores.iter_mut() {
        *score = raise(*score);
    }
    let sink = sink.map_or(0.0, raise);
    for score in scores.iter_mut() {
        *score /= sum;
    }
    RowNorm { log_sum_exp: max + sum.ln(), sink: sink / sum, entropy: sum.ln() - weighted / sum }
}

/// `context` += Σ weights\[k\] · value\[k\], the values being \[keys, head_dim\].
pub fn add_weighted_values(weights: &[f32], values: &[f32], context: &mut [f32]) {
    for (&weight, value) in weights.iter().zip(values.chunks_exact(context.len())) {
        for (c, v) in context.iter_mut().zip(value) {
            *c += weight * v;
        }
    }
}

/// The dot product, in eight running sums that the compiler keeps in vector registers.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 8;
    let mut sums = [0.0f32; LANES];
    let (a_chunks, b_chunks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f32 = a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a_chunks.zip(b_chunks) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f32>() + rest
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
    fn softmax_without_a_sink_sums_to_one_at_any_magnitude() {
        for offset in [-1e4, 0.0, 1e4] {
            let mut row = [offset, offset + 1.0, offset - 3.0];
            assert_eq!(softmax_with_sink(&mut row, None).sink, 0.0);
            assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn a_window_counts_the_query_itself() {
        let head = Head { query: &[], key: &[], head_dim: 1, scale: 1.0, window: Some(3), sink: None };
        assert_eq!(head.visible(1), 0..2);
        assert_eq!(head.visible(2), 0..3);
        assert_eq!(head.visible(7), 5..8);
    }

    #[test]
    fn dot_takes_any_length() {
        let a: Vec<f32> = (0..19).map(|i| i as f32).collect();
        assert_eq!(dot(&a, &a), (0..19).map(|i| (i * i) as f32).sum::<f32>());
    }
}
