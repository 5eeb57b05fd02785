//! Rows of a causal matrix, to fold attention into: in any number of parts, by several threads.

use std::iter;
use std::ops::Range;

use crate::kernels::attention::Rows;
use crate::kernels::elementwise::{add_scaled, largest};

/// Weights of a cell below which they are looked at one by one.
const FEW: usize = 16;

/// Some consecutive rows of a [`CausalMatrix`](super::CausalMatrix), to write to.
#[derive(Debug)]
pub struct RowsMut<'a> {
    pub(super) tokens: usize,
    pub(super) bin: usize,
    pub(super) first: usize,
    pub(super) rows: Vec<&'a mut [f32]>,
    pub(super) sink: Option<&'a mut [f32]>,
    pub(super) first_token: &'a mut [f32],
}

impl<'a> RowsMut<'a> {
    /// Adds `scale` times the attention of one query: `weights` are its keys from `first_key` on.
    /// In a cell of several tokens keys are summed and queries averaged.
    pub fn add_row(&mut self, query: usize, first_key: usize, weights: &[f32], sink: f32, scale: f32) {
        let row = query / self.bin;
        let queries = self.bin.min(self.tokens - row * self.bin);
        let scale = scale / queries as f32;
        if let Some(sinks) = &mut self.sink {
            sinks[row - self.first] += scale * sink;
        }
        if let (0, Some(to), Some(weight)) =
            (first_key, self.first_token.get_mut(row - self.first), weights.first())
        {
            *to += scale * weight;
        }
        let bin = self.bin;
        let cells = self.row(row);
        if bin == 1 {
            return add_scaled(&mut cells[first_key..], weights, scale);
        }
        for (cell, weights) in by_cell(first_key, weights, bin) {
            cells[cell] += scale * weights.iter().sum::<f32>();
        }
    }

    /// Raises cells to the weights of neighbouring `queries` where these are larger, and sinks likewise. `room` may
    /// hold anything.
    pub fn raise_rows(&mut self, queries: Range<usize>, rows: &Rows, room: &mut Vec<f32>) {
        let mut first = queries.start;
        while first < queries.end {
            let row = first / self.bin;
            let of_row = first..((row + 1) * self.bin).min(queries.end);
            let places = of_row.start - queries.start..of_row.end - queries.start;
            let sinks = rows.iter().map(|row| row.norm.sink).take(places.end).skip(places.start);
            let sink = sinks.fold(0.0, f32::max);
            let first_key = rows.highest(places, room);
            self.raise_row(of_row.start, first_key, room, sink);
            first = of_row.end;
        }
    }

    /// Raises cells to the weights of one query where these are larger, and the row's sink likewise.
    pub fn raise_row(&mut self, query: usize, first_key: usize, weights: &[f32], sink: f32) {
        let (row, bin) = (query / self.bin, self.bin);
        self.raise_sink(row, sink);
        let cells = self.row(row);
        for (cell, weights) in by_cell(first_key, weights, bin) {
            let highest = match bin {
                0..FEW => weights.iter().fold(0.0, |a: f32, &b| if b > a { b } else { a }),
                _ => largest(weights),
            };
            cells[cell] = cells[cell].max(highest);
        }
    }

    fn raise_sink(&mut self, row: usize, sink: f32) {
        if let Some(sinks) = &mut self.sink {
            let cell = &mut sinks[row - self.first];
            *cell = cell.max(sink);
        }
    }

    /// As [`add_row`](Self::add_row) for all queries of a row of cells, of which the sums over them are known:
    /// those of the cells from `first_cell` on, of the sink, and of what went to the first token.
    pub fn add_pooled(&mut self, row: usize, first_cell: usize, cells: &[f32], sink: f32, first_token: f32) {
        let scale = 1.0 / self.bin.min(self.tokens - row * self.bin) as f32;
        if let Some(sinks) = &mut self.sink {
            sinks[row - self.first] += scale * sink;
        }
        if let Some(to) = self.first_token.get_mut(row - self.first) {
            *to += scale * first_token;
        }
        for (to, cell) in self.row(row)[first_cell..].iter_mut().zip(cells) {
            *to += scale * cell;
        }
    }

    /// As [`raise_row`](Self::raise_row), for a row of cells whose maxima over their tokens are known, from
    /// `first_cell` on.
    pub fn raise_pooled(&mut self, row: usize, first_cell: usize, cells: &[f32], sink: f32) {
        self.raise_sink(row, sink);
        for (cell, &weight) in self.row(row)[first_cell..].iter_mut().zip(cells) {
            *cell = cell.max(weight);
        }
    }

    fn row(&mut self, row: usize) -> &mut [f32] {
        self.rows[row - self.first]
    }

    pub(super) fn split(self, count: usize) -> (Self, Self) {
        let Self { tokens, bin, first, mut rows, sink, first_token } = self;
        let rows_after = rows.split_off(count);
        let (sink, sink_after) = sink.map(|sink| sink.split_at_mut(count)).unzip();
        let (first_token, rest) = first_token.split_at_mut(count.min(first_token.len()));
        let after =
            Self { tokens, bin, first: first + count, rows: rows_after, sink: sink_after, first_token: rest };
        (Self { tokens, bin, first, rows, sink, first_token }, after)
    }
}

/// The weights of the keys from `first_key` on, by the cell of `bin` keys that they fall into.
fn by_cell(first_key: usize, weights: &[f32], bin: usize) -> impl Iterator<Item = (usize, &[f32])> {
    let (first, rest) = weights.split_at((bin - first_key % bin).min(weights.len()));
    let cell = first_key / bin;
    iter::once((cell, first)).chain((cell + 1..).zip(rest.chunks(bin)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attention::CausalMatrix;

    #[test]
    fn rows_of_a_folded_matrix_still_sum_to_one() {
        let mut m = CausalMatrix::zeros(5, 2, true);
        for query in 0..5 {
            let weights = vec![0.75 / (query + 1) as f32; query + 1];
            m.rows_mut().add_row(query, 0, &weights, 0.25, 1.0);
        }
        for row in 0..3 {
            let sum = m.row(row).iter().sum::<f32>() + m.sink(row).unwrap();
            assert!((sum - 1.0).abs() < 1e-6, "row {row} sums to {sum}");
        }
    }

    #[test]
    fn sums_over_a_row_of_cells_are_its_queries_one_by_one() {
        let mut by_query = CausalMatrix::zeros(5, 2, true);
        let mut pooled = by_query.clone();
        by_query.rows_mut().add_row(2, 2, &[0.5], 0.125, 1.0);
        by_query.rows_mut().add_row(3, 2, &[0.25, 0.5], 0.125, 1.0);
        pooled.rows_mut().add_pooled(1, 1, &[0.5 + 0.25 + 0.5, 9.0], 0.25, 0.0);
        by_query.rows_mut().add_row(4, 0, &[0.5, 0.0, 0.25, 0.125, 0.125], 0.5, 1.0);
        pooled.rows_mut().add_pooled(2, 0, &[0.5, 0.375, 0.125], 0.5, 0.5);
        assert_eq!(by_query, pooled);
    }

    #[test]
    fn a_folded_matrix_still_knows_the_first_token() {
        let weights: [&[f32]; 4] = [&[1.0], &[0.5, 0.5], &[0.25, 0.25, 0.5], &[0.75, 0.0, 0.25, 0.0]];
        let filled = |bin| {
            let mut matrix = CausalMatrix::zeros(4, bin, false);
            (0..4).for_each(|query| matrix.rows_mut().add_row(query, 0, weights[query], 0.0, 1.0));
            matrix
        };
        assert_eq!([0, 1, 2, 3].map(|query| filled(1).first_token(query)), [1.0, 0.5, 0.25, 0.75]);
        let (binned, mut sum) = (filled(2), CausalMatrix::zeros(4, 2, false));
        assert_eq!([0, 1].map(|row| binned.first_token(row)), [0.75, 0.5]);
        sum.add_scaled(&binned, 0.5);
        assert_eq!([0, 1].map(|row| sum.first_token(row)), [0.375, 0.25]);
    }

    #[test]
    fn blocks_fill_the_same_matrix() {
        for bin in [1, 3] {
            let fill = |rows: &mut RowsMut<'_>, query: usize| {
                rows.add_row(query, query / 2, &[0.5, 0.25][..(query - query / 2 + 1).min(2)], 0.1, 1.0)
            };
            let mut whole = CausalMatrix::zeros(10, bin, true);
            (0..10).for_each(|query| fill(&mut whole.rows_mut(), query));
            let mut split = CausalMatrix::zeros(10, bin, true);
            for (at, mut block) in split.blocks_from(0, 2).into_iter().enumerate() {
                (at * 2 * bin..((at + 1) * 2 * bin).min(10)).for_each(|query| fill(&mut block, query));
            }
            assert_eq!(whole, split);
        }
    }

    #[test]
    fn a_thumbnail_keeps_the_largest() {
        let mut m = CausalMatrix::zeros(4, 2, false);
        m.rows_mut().raise_row(2, 0, &[0.1, 0.7, 0.2], 0.0);
        m.rows_mut().raise_row(3, 2, &[0.4, 0.6], 0.0);
        assert_eq!(m.row(1), [0.7, 0.6]);
    }
}
