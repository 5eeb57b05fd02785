//! A causal attention matrix: the lower triangle, and what each row gave to no token.

use std::sync::Arc;

use rayon::prelude::*;

use super::cached::Cached;
use super::rows_mut::RowsMut;
use super::scale::{Extent, Measured, RowExtents};
use crate::kernels::elementwise::{add_scaled, largest};

/// Rows that are kept together.
const CHUNK_ROWS: usize = 32;

/// A causal matrix of `size` queries by `size` keys. Only cells with key ≤ query are stored, row after
/// row, in `size·(size+1)/2` values; a model with sinks has one sink value per row beside them, and
/// then a row and its sink sum to 1.
///
/// Of a prompt too long to keep whole, a cell stands for `bin` × `bin` tokens: summed over its keys,
/// averaged over its queries, so that a row and its sink still sum to 1.
///
/// Matrices of prompts that begin alike share the rows that are alike: [`grown`](Self::grown).
#[derive(Debug, Clone)]
pub struct CausalMatrix {
    tokens: usize,
    bin: usize,
    /// [`CHUNK_ROWS`] rows each.
    chunks: Vec<Arc<Vec<f32>>>,
    sink: Option<Vec<f32>>,
    /// What each row gave to the first token, which shares its cell with others; empty if it has its own.
    first_token: Vec<f32>,
    /// What is known of its first rows.
    pub(super) before: Option<Before>,
    /// What colour scales are to show of it: [`CausalMatrix::extents`].
    pub(super) measured: Cached<Measured>,
    /// It in small: [`layer_picture`](super::layer_picture).
    pub(super) picture: Cached<CausalMatrix>,
}

/// What is known of the first rows of a matrix from the one that it goes on from.
#[derive(Debug, Clone)]
pub(super) struct Before {
    /// So many rows are the same.
    pub rows: usize,
    measured: Cached<Measured>,
    picture: Cached<CausalMatrix>,
}

impl Before {
    /// What colour scales are to show of these rows, as far as that was asked for.
    pub fn extents(&self) -> &[RowExtents] {
        self.measured.get().map_or(&[], |measured| &measured.rows[..self.rows.min(measured.rows.len())])
    }

    /// The small picture of that matrix, if that was asked for.
    pub fn picture(&self) -> Option<&CausalMatrix> {
        self.picture.get()
    }
}

impl PartialEq for CausalMatrix {
    fn eq(&self, other: &Self) -> bool {
        let rest =
            |matrix: &Self| (matrix.tokens, matrix.bin, matrix.sink.clone(), matrix.first_token.clone());
        rest(self) == rest(other) && self.rows().eq(other.rows())
    }
}

impl CausalMatrix {
    /// All zeros, for a prompt of `tokens` of which a cell takes `bin` along each axis.
    pub fn zeros(tokens: usize, bin: usize, with_sink: bool) -> Self {
        let size = tokens.div_ceil(bin);
        let first_token = vec![0.0; if bin == 1 { 0 } else { size }];
        let sink = with_sink.then(|| vec![0.0; size]);
        let chunks = (0..size.div_ceil(CHUNK_ROWS)).into_par_iter();
        let chunks = chunks.map(|at| Arc::new(with_size(&[], cells_of(at, size)))).collect();
        let (measured, picture) = Default::default();
        Self { tokens, bin, chunks, sink, first_token, before: None, measured, picture }
    }

    /// From its cells, row after row, one token per cell.
    ///
    /// # Panics
    /// If `cells` is not a triangle of `size` rows, or `sink` not one value per row.
    pub fn from_cells(size: usize, cells: Vec<f32>, sink: Option<Vec<f32>>) -> Self {
        assert_eq!(cells.len(), triangle(size), "cells of a {size}-row triangle");
        assert!(sink.as_ref().is_none_or(|s| s.len() == size), "one sink value per row");
        let mut matrix = Self { sink, ..Self::zeros(size, 1, false) };
        for (row, to) in matrix.rows_mut().rows.into_iter().enumerate() {
            to.copy_from_slice(&cells[triangle(row)..triangle(row + 1)]);
        }
        matrix
    }

    /// Zeros in the same shape.
    pub fn zeroed(&self) -> Self {
        Self::zeros(self.tokens, self.bin, self.sink.is_some())
    }

    /// The same for another prompt of `tokens`, of which the first `rows` rows are the same: these are shared, and all
    /// others zero.
    #[must_use]
    pub fn grown(&self, rows: usize, tokens: usize) -> Self {
        let Self { bin, .. } = *self;
        let size = tokens.div_ceil(bin);
        assert!(rows <= size.min(self.size()), "{rows} rows of {} in {size}", self.size());
        let of_rows = |values: &[f32]| with_size(&values[..rows.min(values.len())], size);
        let first_token = if bin == 1 { Vec::new() } else { of_rows(&self.first_token) };
        let sink = self.sink.as_deref().map(of_rows);
        let whole = rows / CHUNK_ROWS;
        let mut chunks = self.chunks[..whole].to_vec();
        for at in whole..size.div_ceil(CHUNK_ROWS) {
            let kept = triangle(rows.max(at * CHUNK_ROWS)) - triangle(at * CHUNK_ROWS);
            let before = self.chunks.get(at).map_or(&[][..], |chunk| &chunk[..kept]);
            chunks.push(Arc::new(with_size(before, cells_of(at, size))));
        }
        let before = match (self.measured.get(), &self.before) {
            // It was never looked at.
            (None, Some(before)) => Before { rows: rows.min(before.rows), ..before.clone() },
            _ => Before { rows, measured: self.measured.clone(), picture: self.picture.clone() },
        };
        let (measured, picture) = Default::default();
        Self { tokens, bin, chunks, sink, first_token, before: Some(before), measured, picture }
    }

    /// The same in cells that stand for twice as many tokens along each axis: each has the largest of its four.
    #[must_use]
    pub fn halved_to_largest(&self) -> Self {
        let mut halved = Self::zeros(self.tokens, 2 * self.bin, self.sink.is_some());
        let mut rows = halved.rows_mut();
        for (query, row) in self.rows().enumerate() {
            let cells: Vec<f32> = row.chunks(2).map(largest).collect();
            rows.raise_pooled(query / 2, 0, &cells, self.sink(query).unwrap_or(0.0));
        }
        halved
    }

    /// Takes all rows, in order, each with what it gives to no token, and to the first one.
    ///
    /// # Panics
    /// If a row has not the length that is its.
    pub fn fill<'a>(&mut self, rows: impl IntoIterator<Item = (&'a [f32], f32, f32)>) {
        let RowsMut { rows: to, mut sink, first_token, .. } = self.rows_mut();
        for (query, (to, (row, share, first))) in to.into_iter().zip(rows).enumerate() {
            to.copy_from_slice(row);
            if let Some(sinks) = &mut sink {
                sinks[query] = share;
            }
            if let Some(share) = first_token.get_mut(query) {
                *share = first;
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
        let start = triangle(query / CHUNK_ROWS * CHUNK_ROWS);
        &self.chunks[query / CHUNK_ROWS][triangle(query) - start..triangle(query + 1) - start]
    }

    /// All rows, in order.
    pub fn rows(&self) -> impl Iterator<Item = &[f32]> {
        (0..self.size()).map(|query| self.row(query))
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
        let first = usize::from(self.size() > 1);
        self.rows().skip(first).map(largest).fold(0.0, f32::max)
    }

    /// What a colour scale of small pictures is to show: up to [`peak_after_first_row`](Self::peak_after_first_row).
    pub fn extent_after_first_row(&self) -> Extent {
        let cells = self.chunks.iter().flat_map(|chunk| chunk.iter().copied());
        Extent { bottom: Extent::of(cells).bottom, top: self.peak_after_first_row() }
    }

    /// All cells, row after row, copied.
    pub fn cells(&self) -> Vec<f32> {
        self.rows().flatten().copied().collect()
    }

    /// The memory that its cells are in.
    pub fn chunks(&self) -> impl Iterator<Item = &Arc<Vec<f32>>> {
        self.chunks.iter()
    }

    /// Adds `weight` times another matrix of the same shape.
    ///
    /// # Panics
    /// If the shapes differ.
    pub fn add_scaled(&mut self, other: &Self, weight: f32) {
        self.add_rows_scaled(0, other, weight);
    }

    /// As [`add_scaled`](Self::add_scaled), from row `first` on; those before stay as they are.
    ///
    /// # Panics
    /// If the shapes differ.
    pub fn add_rows_scaled(&mut self, first: usize, other: &Self, weight: f32) {
        assert_eq!(
            (self.tokens, self.bin, self.sink.is_some()),
            (other.tokens, other.bin, other.sink.is_some())
        );
        let RowsMut { rows, sink, first_token, .. } = self.rows_from(first);
        let rows = rows.into_par_iter().enumerate().with_min_len(CHUNK_ROWS);
        rows.for_each(|(at, to)| add_scaled(to, other.row(first + at), weight));
        if let Some(from) = other.first_token.get(first..) {
            add_scaled(first_token, from, weight);
        }
        if let (Some(to), Some(from)) = (sink, &other.sink) {
            add_scaled(to, &from[first..], weight);
        }
    }

    /// All rows, to fold rows of attention into.
    pub fn rows_mut(&mut self) -> RowsMut<'_> {
        self.rows_from(0)
    }

    /// The rows from `first` on. Those that are shared become copies.
    pub fn rows_from(&mut self, first: usize) -> RowsMut<'_> {
        self.measured.reset();
        self.picture.reset();
        if let Some(before) = &mut self.before {
            before.rows = before.rows.min(first);
        }
        let chunk = first / CHUNK_ROWS;
        let mut rows = Vec::with_capacity(self.size() - first);
        for (at, cells) in self.chunks.iter_mut().enumerate().skip(chunk) {
            let mut rest = Arc::make_mut(cells).as_mut_slice();
            for row in at * CHUNK_ROWS.. {
                let Some((cells, after)) = rest.split_at_mut_checked(row + 1) else { break };
                if row >= first {
                    rows.push(cells);
                }
                rest = after;
            }
        }
        RowsMut {
            tokens: self.tokens,
            bin: self.bin,
            first,
            rows,
            sink: self.sink.as_mut().map(|sink| &mut sink[first..]),
            first_token: self.first_token.get_mut(first..).unwrap_or_default(),
        }
    }

    /// The rows from `first` on in blocks that end at multiples of `rows`, to be filled by different threads.
    pub fn blocks_from(&mut self, first: usize, rows: usize) -> Vec<RowsMut<'_>> {
        let all = self.size().div_ceil(rows);
        let mut rest = self.rows_from(first);
        let mut blocks = Vec::new();
        for end in (first / rows + 1..all).map(|block| block * rows) {
            let count = end - rest.first;
            let (block, after) = rest.split(count);
            blocks.push(block);
            rest = after;
        }
        blocks.push(rest);
        blocks
    }
}

/// Cells in a triangle of `rows` rows, and where row number `rows` starts.
fn triangle(rows: usize) -> usize {
    rows * (rows + 1) / 2
}

/// Cells of a chunk of a matrix of `size` rows.
fn cells_of(chunk: usize, size: usize) -> usize {
    triangle(((chunk + 1) * CHUNK_ROWS).min(size)) - triangle(chunk * CHUNK_ROWS)
}

/// Values with zeros behind them up to `size`. Fresh memory is written, not only asked for: what is read first gets its
/// pages twice, and the second time every processor is told.
fn with_size(values: &[f32], size: usize) -> Vec<f32> {
    let mut all = Vec::with_capacity(size);
    all.extend_from_slice(values);
    all.resize(size, 0.0);
    all
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
    fn rows_before_those_that_are_filled_stay_known() {
        let m = CausalMatrix::zeros(5, 1, false);
        m.extents();
        let mut more = m.grown(5, 10);
        let blocks: Vec<usize> = more.blocks_from(5, 4).iter().map(|block| block.rows.len()).collect();
        let known = more.before.as_ref().map(|before| before.extents().len());
        assert_eq!((blocks, known), (vec![3, 2], Some(5)), "the first ends at row 8");
    }

    #[test]
    fn sum_with_weight_covers_the_sink() {
        let mut sum = CausalMatrix::zeros(2, 1, true);
        let m = CausalMatrix::from_cells(2, vec![0.5, 0.25, 0.25], Some(vec![0.5, 0.5]));
        sum.add_scaled(&m, 0.5);
        sum.add_scaled(&m, 0.5);
        assert_eq!(sum, m);
    }
}
