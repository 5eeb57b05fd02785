//! How much each key is looked at: the mean of what all later queries give to it.

use super::matrix::CausalMatrix;
use super::scale::{Extent, bottom_of};
use crate::vocabulary::Normalisation;

/// Of so many keys, one is left aside by a colour scale: the few that take what heads have no use for would leave all
/// others in the dark.
const ASIDE: usize = 50;

/// How much each key is looked at: Σ_{q>k} A\[q,k\] / (n−1−k), the mean over later queries, so that a late key, which few
/// queries see, compares with an early one.
#[derive(Debug, Clone, PartialEq)]
pub struct LookedAt {
    /// By cell of the matrix, for each token of the cell; nothing for the last cell, after which nobody looks, and where
    /// all later rows leave the key out. Rows that the normalisation leaves empty don't count.
    pub values: Vec<Option<f32>>,
    /// What a colour scale is to show: up to the largest, but for one key in fifty, and one at least.
    pub extent: Extent,
}

impl LookedAt {
    /// Of a matrix as a normalisation shows it. Where a cell stands for several tokens, what other tokens of the same
    /// cell give is not known, and left out. Takes a visit to every cell.
    pub fn new(matrix: &CausalMatrix, normalisation: Normalisation, tokens: usize) -> Self {
        let (size, bin) = (matrix.size(), matrix.bin());
        let (mut sums, mut counts) = (vec![0.0f64; size], vec![0usize; size]);
        for query in 0..size {
            let queries = tokens_of(query, bin, tokens);
            let row = normalisation.row(matrix, query);
            for (key, value) in row.keys().take_while(|(key, _)| *key < query) {
                sums[key] += f64::from(value) * queries as f64;
                counts[key] += queries;
            }
        }
        let value = |key: usize| {
            let keys = tokens_of(key, bin, tokens);
            (counts[key] > 0 && keys > 0).then(|| (sums[key] / (counts[key] * keys) as f64) as f32)
        };
        let values: Vec<Option<f32>> = (0..size).map(value).collect();
        let known: Vec<f32> = values.iter().flatten().copied().collect();
        let bottom = bottom_of(known.iter().copied().filter(|value| *value > 0.0).collect());
        let extent = Extent { bottom, top: top(known) };
        Self { values, extent }
    }
}

/// Tokens that a cell stands for; the last one may stand for fewer.
pub fn tokens_of(cell: usize, bin: usize, tokens: usize) -> usize {
    bin.min(tokens.saturating_sub(cell * bin))
}

fn top(mut values: Vec<f32>) -> f32 {
    values.sort_by(|a, b| b.total_cmp(a));
    let aside = (values.len() / ASIDE).max(1);
    values.get(aside).or(values.last()).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_mean_of_later_queries_and_nothing_for_the_last() {
        let cells = vec![1.0, 0.5, 0.25, 0.75, 0.125, 0.125];
        let matrix = CausalMatrix::from_cells(3, cells, Some(vec![0.0, 0.25, 0.0]));
        let raw = LookedAt::new(&matrix, Normalisation::Raw, 3);
        assert_eq!(raw.values, [Some(0.625), Some(0.125), None]);
        assert_eq!(raw.extent, Extent { bottom: 0.125, top: 0.125 }, "the first one is left aside");
        let renormalised = LookedAt::new(&matrix, Normalisation::Renormalised, 3);
        assert_eq!(renormalised.values[0], Some((0.5f32 / 0.75 + 0.75) / 2.0));
        let without = LookedAt::new(&matrix, Normalisation::WithoutFirst, 3);
        assert_eq!(without.values, [None, Some(0.5), None], "the first token is left out");
        assert_eq!(LookedAt::new(&CausalMatrix::zeros(0, 1, false), Normalisation::Raw, 0).values, []);
    }

    #[test]
    fn what_decides_nothing_does_not_count() {
        // Its second row has nothing left without the first token.
        let matrix = CausalMatrix::from_cells(3, vec![1.0, 1.0, 0.0, 0.5, 0.25, 0.25], None);
        let without = LookedAt::new(&matrix, Normalisation::WithoutFirst, 3);
        assert_eq!(without.values, [None, Some(0.5), None]);
    }

    #[test]
    fn of_a_pooled_matrix_it_is_that_of_each_token_of_a_cell() {
        let mut matrix = CausalMatrix::zeros(5, 2, false);
        let rows: [&[f32]; 5] = [
            &[1.0],
            &[0.5, 0.5],
            &[0.25, 0.5, 0.25],
            &[0.25, 0.25, 0.25, 0.25],
            &[0.0, 0.5, 0.25, 0.25, 0.0],
        ];
        (0..5).for_each(|query| matrix.rows_mut().add_row(query, 0, rows[query], 0.0, 1.0));
        let values = LookedAt::new(&matrix, Normalisation::Raw, 5).values;
        // (0.75 + 0.5 + 0.5) / 3 queries / 2 keys, and 0.5 / 1 query / 2 keys.
        assert!((values[0].unwrap() - 1.75 / 6.0).abs() < 1e-6, "{values:?}");
        assert_eq!(values[1..], [Some(0.25), None]);
    }
}
