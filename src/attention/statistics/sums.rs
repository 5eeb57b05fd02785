//! The sums that statistics over the prompt are made of, added up row by row while a pass computes them.

use super::prompt::PromptIndex;
use super::table::{Divisor, Feature, Over, RowSum, Statistic};
use crate::kernels::shared::TokenRows;
use crate::kernels::softmax::SoftmaxStats;

/// The statistics of one head over one prompt.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct HeadStatistics {
    /// A value for each statistic that is over rows of the prompt, where there are such rows.
    values: [Option<f32>; Statistic::ALL.len()],
}

impl HeadStatistics {
    /// A statistic over the prompt; nothing for any other, and nothing where there is nothing to take the mean
    /// of: no row stands behind the only token of a prompt.
    pub fn get(&self, statistic: Statistic) -> Option<f32> {
        self.values[statistic as usize]
    }

    /// The same with another value of a statistic.
    #[must_use]
    pub fn with(mut self, statistic: Statistic, value: f32) -> Self {
        self.values[statistic as usize] = Some(value);
        self
    }
}

/// Values of [`RowSums`].
pub const ROW_SUMS: usize = Statistic::ALL.len() + 1;

/// What one row of a head adds to its statistics: a part for each, 0 for those that are not over the prompt; and last,
/// all attention that tokens were given.
pub type RowSums = [f32; ROW_SUMS];

/// Where in [`RowSums`] all attention that tokens were given stands.
const MASS: usize = ROW_SUMS - 1;

/// What the row of `query` adds to the statistics of its head: `weights` are the keys `first_key` ..= `query`, all others
/// being zero, and `stats` what their softmax gave beside them.
pub fn row_sums(
    query: usize,
    first_key: usize,
    weights: &[f32],
    stats: SoftmaxStats,
    index: &PromptIndex,
) -> RowSums {
    let mut sums = [0.0; ROW_SUMS];
    sums[MASS] = stats.mass;
    for (sum, statistic) in sums.iter_mut().zip(Statistic::ALL) {
        let Over::Prompt(of_row, _) = statistic.over() else { continue };
        *sum = match of_row {
            RowSum::Sink => stats.sink,
            RowSum::Entropy => stats.entropy,
            RowSum::Distance => stats.distance,
            RowSum::Masked(mask) => {
                let mut masked = 0.0;
                let add = |key: usize| masked += f64::from(weights[key - first_key]);
                index.for_each_key((statistic, mask), (query, first_key), add);
                masked as f32
            }
        };
    }
    sums
}

/// The same from what a device has computed of the row: [`Feature::all`], what went to the sink, and the entropy.
pub fn row_sums_of_features(features: &[f32], sink: f32, entropy: f32) -> RowSums {
    let mut sums = [0.0; ROW_SUMS];
    for (sum, statistic) in sums.iter_mut().zip(Statistic::ALL) {
        match statistic.over() {
            Over::Prompt(RowSum::Sink, _) => *sum = sink,
            Over::Prompt(RowSum::Entropy, _) => *sum = entropy,
            _ => {}
        }
    }
    for (feature, value) in Feature::all().zip(features) {
        match feature {
            Feature::Mass => sums[MASS] = *value,
            Feature::Distance => sums[Statistic::Distance as usize] = *value,
            Feature::Masked(statistic, _) => sums[statistic as usize] = *value,
        }
    }
    sums
}

/// Running sums of one head, to which rows are added in their order.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct HeadSums {
    queries: usize,
    sums: [f64; ROW_SUMS],
}

impl HeadSums {
    /// Adds a row.
    pub fn add(&mut self, row: &[f32]) {
        self.queries += 1;
        self.sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(*value));
    }

    /// The statistics of all rows added so far.
    pub fn finish(&self) -> HeadStatistics {
        let value = |statistic: Statistic| {
            let Over::Prompt(_, divisor) = statistic.over() else { return None };
            let sum = self.sums[statistic as usize];
            let divisor = match divisor {
                Divisor::Queries => self.queries as f64,
                Divisor::LaterQueries => self.queries.saturating_sub(1) as f64,
                Divisor::Attention => self.sums[MASS],
            };
            (divisor > 0.0).then(|| (sum / divisor) as f32)
        };
        HeadStatistics { values: Statistic::ALL.map(value) }
    }
}

/// What each row of the heads of a layer adds to their statistics, and the sums so far.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerSums {
    /// \[S, heads · [`ROW_SUMS`]\]
    rows: TokenRows,
    /// One per head.
    sums: Vec<HeadSums>,
}

impl LayerSums {
    /// Of no rows yet.
    pub fn new(heads: usize) -> Self {
        Self { rows: TokenRows::new(heads * ROW_SUMS), sums: vec![HeadSums::default(); heads] }
    }

    /// Those of the first rows, which share their memory with these.
    #[must_use]
    pub fn prefix(&self, tokens: usize) -> Self {
        if tokens == self.rows.tokens() {
            return self.clone();
        }
        let mut prefix =
            Self { rows: self.rows.prefix(tokens), sums: vec![HeadSums::default(); self.sums.len()] };
        prefix.add_from(0);
        prefix
    }

    /// Appends rows: `rows` \[n, heads · [`ROW_SUMS`]\].
    pub fn extend(&mut self, rows: &[f32]) {
        let (width, before) = (self.sums.len() * ROW_SUMS, self.rows.tokens());
        self.rows.extend(rows.len() / width, |at, row| row.copy_from_slice(&rows[at * width..][..width]));
        self.add_from(before);
    }

    /// What the row of a token adds for a head.
    pub fn row(&self, token: usize, head: usize) -> &[f32] {
        &self.rows.row(token)[head * ROW_SUMS..][..ROW_SUMS]
    }

    /// \[S, heads · [`ROW_SUMS`]\]: what each row adds.
    pub fn rows(&self) -> &TokenRows {
        &self.rows
    }

    /// The statistics of each head.
    pub fn finish(&self) -> impl Iterator<Item = HeadStatistics> {
        self.sums.iter().map(HeadSums::finish)
    }

    fn add_from(&mut self, first: usize) {
        for token in first..self.rows.tokens() {
            let of_heads = self.rows.row(token).chunks_exact(ROW_SUMS);
            self.sums.iter_mut().zip(of_heads).for_each(|(sums, row)| sums.add(row));
        }
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
        let row = |query: usize, weights: &[f32], sink: f32| {
            row_sums(query, 0, weights, norm(weights, sink), &index)
        };
        let (first, second) = (row(0, &[0.5], 0.5), row(1, &[0.25, 0.25], 0.5));
        let third = row(2, &[0.5, 0.25, 0.25], 0.0);
        let mut sums = LayerSums::new(1);
        sums.extend(&[first, second, first].concat());
        let mut other = sums.prefix(2);
        other.extend(&third);
        let mut whole = LayerSums::new(1);
        whole.extend(&[first, second, third].concat());
        assert_eq!(other, whole, "however it came about");
        let s = other.finish().next().unwrap();
        close(s.get(Statistic::Sink).unwrap(), 1.0 / 3.0);
        close(s.get(Statistic::FirstToken).unwrap(), 0.375);
        // ln 2 + 1.5 ln 2 + 1.5 ln 2 over three rows.
        close(s.get(Statistic::Entropy).unwrap(), 4.0 / 3.0 * std::f32::consts::LN_2);
        // (0.25 + 2·0.5 + 0.25) / 2
        close(s.get(Statistic::Distance).unwrap(), 0.75);
        close(s.get(Statistic::PromptPrevious).unwrap(), 0.25);
        close(s.get(Statistic::PromptDuplicate).unwrap(), 0.25);
        close(s.get(Statistic::PromptInduction).unwrap(), 0.125);
    }

    #[test]
    fn of_no_rows_there_is_no_mean() {
        let index = PromptIndex::new(&[1].map(Token::from_id));
        let mut sums = HeadSums::default();
        assert_eq!(sums.finish(), HeadStatistics::default());
        sums.add(&row_sums(0, 0, &[0.5], norm(&[0.5], 0.5), &index));
        let only = sums.finish();
        assert_eq!((only.get(Statistic::FirstToken), only.get(Statistic::Sink)), (None, Some(0.5)));
        assert_eq!(only.get(Statistic::Induction), None, "it is not over the prompt");
    }

    #[test]
    fn a_window_hides_earlier_keys() {
        let index = PromptIndex::new(&[1, 1, 1].map(Token::from_id));
        let mut sums = HeadSums::default();
        sums.add(&[0.0; ROW_SUMS]);
        sums.add(&row_sums(2, 1, &[0.75, 0.25], norm(&[0.75, 0.25], 0.0), &index));
        let s = sums.finish();
        close(s.get(Statistic::FirstToken).unwrap(), 0.0);
        close(s.get(Statistic::PromptPrevious).unwrap(), 0.75);
        close(s.get(Statistic::PromptDuplicate).unwrap(), 0.75);
        // After position 0 comes 1 (0.75), after position 1 comes 2 (0.25).
        close(s.get(Statistic::PromptInduction).unwrap(), 1.0);
    }
}
