//! The sums that statistics over the prompt are made of, added up row by row while a pass computes them.

use super::prompt::PromptIndex;
use super::table::{Divisor, Feature, Over, RowSum, Statistic};
use crate::kernels::softmax::SoftmaxStats;

/// The statistics of one head over one prompt.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct HeadStatistics {
    /// A value for each statistic; 0 for statistics that are not over the prompt.
    values: [f32; Statistic::ALL.len()],
}

impl HeadStatistics {
    /// A statistic over the prompt; 0 for any other.
    pub fn get(&self, statistic: Statistic) -> f32 {
        self.values[statistic as usize]
    }

    /// The same with another value of a statistic.
    #[must_use]
    pub fn with(mut self, statistic: Statistic, value: f32) -> Self {
        self.values[statistic as usize] = value;
        self
    }
}

/// Running sums of one head, to which rows are added in any number of parts.
#[derive(Debug, Clone, Copy, Default)]
pub struct HeadSums {
    queries: usize,
    /// All attention that tokens were given.
    mass: f64,
    /// A sum for each statistic.
    sums: [f64; Statistic::ALL.len()],
}

impl HeadSums {
    /// Adds the row of `query`: `weights` are the keys `first_key` ..= `query`, all others being zero, and `stats`
    /// what their softmax gave beside them.
    pub fn add_row(
        &mut self,
        query: usize,
        first_key: usize,
        weights: &[f32],
        stats: SoftmaxStats,
        index: &PromptIndex,
    ) {
        self.queries += 1;
        self.mass += f64::from(stats.mass);
        for (sum, statistic) in self.sums.iter_mut().zip(Statistic::ALL) {
            let Over::Prompt(of_row, _) = statistic.over() else { continue };
            match of_row {
                RowSum::Sink => *sum += f64::from(stats.sink),
                RowSum::Entropy => *sum += f64::from(stats.entropy),
                RowSum::Distance => *sum += f64::from(stats.distance),
                RowSum::Masked(mask) => {
                    let add = |key: usize| *sum += f64::from(weights[key - first_key]);
                    index.for_each_key((statistic, mask), (query, first_key), add);
                }
            }
        }
    }

    /// Adds `queries` rows at once by their sums: of [`Feature::all`], of the sink, and of the entropy.
    pub fn add_block(&mut self, queries: usize, features: &[f32], sink: f32, entropy: f32) {
        self.queries += queries;
        for (feature, value) in Feature::all().zip(features) {
            match feature {
                Feature::Mass => self.mass += f64::from(*value),
                Feature::Distance => self.add(RowSum::Distance, *value),
                Feature::Masked(statistic, _) => self.sums[statistic as usize] += f64::from(*value),
            }
        }
        self.add(RowSum::Sink, sink);
        self.add(RowSum::Entropy, entropy);
    }

    /// Adds to the statistics that are made of a sum.
    fn add(&mut self, of_rows: RowSum, value: f32) {
        for statistic in Statistic::ALL {
            let is_of = matches!(statistic.over(), Over::Prompt(of, _)
                if std::mem::discriminant(&of) == std::mem::discriminant(&of_rows));
            if is_of {
                self.sums[statistic as usize] += f64::from(value);
            }
        }
    }

    /// Adds the sums of other rows.
    pub fn merge(&mut self, other: &Self) {
        self.queries += other.queries;
        self.mass += other.mass;
        self.sums.iter_mut().zip(other.sums).for_each(|(sum, value)| *sum += value);
    }

    /// The statistics of all rows added so far.
    pub fn finish(&self) -> HeadStatistics {
        let value = |statistic: Statistic| {
            let Over::Prompt(_, divisor) = statistic.over() else { return 0.0 };
            let sum = self.sums[statistic as usize];
            let divisor = match divisor {
                Divisor::Queries => self.queries.max(1) as f64,
                Divisor::LaterQueries => (self.queries.max(2) - 1) as f64,
                Divisor::Attention => self.mass,
            };
            if divisor > 0.0 { (sum / divisor) as f32 } else { 0.0 }
        };
        HeadStatistics { values: Statistic::ALL.map(value) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attention::Token;

    fn norm(weights: &[f32], sink: f32) -> SoftmaxStats {
        let entropy = weights.iter().chain([&sink]).filter(|p| **p > 0.0).map(|p| -p * p.ln()).sum();
        let far = weights.iter().rev().enumerate();
        let distance = far.map(|(far, weight)| far as f32 * weight).sum();
        SoftmaxStats { log_sum_exp: 0.0, sink, entropy, mass: weights.iter().sum(), distance }
    }

    fn close(a: f32, b: f32) {
        assert!((a - b).abs() < 1e-6, "{a} is not {b}");
    }

    /// Tokens a b a, rows [.5 | sink .5], [.25 .25 | .5], [.5 .25 .25 | 0].
    #[test]
    fn a_head_worked_by_hand() {
        let index = PromptIndex::new(&[1, 2, 1].map(Token::from_id));
        let mut sums = HeadSums::default();
        sums.add_row(0, 0, &[0.5], norm(&[0.5], 0.5), &index);
        sums.add_row(1, 0, &[0.25, 0.25], norm(&[0.25, 0.25], 0.5), &index);
        let mut rest = HeadSums::default();
        rest.add_row(2, 0, &[0.5, 0.25, 0.25], norm(&[0.5, 0.25, 0.25], 0.0), &index);
        sums.merge(&rest);
        let s = sums.finish();
        close(s.get(Statistic::Sink), 1.0 / 3.0);
        close(s.get(Statistic::FirstToken), 0.375);
        // ln 2 + 1.5 ln 2 + 1.5 ln 2 over three rows.
        close(s.get(Statistic::Entropy), 4.0 / 3.0 * std::f32::consts::LN_2);
        // (0.25 + 2·0.5 + 0.25) / 2
        close(s.get(Statistic::Distance), 0.75);
        close(s.get(Statistic::PromptPrevious), 0.25);
        close(s.get(Statistic::PromptDuplicate), 0.25);
        close(s.get(Statistic::PromptInduction), 0.125);
    }

    #[test]
    fn a_window_hides_earlier_keys() {
        let index = PromptIndex::new(&[1, 1, 1].map(Token::from_id));
        let mut sums = HeadSums::default();
        sums.add_row(2, 1, &[0.75, 0.25], norm(&[0.75, 0.25], 0.0), &index);
        let s = sums.finish();
        close(s.get(Statistic::FirstToken), 0.0);
        close(s.get(Statistic::PromptPrevious), 0.75);
        close(s.get(Statistic::PromptDuplicate), 0.75);
        // After position 0 comes 1 (0.75), after position 1 comes 2 (0.25).
        close(s.get(Statistic::PromptInduction), 1.0);
    }
}
