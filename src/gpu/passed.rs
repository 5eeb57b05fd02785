//! What a pass leaves besides rows, on the host.

use super::SUMS;
use super::arena::{Extent, Results};
use super::decoder::Shape;

/// What a pass leaves besides rows, on the host.
pub struct Passed<'a> {
    pub(super) shape: &'a Shape,
    pub(super) extent: Extent,
    pub(super) results: Results,
    pub(super) values: &'a [f32],
}

impl<'a> Passed<'a> {
    fn at(&self, place: usize, count: usize) -> &'a [f32] {
        &self.values[place..][..count]
    }

    /// How much of the prompt ran.
    pub fn extent(&self) -> &Extent {
        &self.extent
    }

    /// \[vocabulary\], before they are scaled and capped.
    pub fn logits(&self) -> &'a [f32] {
        self.at(self.results.logits, self.shape.vocabulary)
    }

    /// \[heads, SUMS\] of a new token, counted from the first new one on.
    pub fn sums(&self, new: usize, layer: usize) -> &'a [f32] {
        let count = self.shape.heads * SUMS;
        self.at(self.results.sums + (new * self.shape.layers + layer) * count, count)
    }

    /// \[heads\]: ‖v W_O‖ of a new token, counted from the first new one on.
    pub fn lengths(&self, new: usize, layer: usize) -> &'a [f32] {
        let heads = self.shape.heads;
        self.at(self.results.lengths + (new * self.shape.layers + layer) * heads, heads)
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
