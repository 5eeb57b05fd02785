//! What a [`Normalisation`] does to rows. The matrix itself is never changed.

use std::ops::Range;

use super::matrix::{Before, CausalMatrix};
use super::scale::{Extent, Extents, Measured, RowExtents, bottom_of};
use crate::kernels::elementwise::largest;
use crate::vocabulary::{Normalisation, Pooling};

/// What a row must have left to be divided by it; a row with less is shown as empty.
const LEAST_SUM: f32 = 1e-6;

/// A row as a [`Normalisation`] shows it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NormalisedRow<'a> {
    weights: &'a [f32],
    sink: Option<f32>,
    /// The first cell that is shown.
    first: usize,
    /// The part of that cell that is left out.
    left_out: f32,
    divisor: f32,
}

impl Normalisation {
    /// One row as it is shown.
    ///
    /// # Panics
    /// If the matrix has no such row.
    pub fn row(self, matrix: &CausalMatrix, query: usize) -> NormalisedRow<'_> {
        let weights = matrix.row(query);
        let row = self.row_of(weights, matrix.sink(query));
        if self != Normalisation::WithoutFirst || matrix.bin() == 1 {
            return row;
        }
        let kept = NormalisedRow { first: 0, left_out: matrix.first_token(query), divisor: 1.0, ..row };
        NormalisedRow { divisor: kept.kept(), ..kept }
    }

    /// One row that is known token by token, with its sink, as it is shown.
    pub fn row_of(self, weights: &[f32], sink: Option<f32>) -> NormalisedRow<'_> {
        let whole = NormalisedRow { weights, sink: None, first: 0, left_out: 0.0, divisor: 1.0 };
        let kept = match self {
            Normalisation::Raw => return NormalisedRow { sink, ..whole },
            Normalisation::Renormalised => whole,
            Normalisation::WithoutFirst => NormalisedRow { first: 1, ..whole },
        };
        NormalisedRow { divisor: kept.kept(), ..kept }
    }

    /// What a colour scale is to show: from the smallest value above 0, but for one row in ten, those with the smallest,
    /// to [`peak`](Self::peak).
    pub fn extent(self, matrix: &CausalMatrix) -> Extent {
        matrix.extents()[self as usize]
    }

    /// The top of a colour scale: the largest value shown, but for one row in ten, and one at least, those
    /// with the largest. A first row of 1 says nothing, and in a long prompt the few rows after it, which
    /// have few keys to choose from, would leave all others in the dark.
    pub fn peak(self, matrix: &CausalMatrix) -> f32 {
        self.extent(matrix).top
    }

    /// The largest of each row's largest value, but for one row in ten, and one at least.
    pub(super) fn top(mut rows: Vec<f32>) -> f32 {
        let Some(last) = rows.len().checked_sub(1) else { return 0.0 };
        let aside = (rows.len() / 10).max(1).min(last);
        *rows.select_nth_unstable_by(aside, |a, b| b.total_cmp(a)).1
    }
}

impl CausalMatrix {
    /// What colour scales are to show of it, for each normalisation in the order of [`Normalisation::ALL`]. Takes a
    /// while when it is first asked for: a part of it where rows are known from the matrix that this one goes on from.
    pub fn extents(&self) -> &Extents {
        let measured = self.measured.get_or(|| {
            let shown = |query: usize| {
                Normalisation::ALL.map(|normalisation| {
                    let row = normalisation.row(self, query);
                    [row.least_above_zero(), row.max()]
                })
            };
            let known = self.before.as_ref().map_or(&[][..], Before::extents);
            let rows: Vec<RowExtents> =
                known.iter().copied().chain((known.len()..self.size()).map(shown)).collect();
            let of = |normalisation: usize, which: usize| {
                rows.iter().filter_map(|row| row[normalisation][which]).collect::<Vec<f32>>()
            };
            let extents = Normalisation::ALL.map(|normalisation| {
                let at = normalisation as usize;
                Extent { bottom: bottom_of(of(at, 0)), top: Normalisation::top(of(at, 1)) }
            });
            Measured { rows, extents }
        });
        &measured.extents
    }
}

impl NormalisedRow<'_> {
    /// What is shown for a key; nothing in the future, if the key is left out, or the row empty.
    pub fn get(&self, key: usize) -> Option<f32> {
        let is_shown = key >= self.first && self.divisor >= LEAST_SUM;
        is_shown.then(|| self.weights.get(key).map(|weight| self.of(key, *weight) / self.divisor))?
    }

    /// What went to no token; nothing if there is no sink, or it is left out.
    pub fn sink(&self) -> Option<f32> {
        self.sink
    }

    /// The keys that are shown, each with its value.
    pub fn keys(&self) -> impl Iterator<Item = (usize, f32)> + '_ {
        (self.first..self.weights.len()).filter_map(|key| Some((key, self.get(key)?)))
    }

    /// How many of some keys are shown, and the largest of their values, or the sum of them; nothing if none is.
    pub(super) fn pooled(&self, keys: Range<usize>, pooling: Pooling) -> Option<(u32, f32)> {
        let keys = keys.start.max(self.first)..keys.end.min(self.weights.len());
        if keys.is_empty() || self.divisor < LEAST_SUM {
            return None;
        }
        let first = if keys.start == 0 { self.of(0, self.weights[0]) } else { 0.0 };
        let others = &self.weights[keys.start.max(1).min(keys.end)..keys.end];
        let value = match pooling {
            Pooling::Largest => largest(others).max(first),
            Pooling::Mean => others.iter().fold(first, |sum, weight| sum + weight),
        };
        Some((keys.len() as u32, value / self.divisor))
    }

    /// The sum of the weights that are not left out, before the division.
    pub fn kept(&self) -> f32 {
        (self.first..).zip(&self.weights[self.first..]).map(|(key, weight)| self.of(key, *weight)).sum()
    }

    /// The part of a cell's weight that is not left out.
    fn of(&self, key: usize, weight: f32) -> f32 {
        if key == 0 { (weight - self.left_out).max(0.0) } else { weight }
    }

    fn least_above_zero(&self) -> Option<f32> {
        let is_shown = self.divisor >= LEAST_SUM && self.first < self.weights.len();
        let of_keys = is_shown.then(|| {
            let first = if self.first == 0 { self.of(0, self.weights[0]) } else { 0.0 };
            let least = |least: f32, weight: &f32| if *weight > 0.0 { least.min(*weight) } else { least };
            let first = if first > 0.0 { first } else { f32::INFINITY };
            self.weights[self.first.max(1)..].iter().fold(first, least) / self.divisor
        });
        let least = of_keys.into_iter().chain(self.sink.filter(|sink| *sink > 0.0)).reduce(f32::min);
        least.filter(|least| least.is_finite())
    }

    fn max(&self) -> Option<f32> {
        let of_keys = self.pooled(0..self.weights.len(), Pooling::Largest);
        of_keys.map(|(_, value)| value).into_iter().chain(self.sink).reduce(f32::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix() -> CausalMatrix {
        let cells = vec![0.5, 0.5, 0.25, 0.25, 0.125, 0.375];
        CausalMatrix::from_cells(3, cells, Some(vec![0.5, 0.25, 0.25]))
    }

    fn values(rule: Normalisation, query: usize) -> Vec<f32> {
        rule.row(&matrix(), query).keys().map(|(_, value)| value).collect()
    }

    #[test]
    fn the_largest_of_a_row_is_that_of_its_keys_and_sink() {
        for rule in Normalisation::ALL {
            for query in 0..3 {
                let matrix = matrix();
                let row = rule.row(&matrix, query);
                let one_by_one = row.keys().map(|(_, value)| value).chain(row.sink());
                assert_eq!(row.max(), one_by_one.reduce(f32::max), "{rule:?} {query}");
                let one_by_one = row.keys().map(|(_, value)| value).chain(row.sink());
                assert_eq!(row.least_above_zero(), one_by_one.reduce(f32::min), "{rule:?} {query}");
            }
        }
    }

    #[test]
    fn a_raw_row_is_as_it_was_computed() {
        assert_eq!(values(Normalisation::Raw, 2), [0.25, 0.125, 0.375]);
        let matrix = matrix();
        let row = Normalisation::Raw.row(&matrix, 2);
        assert_eq!((row.sink(), row.kept(), row.get(3)), (Some(0.25), 0.75, None));
    }

    #[test]
    fn other_rows_sum_to_one_and_leave_out_the_sink() {
        for rule in [Normalisation::Renormalised, Normalisation::WithoutFirst] {
            let matrix = matrix();
            let row = rule.row(&matrix, 2);
            let sum: f32 = row.keys().map(|(_, value)| value).sum();
            assert!((sum - 1.0).abs() < 1e-6, "{rule:?}");
            assert_eq!(row.sink(), None);
        }
        assert_eq!(values(Normalisation::WithoutFirst, 2), [0.25, 0.75]);
        assert_eq!(Normalisation::WithoutFirst.row(&matrix(), 2).get(0), None);
    }

    /// In a matrix of several tokens a cell, what is left out is the first token and not its neighbours.
    #[test]
    fn the_first_token_is_left_out_of_the_cell_it_shares() {
        let mut binned = CausalMatrix::zeros(4, 2, true);
        let weights: [&[f32]; 4] = [&[0.5], &[0.25, 0.25], &[0.25, 0.125, 0.125], &[0.25, 0.125, 0.0, 0.125]];
        (0..4).for_each(|query| binned.rows_mut().add_row(query, 0, weights[query], 0.5, 1.0));
        let row = |query| {
            let row = Normalisation::WithoutFirst.row(&binned, query);
            (row.kept(), row.keys().collect::<Vec<_>>())
        };
        assert_eq!(row(0), (0.125, vec![(0, 1.0)]), "the second token's");
        assert_eq!(row(1), (0.25, vec![(0, 0.5), (1, 0.5)]));
        assert_eq!(Normalisation::Raw.row(&binned, 1).get(0), Some(0.375));
    }

    #[test]
    fn a_row_with_nothing_left_is_empty() {
        assert!(values(Normalisation::WithoutFirst, 0).is_empty());
        let small = CausalMatrix::from_cells(2, vec![1.0, 1.0, 5e-7], None);
        assert_eq!(Normalisation::WithoutFirst.row(&small, 1).get(1), None);
        assert_eq!(Normalisation::Renormalised.row(&small, 1).keys().count(), 2);
    }

    #[test]
    fn the_rows_with_the_largest_values_dont_set_the_scale() {
        let matrix = CausalMatrix::from_cells(3, vec![1.0, 0.7, 0.3, 0.6, 0.1, 0.3], None);
        let peaks = Normalisation::ALL.map(|rule| rule.peak(&matrix));
        assert_eq!(peaks, [0.7, 0.7, 0.3 / (0.1 + 0.3)]);
        let single = CausalMatrix::from_cells(1, vec![1.0], None);
        assert_eq!(Normalisation::ALL.map(|rule| rule.peak(&single)), [1.0, 1.0, 0.0]);
        assert_eq!(Normalisation::Raw.peak(&CausalMatrix::zeros(0, 1, false)), 0.0);
        assert_eq!(Normalisation::Raw.extent(&matrix), Extent { bottom: 0.1, top: 0.7 });
        assert_eq!(
            Normalisation::Raw.extent(&CausalMatrix::zeros(2, 1, true)),
            Extent::NONE,
            "zeros are no values"
        );
        let mut long = CausalMatrix::zeros(20, 1, true);
        for query in 0..20 {
            long.rows_mut().add_row(query, 0, &[], 1.0 / (query + 1) as f32, 1.0);
        }
        assert_eq!(Normalisation::Raw.peak(&long), 1.0 / 3.0, "two rows of twenty are left aside");
    }
}
