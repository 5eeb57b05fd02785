//! How much each key is looked at: the mean of what all later queries give to it.

use std::ops::Range;

use super::matrix::CausalMatrix;
use super::row_blocks::{Unmeasured, by_blocks};
use super::scale::{Extent, bottom_of};
use super::{Capture, View};
use crate::kernels::elementwise::add_scaled;
use crate::vocabulary::Normalisation;

/// Of so many keys, one is left aside by a colour scale: the few that take what heads have no use for would leave all
/// others in the dark.
const ASIDE: usize = 50;

/// Queries whose sums are kept apart before they are added up, in their order, so that the same rows give the same bits.
const TOGETHER: usize = 1024;

/// How much each key is looked at: Σ_{q>k} A\[q,k\] / (n−1−k), the mean over later queries, so that a late key, which few
/// queries see, compares with an early one.
#[derive(Debug, Clone, PartialEq)]
pub struct LookedAt {
    /// By token, or by cell of the matrix for each token of the cell; nothing for the last one, after which nobody looks, and
    /// where all later rows leave the key out. Rows that the normalisation leaves empty don't count.
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
        Self::of((0..size).map(value).collect())
    }

    /// The same by token: each has what its cell says.
    pub fn by_token(matrix: &CausalMatrix, normalisation: Normalisation, tokens: usize) -> Self {
        let found = Self::new(matrix, normalisation, tokens);
        let values = (0..tokens).map(|token| found.values[token / matrix.bin()]).collect();
        Self { values, ..found }
    }

    /// Of a view, token by token at any length, from its rows one after another. Only rollout of a prompt too long for a cell
    /// for each token is known [cell by cell](Self::by_token).
    ///
    /// # Errors
    /// If the model has no such view, or `is_stopped`.
    pub fn of_view(
        capture: &Capture,
        view: View,
        normalisation: Normalisation,
        is_stopped: &(dyn Fn() -> bool + Sync),
    ) -> Result<Self, Unmeasured> {
        let tokens = capture.tokens.len();
        if capture.mean.bin() == 1 || view == View::Rollout {
            return Ok(Self::by_token(&capture.matrix(view)?, normalisation, tokens));
        }
        let (mut sums, mut counts) = (vec![0.0; tokens], vec![0; tokens]);
        for first in (0..tokens).step_by(TOGETHER) {
            let queries = first..(first + TOGETHER).min(tokens);
            let blocks = by_blocks(capture, view, queries, is_stopped, |block, rows| {
                let mut whole: Vec<Vec<f32>> = block.clone().map(|query| vec![0.0; query + 1]).collect();
                rows(&mut |part| {
                    let row = &mut whole[part.query - block.start];
                    add_scaled(&mut row[part.first_key..], part.weights, part.share);
                });
                columns(&whole, normalisation, block)
            })?;
            for (of_keys, of_counts) in blocks {
                sums.iter_mut().zip(of_keys).for_each(|(sum, own)| *sum += own);
                counts.iter_mut().zip(of_counts).for_each(|(count, own)| *count += own);
            }
        }
        let value = |(sum, count): (f64, u32)| (count > 0).then(|| (sum / f64::from(count)) as f32);
        Ok(Self::of(sums.into_iter().zip(counts).map(value).collect()))
    }

    fn of(values: Vec<Option<f32>>) -> Self {
        let known: Vec<f32> = values.iter().flatten().copied().collect();
        let bottom = bottom_of(known.iter().copied().filter(|value| *value > 0.0).collect());
        let extent = Extent { bottom, top: top(known) };
        Self { values, extent }
    }
}

/// What the rows of some queries give to each earlier key together, and how many of them show it.
fn columns(rows: &[Vec<f32>], normalisation: Normalisation, queries: Range<usize>) -> (Vec<f64>, Vec<u32>) {
    let (mut sums, mut counts) = (vec![0.0; queries.end], vec![0; queries.end]);
    for (query, row) in queries.zip(rows) {
        let row = normalisation.row_of(row, None);
        for (key, value) in row.keys().take_while(|(key, _)| *key < query) {
            sums[key] += f64::from(value);
            counts[key] += 1;
        }
    }
    (sums, counts)
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
