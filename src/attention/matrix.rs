//! A causal attention matrix: the lower triangle, and what each row gave to no token.

use std::iter;
use std::ops::Range;

use rayon::prelude::*;

use super::cached::Cached;
use super::scale::Extent;
use crate::kernels::attention::Rows;
use crate::kernels::elementwise::{add_scaled, fill_rows, largest};
use crate::vocabulary::Normalisation;

/// Cells that a thread adds at a time.
const CHUNK: usize = 16 * 1024;
/// Weights of a cell below which they are looked at one by one.
const FEW: usize = 16;

/// A causal matrix of `size` queries by `size` keys. Only cells with key ≤ query are stored, row after
/// row, in `size·(size+1)/2` values; a model with sinks has one sink value per row beside them, and
/// then a row and its sink sum to 1.
///
/// Of a prompt too long to keep whole, a cell stands for `bin` × `bin` tokens: summed over its keys,
/// averaged over its queries, so that a row and its sink still sum to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct CausalMatrix {
    tokens: usize,
    bin: usize,
    cells: Vec<f32>,
    sink: Option<Vec<f32>>,
    /// What each row gave to the first token, which shares its cell with others; empty if it has its own.
    first_token: Vec<f32>,
    /// What colour scales are to show of it, for each normalisation: [`CausalMatrix::extents`].
    pub(super) extents: Cached<[Extent; Normalisation::ALL.len()]>,
}

impl CausalMatrix {
    /// All zeros, for a prompt of `tokens` of which a cell takes `bin` along each axis.
    pub fn zeros(tokens: usize, bin: usize, with_sink: bool) -> Self {
        let size = tokens.div_ceil(bin);
        let first_token = vec![0.0; if bin == 1 { 0 } else { size }];
        let sink = with_sink.then(|| vec![0.0; size]);
        let mut cells = vec![0.0; triangle(size)];
        // Fresh memory is to be written first: what is read first gets its pages twice, and the second time every
        // processor is told.
        fill_rows(&mut cells, None);
        Self { tokens, bin, cells, sink, first_token, extents: Cached::default() }
    }

    /// From its cells, row after row, one token per cell.
    ///
    /// # Panics
    /// If `cells` is not a triangle of `size` rows, or `sink` not one value per row.
    pub fn from_cells(size: usize, cells: Vec<f32>, sink: Option<Vec<f32>>) -> Self {
        assert_eq!(cells.len(), triangle(size), "cells of a {size}-row triangle");
        assert!(sink.as_ref().is_none_or(|s| s.len() == size), "one sink value per row");
        Self { tokens: size, bin: 1, cells, sink, first_token: Vec::new(), extents: Cached::default() }
    }

    /// Zeros in the same shape.
    pub fn zeroed(&self) -> Self {
        Self::zeros(self.tokens, self.bin, self.sink.is_some())
    }

    /// Takes all rows, in order, each with what it gives to no token, and to the first one.
    ///
    /// # Panics
    /// If a row has not the length that is its.
    pub fn fill<'a>(&mut self, rows: impl IntoIterator<Item = (&'a [f32], f32, f32)>) {
        self.extents.reset();
        for (query, (row, sink, first_token)) in rows.into_iter().enumerate() {
            self.cells[triangle(query)..triangle(query + 1)].copy_from_slice(row);
            if let Some(sinks) = &mut self.sink {
                sinks[query] = sink;
            }
            if let Some(share) = self.first_token.get_mut(query) {
                *share = first_token;
            }
        }
    }

    /// Number of rows, and of columns.
    pub fn size(&self) -> usize {
        self.tokens.div_ceil(self.bin)
    }

    /// Tokens per cell, along each axis; 1 unless the prompt was too long to keep whole.
    pub fn bin(&self) -> usize {
        self.bin
    }

    /// The keys 0 ..= `query` of one row.
    pub fn row(&self, query: usize) -> &[f32] {
        &self.cells[triangle(query)..triangle(query + 1)]
    }

    /// One cell; `None` in the future (key > query) and outside the matrix.
    pub fn get(&self, query: usize, key: usize) -> Option<f32> {
        (key <= query && query < self.size()).then(|| self.row(query)[key])
    }

    /// What a row gave to no token; `None` for a model without sinks.
    pub fn sink(&self, query: usize) -> Option<f32> {
        self.sink.as_ref().map(|sink| sink[query])
    }

    /// The sink of every row; `None` for a model without sinks.
    pub fn sinks(&self) -> Option<&[f32]> {
        self.sink.as_deref()
    }

    /// What a row gave to the first token: its first cell, or the share of it that is that token's.
    pub fn first_token(&self, query: usize) -> f32 {
        self.first_token.get(query).copied().unwrap_or_else(|| self.row(query)[0])
    }

    /// The largest cell after the first row, which is 1 in many heads whatever they do, unless that is all
    /// there is.
    pub fn peak_after_first_row(&self) -> f32 {
        let first = usize::from(self.cells.len() > 1);
        largest(&self.cells[first..])
    }

    /// What a colour scale of small pictures is to show: up to [`peak_after_first_row`](Self::peak_after_first_row).
    pub fn extent_after_first_row(&self) -> Extent {
        Extent { bottom: Extent::of(self.cells.iter().copied()).bottom, top: self.peak_after_first_row() }
    }

    /// All cells, row after row.
    pub fn cells(&self) -> &[f32] {
        &self.cells
    }

    /// Adds `weight` times another matrix of the same shape.
    ///
    /// # Panics
    /// If the shapes differ.
    pub fn add_scaled(&mut self, other: &Self, weight: f32) {
        assert_eq!(
            (self.tokens, self.bin, self.sink.is_some()),
            (other.tokens, other.bin, other.sink.is_some())
        );
        self.extents.reset();
        let cells = self.cells.par_chunks_mut(CHUNK).zip(other.cells.par_chunks(CHUNK));
        cells.for_each(|(to, from)| add_scaled(to, from, weight));
        add_scaled(&mut self.first_token, &other.first_token, weight);
        if let (Some(to), Some(from)) = (&mut self.sink, &other.sink) {
            add_scaled(to, from, weight);
        }
    }

    /// All rows, to fold rows of attention into.
    pub fn rows_mut(&mut self) -> RowsMut<'_> {
        self.extents.reset();
        RowsMut {
            tokens: self.tokens,
            bin: self.bin,
            first: 0,
            cells: &mut self.cells,
            sink: self.sink.as_deref_mut(),
            first_token: &mut self.first_token,
        }
    }

    /// The rows in blocks of `rows` each, to be filled by different threads.
    pub fn blocks_mut(&mut self, rows: usize) -> Vec<RowsMut<'_>> {
        let size = self.size();
        let mut rest = self.rows_mut();
        let mut blocks = Vec::new();
        while rest.first + rows < size {
            let (block, after) = rest.split(rows);
            blocks.push(block);
            rest = after;
        }
        blocks.push(rest);
        blocks
    }
}

/// Some consecutive rows of a [`CausalMatrix`], to write to.
#[derive(Debug)]
pub struct RowsMut<'a> {
    tokens: usize,
    bin: usize,
    first: usize,
    cells: &'a mut [f32],
    sink: Option<&'a mut [f32]>,
    first_token: &'a mut [f32],
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
        let start = triangle(self.first);
        &mut self.cells[triangle(row) - start..triangle(row + 1) - start]
    }

    fn split(self, rows: usize) -> (Self, Self) {
        let Self { tokens, bin, first, cells, sink, first_token } = self;
        let (cells, cells_after) = cells.split_at_mut(triangle(first + rows) - triangle(first));
        let (sink, sink_after) = sink.map(|sink| sink.split_at_mut(rows)).unzip();
        let (first_token, rest) = first_token.split_at_mut(rows.min(first_token.len()));
        let after = Self {
            tokens,
            bin,
            first: first + rows,
            cells: cells_after,
            sink: sink_after,
            first_token: rest,
        };
        (Self { tokens, bin, first, cells, sink, first_token }, after)
    }
}

/// Cells in a triangle of `rows` rows, and where row number `rows` starts.
fn triangle(rows: usize) -> usize {
    rows * (rows + 1) / 2
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

    #[test]
    fn rows_of_a_triangle() {
        let m = CausalMatrix::from_cells(3, vec![1., 2., 3., 4., 5., 6.], None);
        assert_eq!(m.row(0), [1.]);
        assert_eq!(m.row(2), [4., 5., 6.]);
        assert_eq!(m.get(1, 1), Some(3.));
        assert_eq!(m.get(1, 2), None);
        assert_eq!(m.get(3, 0), None);
    }

    #[test]
    fn sum_with_weight_covers_the_sink() {
        let mut sum = CausalMatrix::zeros(2, 1, true);
        let m = CausalMatrix::from_cells(2, vec![0.5, 0.25, 0.25], Some(vec![0.5, 0.5]));
        sum.add_scaled(&m, 0.5);
        sum.add_scaled(&m, 0.5);
        assert_eq!(sum, m);
    }

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
            for (at, mut block) in split.blocks_mut(2).into_iter().enumerate() {
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
