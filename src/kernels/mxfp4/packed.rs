//! A weight as it lies in a file: the blocks of each row, and their scales in a second slice.

use std::ops::Range;

use super::format::BLOCK_BYTES;
use crate::kernels::fp4_decoder::LANES;

/// The rows of a weight, each of `groups` blocks.
pub struct Packed<'a> {
    pub blocks: &'a [u8],
    pub scales: &'a [u8],
    pub groups: usize,
}

impl Packed<'_> {
    /// Blocks and scales of a row.
    pub fn row(&self, row: usize) -> (&[u8], &[u8]) {
        (self.blocks_of(row..row + 1), &self.scales[row * self.groups..][..self.groups])
    }

    /// Blocks and scales of [`LANES`] rows. The last row of `rows` stands in for those beyond it.
    #[inline(always)]
    pub fn lanes(
        &self,
        rows: Range<usize>,
        blocks: Range<usize>,
    ) -> ([&[[u8; BLOCK_BYTES]]; LANES], [[u8; BLOCK_BYTES]; LANES]) {
        let start = |lane: usize| (rows.start + lane).min(rows.end - 1) * self.groups + blocks.start;
        let codes = |lane: usize| &self.blocks[start(lane) * BLOCK_BYTES..].as_chunks().0[..blocks.len()];
        // Scales after those of `blocks` are not used.
        let scales = |lane: usize| match self.scales[start(lane)..].first_chunk() {
            Some(scales) => *scales,
            None => filled_up(&self.scales[start(lane)..]),
        };
        (std::array::from_fn(codes), std::array::from_fn(scales))
    }

    /// Blocks of some rows.
    pub fn blocks_of(&self, rows: Range<usize>) -> &[u8] {
        &self.blocks[rows.start * self.groups * BLOCK_BYTES..rows.end * self.groups * BLOCK_BYTES]
    }
}

/// The last scales of a weight, filled up with zeros.
#[cold]
#[inline(never)]
fn filled_up(rest: &[u8]) -> [u8; BLOCK_BYTES] {
    let mut scales = [0; BLOCK_BYTES];
    scales[..rest.len()].copy_from_slice(rest);
    scales
}
