//! What a head does, in a few numbers: folded in row by row while a pass computes them.

use std::iter;

use crate::kernels::softmax::SoftmaxStats;

/// Statistics of one head over one prompt. A = attention, n = number of queries.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct HeadStatistics {
    /// Mean over queries of what a row gave to no token: 1 − Σ_k A\[q,k\].
    pub sink_mass: f32,
    /// Mean over queries q ≥ 1 of A\[q,0\]; 0 for a single token.
    pub first_token_mass: f32,
    /// Mean over queries of −Σ p ln p, in nats, the sink being one more outcome.
    pub entropy: f32,
    /// Σ A·(q−k) / Σ A, in tokens (Vig & Belinkov 2019).
    pub mean_distance: f32,
    /// Share of the attention that goes to the previous token: Σ A∘D / Σ A with D = 1 at (i, i−1).
    pub previous: f32,
    /// Share that goes to earlier copies of the query's token.
    pub duplicate: f32,
    /// Share that goes to the tokens after earlier copies of the query's token.
    pub induction: f32,
}

/// Where each token of a prompt occurred before.
#[derive(Debug, Clone)]
pub struct TokenRepeats {
    /// For each position, the nearest earlier position with the same id.
    earlier: Vec<Option<usize>>,
}

impl TokenRepeats {
    /// Links every position to the nearest earlier one with the same id.
    pub fn new(ids: &[u32]) -> Self {
        let mut last = std::collections::HashMap::new();
        Self { earlier: ids.iter().enumerate().map(|(at, id)| last.insert(*id, at)).collect() }
    }

    /// The earlier positions with the same id as `position`, nearest first.
    pub fn earlier(&self, position: usize) -> impl Iterator<Item = usize> + '_ {
        iter::successors(self.earlier[position], |&at| self.earlier[at])
    }
}

/// A statistic that is a sum of attention times a mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeadFeature {
    /// All attention.
    Mass,
    /// Times q − k.
    Distance,
    /// To the first token, from later ones.
    FirstToken,
    /// To the previous token.
    Previous,
    /// To earlier copies of the query's token.
    Duplicate,
    /// To the tokens after earlier copies of the query's token.
    Induction,
}

impl HeadFeature {
    /// All of them.
    pub const ALL: [Self; Self::COUNT] =
        [Self::Mass, Self::Distance, Self::FirstToken, Self::Previous, Self::Duplicate, Self::Induction];
    /// How many there are.
    pub const COUNT: usize = 6;
}

/// Running sums of one head, to which rows are added in any number of parts.
#[derive(Debug, Clone, Copy, Default)]
pub struct HeadSums {
    queries: usize,
    sink: f64,
    entropy: f64,
    features: [f64; HeadFeature::COUNT],
}

impl HeadSums {
    /// Adds the row of `query`: `weights` are the keys `first_key` ..= `query`, all others being zero, and
    /// `norm` is what their softmax gave beside them.
    pub fn add_row(
        &mut self,
        query: usize,
        first_key: usize,
        weights: &[f32],
        norm: SoftmaxStats,
        repeats: &TokenRepeats,
    ) {
        let at = |key: usize| key.checked_sub(first_key).map_or(0.0, |i| f64::from(weights[i]));
        self.queries += 1;
        self.sink += f64::from(norm.sink);
        self.entropy += f64::from(norm.entropy);
        let mut add = |feature: HeadFeature, value: f64| self.features[feature as usize] += value;
        add(HeadFeature::Mass, f64::from(norm.mass));
        add(HeadFeature::Distance, f64::from(norm.distance));
        if query > 0 {
            add(HeadFeature::FirstToken, at(0));
            add(HeadFeature::Previous, at(query - 1));
        }
        for earlier in repeats.earlier(query).take_while(|&earlier| earlier + 1 >= first_key) {
            add(HeadFeature::Duplicate, at(earlier));
            add(HeadFeature::Induction, at(earlier + 1));
        }
    }

    /// Adds `queries` rows at once, of which the sums are known: of the features in their order, of the sink,
    /// of the entropy.
    pub fn add_block(&mut self, queries: usize, features: &[f32], sink: f32, entropy: f32) {
        self.queries += queries;
        self.sink += f64::from(sink);
        self.entropy += f64::from(entropy);
        self.features.iter_mut().zip(features).for_each(|(sum, &value)| *sum += f64::from(value));
    }

    /// Adds the sums of other rows.
    pub fn merge(&mut self, other: &Self) {
        self.queries += other.queries;
        self.sink += other.sink;
        self.entropy += other.entropy;
        self.features.iter_mut().zip(other.features).for_each(|(sum, value)| *sum += value);
    }

    /// The statistics of all rows added so far.
    pub fn finish(&self) -> HeadStatistics {
        let queries = self.queries.max(1) as f64;
        let sum = |feature: HeadFeature| self.features[feature as usize];
        let mass = sum(HeadFeature::Mass);
        let share = |feature: HeadFeature| if mass > 0.0 { (sum(feature) / mass) as f32 } else { 0.0 };
        HeadStatistics {
            sink_mass: (self.sink / queries) as f32,
            first_token_mass: (sum(HeadFeature::FirstToken) / (self.queries.max(2) - 1) as f64) as f32,
            entropy: (self.entropy / queries) as f32,
            mean_distance: share(HeadFeature::Distance),
            previous: share(HeadFeature::Previous),
            duplicate: share(HeadFeature::Duplicate),
            induction: share(HeadFeature::Induction),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn norm(weights: &[f32], sink: f32) -> SoftmaxStats {
        let entropy = weights.iter().chain([&sink]).filter(|p| **p > 0.0).map(|p| -p * p.ln()).sum();
        let far = weights.iter().rev().enumerate();
        let distance = far.map(|(far, weight)| far as f32 * weight).sum();
        SoftmaxStats { log_sum_exp: 0.0, sink, entropy, mass: weights.iter().sum(), distance }
    }

    fn close(a: f32, b: f32) {
        assert!((a - b).abs() < 1e-6, "{a} is not {b}");
    }

    #[test]
    fn repeats_are_found_nearest_first() {
        let repeats = TokenRepeats::new(&[5, 6, 5, 5]);
        assert_eq!(repeats.earlier(3).collect::<Vec<_>>(), [2, 0]);
        assert_eq!(repeats.earlier(1).count(), 0);
    }

    /// Tokens a b a, rows [.5 | sink .5], [.25 .25 | .5], [.5 .25 .25 | 0].
    #[test]
    fn a_head_worked_by_hand() {
        let repeats = TokenRepeats::new(&[1, 2, 1]);
        let mut sums = HeadSums::default();
        sums.add_row(0, 0, &[0.5], norm(&[0.5], 0.5), &repeats);
        sums.add_row(1, 0, &[0.25, 0.25], norm(&[0.25, 0.25], 0.5), &repeats);
        let mut rest = HeadSums::default();
        rest.add_row(2, 0, &[0.5, 0.25, 0.25], norm(&[0.5, 0.25, 0.25], 0.0), &repeats);
        sums.merge(&rest);
        let s = sums.finish();
        close(s.sink_mass, 1.0 / 3.0);
        close(s.first_token_mass, 0.375);
        // ln 2 + 1.5 ln 2 + 1.5 ln 2 over three rows.
        close(s.entropy, 4.0 / 3.0 * std::f32::consts::LN_2);
        // (0.25 + 2·0.5 + 0.25) / 2
        close(s.mean_distance, 0.75);
        close(s.previous, 0.25);
        close(s.duplicate, 0.25);
        close(s.induction, 0.125);
    }

    #[test]
    fn a_window_hides_earlier_keys() {
        let repeats = TokenRepeats::new(&[1, 1, 1]);
        let mut sums = HeadSums::default();
        sums.add_row(2, 1, &[0.75, 0.25], norm(&[0.75, 0.25], 0.0), &repeats);
        let s = sums.finish();
        close(s.first_token_mass, 0.0);
        close(s.previous, 0.75);
        close(s.duplicate, 0.75);
        // After position 0 comes 1 (0.75), after position 1 comes 2 (0.25).
        close(s.induction, 1.0);
    }
}
