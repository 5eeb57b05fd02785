//! How a dot product of a query and a key becomes a weight: the rule of a layer, for a pass and for a head that is looked
//! at later. Tensor operations apply the same rule with code of their own (`model::decoder`, `generic`).
//!
//! A score is `scale` · q·k; a cap bends it, c·tanh(score / c); ALiBi (Press et al. 2022) takes `slope` · distance off.
//! A query sees the keys of its window. The softmax is over these and the sink.

use std::ops::Range;
use std::sync::Arc;

use pulp::{Arch, Simd, WithSimd};

use super::elementwise::exp;

/// A span of keys that no query behind it sees (Geva et al. 2023). Queries in it and before it see what they always do,
/// and positions stay: this is not the text without the span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HiddenKeys {
    /// The first of them.
    pub start: usize,
    /// The first key behind them.
    pub end: usize,
}

impl HiddenKeys {
    /// The keys that `query` doesn't see; none of a query that isn't behind them.
    pub fn from(self, query: usize) -> Range<usize> {
        if query < self.end { 0..0 } else { self.start..self.end }
    }
}

/// The rule of a layer.
#[derive(Debug, Clone, PartialEq)]
pub struct AttentionRule {
    /// What a dot product is multiplied by.
    pub scale: f32,
    /// What a score can't go beyond, on either side.
    pub softcap: Option<f32>,
    /// Keys a query sees, itself included; `None` sees all.
    pub sliding_window: Option<usize>,
    /// Keys that queries behind them don't see.
    pub hidden: Option<HiddenKeys>,
    /// \[heads\]: the learned logit that competes with the keys and leads to no token.
    pub sinks: Option<Arc<[f32]>>,
    /// \[heads\]: what is taken off a score for each token between query and key.
    pub alibi: Option<Arc<[f32]>>,
}

/// The rule of one head.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeadRule {
    /// What a dot product is multiplied by.
    pub scale: f32,
    /// What a score can't go beyond, on either side.
    pub softcap: Option<f32>,
    /// Keys a query sees, itself included; `None` sees all.
    pub sliding_window: Option<usize>,
    /// Keys that queries behind them don't see.
    pub hidden: Option<HiddenKeys>,
    /// The head's sink.
    pub sink: Option<f32>,
    /// The head's slope.
    pub alibi: Option<f32>,
}

impl AttentionRule {
    /// A scale, and nothing else.
    pub fn scaled(scale: f32) -> Self {
        Self { scale, softcap: None, sliding_window: None, hidden: None, sinks: None, alibi: None }
    }

    /// Of one head.
    ///
    /// # Panics
    /// If there is no such head, where heads differ.
    pub fn of_head(&self, head: usize) -> HeadRule {
        let Self { scale, softcap, sliding_window, hidden, sinks, alibi } = self;
        let of_head = |values: &Arc<[f32]>| values[head];
        HeadRule {
            scale: *scale,
            softcap: *softcap,
            sliding_window: *sliding_window,
            hidden: *hidden,
            sink: sinks.as_ref().map(of_head),
            alibi: alibi.as_ref().map(of_head),
        }
    }
}

impl HeadRule {
    /// The keys that `query` sees, and those between them that are hidden from it.
    pub fn visible(&self, query: usize) -> Range<usize> {
        let first = self.sliding_window.map_or(0, |window| (query + 1).saturating_sub(window));
        first..query + 1
    }

    /// Takes the weight of the keys that are hidden from `query`. `scores` are those of the [`visible`](Self::visible) keys.
    pub fn hide(&self, query: usize, scores: &mut [f32]) {
        let Some(hidden) = self.hidden.map(|hidden| hidden.from(query)) else { return };
        let keys = self.visible(query);
        let [start, end] = [hidden.start, hidden.end].map(|key| key.clamp(keys.start, keys.end) - keys.start);
        scores[start..end.max(start)].fill(f32::NEG_INFINITY);
    }

    /// Scores as the softmax takes them, from those that are only scaled, in place. The last key is the query's own.
    pub fn bend(&self, scores: &mut [f32]) {
        if let Some(cap) = self.softcap {
            Arch::new().dispatch(Softcap { scores, cap });
        }
        if let Some(slope) = self.alibi {
            for (distance, score) in scores.iter_mut().rev().enumerate() {
                *score -= slope * distance as f32;
            }
        }
    }
}

/// The slopes of ALiBi for any number of heads. The first n, the largest power of two that is not more, have 2^(-8i/n) for
/// i = 1 .. n; the others have those of 2n heads that lie between.
pub fn alibi_slopes(heads: usize) -> Arc<[f32]> {
    let power = (heads + 1).next_power_of_two() / 2;
    let slope = |exponent: f64| (-exponent).exp2() as f32;
    let of_head = |head: usize| match head < power {
        true => slope(8.0 * (head + 1) as f64 / power as f64),
        false => slope(4.0 * (2 * (head - power) + 1) as f64 / power as f64),
    };
    (0..heads).map(of_head).collect()
}

/// Below it tanh u is taken by its series.
const SMALL: f32 = 0.35;
/// tanh u / u in powers of u², the highest first.
const SERIES: [f32; 6] = [-1382.0 / 155_925.0, 62.0 / 2835.0, -17.0 / 315.0, 2.0 / 15.0, -1.0 / 3.0, 1.0];

/// c·tanh(x / c), with tanh u = 1 − 2 / (1 + e²ᵘ), and by its series where that would cancel.
struct Softcap<'a> {
    scores: &'a mut [f32],
    cap: f32,
}

impl WithSimd for Softcap<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { scores, cap } = self;
        let (one, two) = (simd.splat_f32s(1.0), simd.splat_f32s(2.0));
        let (inner, outer) = (simd.splat_f32s(2.0 / cap), simd.splat_f32s(cap));
        let (inverse, small) = (simd.splat_f32s(1.0 / cap), simd.splat_f32s(SMALL));
        let bend = |x: S::f32s| {
            let e = simd.add_f32s(one, exp(simd, simd.mul_f32s(x, inner)));
            let by_exp = simd.mul_f32s(outer, simd.sub_f32s(one, simd.div_f32s(two, e)));
            let u = simd.mul_f32s(x, inverse);
            let square = simd.mul_f32s(u, u);
            let mut series = simd.splat_f32s(SERIES[0]);
            for coefficient in &SERIES[1..] {
                series = simd.mul_add_f32s(series, square, simd.splat_f32s(*coefficient));
            }
            let is_small = simd.less_than_f32s(simd.abs_f32s(u), small);
            simd.select_f32s(is_small, simd.mul_f32s(x, series), by_exp)
        };
        let (registers, rest) = S::as_mut_simd_f32s(scores);
        registers.iter_mut().for_each(|x| *x = bend(*x));
        if !rest.is_empty() {
            simd.partial_store_f32s(rest, bend(simd.partial_load_f32s(rest)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_counts_the_query_itself() {
        let rule = AttentionRule { sliding_window: Some(3), ..AttentionRule::scaled(1.0) }.of_head(0);
        assert_eq!((rule.visible(1), rule.visible(2), rule.visible(7)), (0..2, 0..3, 5..8));
    }

    /// Keys 2 and 3 are hidden from query 4 on; through a window only as far as that sees them.
    #[test]
    fn hidden_keys_have_no_weight_for_queries_behind_them() {
        let seen = |window, query: usize| {
            let hidden = Some(HiddenKeys { start: 2, end: 4 });
            let rule = AttentionRule { hidden, sliding_window: window, ..AttentionRule::scaled(1.0) };
            let rule = rule.of_head(0);
            let keys = rule.visible(query);
            let mut scores = vec![0.0; keys.len()];
            rule.hide(query, &mut scores);
            keys.zip(scores).filter(|(_, score)| score.is_finite()).map(|(key, _)| key).collect::<Vec<_>>()
        };
        assert_eq!(
            [3, 4, 5].map(|query| seen(None, query)),
            [vec![0, 1, 2, 3], vec![0, 1, 4], vec![0, 1, 4, 5]]
        );
        assert_eq!([4, 5, 7].map(|query| seen(Some(3), query)), [vec![4], vec![4, 5], vec![5, 6, 7]]);
    }

    #[test]
    fn a_cap_bends_scores_by_tanh() {
        for cap in [0.5f32, 4.0, 50.0, 1e6] {
            let rule = AttentionRule { softcap: Some(cap), ..AttentionRule::scaled(1.0) }.of_head(0);
            let given: Vec<f32> = (0..371).map(|at| (at - 185) as f32 * 0.07).chain([1e30, -1e30]).collect();
            let mut scores = given.clone();
            rule.bend(&mut scores);
            for (given, score) in given.into_iter().zip(scores) {
                let exact = f64::from(cap) * (f64::from(given) / f64::from(cap)).tanh();
                let error = (f64::from(score) - exact).abs();
                assert!(error <= 1e-6 * exact.abs() + 1e-9, "{given}, cap {cap}: {score}, not {exact}");
            }
        }
    }

    #[test]
    fn alibi_takes_off_what_grows_with_the_distance() {
        let rule = AttentionRule { alibi: Some([0.5].into()), ..AttentionRule::scaled(1.0) }.of_head(0);
        let mut scores = [1.0; 4];
        rule.bend(&mut scores);
        assert_eq!(scores, [-0.5, 0.0, 0.5, 1.0]);
    }

    /// Of the paper's code: 8 heads, and 6, which is no power of two.
    #[test]
    fn slopes_of_any_number_of_heads() {
        assert_eq!(alibi_slopes(8)[..], [0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625, 0.0078125, 0.00390625]);
        assert_eq!(alibi_slopes(6)[..], [0.25, 0.0625, 0.015625, 0.00390625, 0.5, 0.125]);
        assert_eq!(alibi_slopes(1)[..], [0.00390625]);
    }
}
