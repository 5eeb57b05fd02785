//! What a pass leaves, on the host.

use super::SUMS;
use super::arena::{Extent, Results};
use super::decoder::Shape;

/// What a pass leaves, on the host.
pub struct Passed<'a> {
    pub(super) shape: &'a Shape,
    pub(super) layers: usize,
    pub(super) extent: Extent,
    pub(super) results: Results,
    /// From the row of the first new token on.
    pub(super) values: &'a [f32],
}

/// What is kept of a token in a layer.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// \[heads, head_dim\], turned by position.
    pub query: &'a [f32],
    /// \[kv_heads, head_dim\], turned by position.
    pub key: &'a [f32],
    /// \[kv_heads, head_dim\]
    pub value: &'a [f32],
    /// \[heads\]
    pub log_sum_exp: &'a [f32],
}

impl<'a> Row<'a> {
    /// What is kept of a token in a layer, from where it begins.
    pub fn of(shape: &Shape, values: &'a [f32]) -> Self {
        let (query, rest) = values.split_at(shape.heads * shape.head_dim);
        let (key, rest) = rest.split_at(shape.kv_heads * shape.head_dim);
        let (value, rest) = rest.split_at(shape.kv_heads * shape.head_dim);
        Self { query, key, value, log_sum_exp: &rest[..shape.heads] }
    }
}

impl<'a> Passed<'a> {
    fn at(&self, place: usize, count: usize) -> &'a [f32] {
        let start = self.extent.first * self.layers * self.shape.layer_stride();
        &self.values[place - start..][..count]
    }

    /// How much of the prompt ran.
    pub fn extent(&self) -> &Extent {
        &self.extent
    }

    /// \[vocabulary\], before they are scaled and capped.
    pub fn logits(&self) -> &'a [f32] {
        self.at(self.results.logits, self.shape.vocabulary)
    }

    /// Of a token, counted from the first of the prompt on; it has to be new.
    pub fn row(&self, token: usize, layer: usize) -> Row<'a> {
        let stride = self.shape.layer_stride();
        Row::of(self.shape, self.at((token * self.layers + layer) * stride, stride))
    }

    /// \[heads, SUMS\] of a new token, counted from the first new one on.
    pub fn sums(&self, new: usize, layer: usize) -> &'a [f32] {
        let count = self.shape.heads * SUMS;
        self.at(self.results.sums + (new * self.layers + layer) * count, count)
    }

    /// \[heads\]: ‖v W_O‖ of a new token, counted from the first new one on.
    pub fn lengths(&self, new: usize, layer: usize) -> &'a [f32] {
        let heads = self.shape.heads;
        self.at(self.results.lengths + (new * self.layers + layer) * heads, heads)
    }

    /// A row of cells of a layer's mean over heads: sums over the queries and keys of each.
    pub fn mean(&self, layer: usize, row: usize) -> &'a [f32] {
        let bin = self.extent.bin;
        let start = self.results.means + layer * self.extent.cells(bin) + self.extent.row(bin, row);
        self.at(start, row + 1)
    }

    /// What a query gives to the first token, on average over heads.
    pub fn first_key(&self, layer: usize, query: usize) -> f32 {
        let count = self.extent.tokens - self.extent.fold_first;
        self.at(self.results.first_keys + layer * count + query - self.extent.fold_first, 1)[0]
    }

    /// A row of cells of a head's thumbnail: the largest weight of each.
    pub fn thumbnail(&self, layer: usize, head: usize, row: usize) -> &'a [f32] {
        let bin = self.extent.small_bin;
        let at = (layer * self.shape.heads + head) * self.extent.cells(bin) + self.extent.row(bin, row);
        self.at(self.results.thumbnails + at, row + 1)
    }
}
