//! Products with blocks. Some rows are decoded into a core's nearest cache, multiplied there, and forgotten.

use std::ops::Range;

use pulp::Arch;
use rayon::prelude::*;

use super::BlockType;
use crate::kernels::amx::tile::{COLUMNS, STEP, TILES, Tile};
use crate::kernels::amx::weight::{Tiled, split_column};
use crate::kernels::amx::{self, product};
use crate::kernels::cache::{LINE, fetch};
use crate::kernels::dot_tile::DotTile;
use crate::kernels::parallel::{DOT_ROWS, SCRATCH, add_sums, aligned, aligned_copy, by_columns, sizes};

/// Values of each of [`DOT_ROWS`] rows that are decoded and multiplied at a time: whole blocks of every type, and few
/// enough for a core's nearest cache.
const DEPTH: usize = 768;
/// Rows that are multiplied by the same columns, before others are: so long these stay in a core's cache.
const TOGETHER: usize = 64;

/// Batch rows from which on a matrix unit is faster: for fewer, cutting weights into parts takes longer.
const MANY_FOR_TILES: usize = 40;

/// `y` \[n, out\] += `x` \[n, in\] · Wᵀ, where the blocks are the rows of W.
///
/// # Panics
/// If the lengths don't belong together, or rows aren't whole blocks.
pub fn add_product_transposed(kind: BlockType, x: &[f32], blocks: &[u8], in_features: usize, y: &mut [f32]) {
    assert!(in_features.is_multiple_of(kind.values()), "rows are whole blocks");
    let row_bytes = kind.row_bytes(in_features);
    let (count, out_features) = sizes(x, blocks.len() / row_bytes * in_features, in_features, y);
    assert_eq!(blocks.len(), out_features * row_bytes, "rows are whole");
    if count >= MANY_FOR_TILES
        && let Some(unit) = amx::unit()
    {
        let weight = Rows { kind, blocks, row_bytes };
        return product::add_product(unit, [in_features, out_features], x, &weight, &(), y);
    }
    let part = out_features.div_ceil(8 * rayon::current_num_threads()).next_multiple_of(DOT_ROWS);
    let arch = Arch::new();
    let mut scratch = Vec::new();
    let x = aligned_copy(&mut scratch, x);
    by_columns(part, out_features, y, |part, out| {
        let stride = part.len();
        let blocks = &blocks[part.start * row_bytes..part.end * row_bytes];
        SCRATCH.with_borrow_mut(|scratch| {
            let all = aligned(scratch, DOT_ROWS * DEPTH + count * stride);
            let (decoded, sums) = all.split_at_mut(DOT_ROWS * DEPTH);
            sums.fill(0.0);
            for first in (0..stride).step_by(TOGETHER) {
                for start in (0..in_features).step_by(DEPTH) {
                    let columns = DEPTH.min(in_features - start);
                    for at in (first..(first + TOGETHER).min(stride)).step_by(DOT_ROWS) {
                        let group = at..(at + DOT_ROWS).min(stride);
                        let rows = group.len();
                        let weight = &mut decoded[..rows * columns];
                        decode_rows(kind, blocks, row_bytes, group, start..start + columns, weight);
                        arch.dispatch(DotTile {
                            x: &x[start.min(x.len())..],
                            x_stride: in_features,
                            count,
                            weight,
                            weight_stride: columns,
                            rows,
                            columns,
                            out: sums,
                            stride,
                            at,
                        });
                    }
                }
            }
            add_sums(out, sums);
        });
    });
}

/// The rows of a weight.
struct Rows<'a> {
    kind: BlockType,
    blocks: &'a [u8],
    row_bytes: usize,
}

/// Values of each of 16 rows that are decoded, and then cut into parts: whole blocks of every type.
const PIECE: usize = 256;

impl Tiled for Rows<'_> {
    const PARTS: usize = 3;

    fn decode_tiles(&self, outputs: Range<usize>, inputs: Range<usize>, tiles: &mut [[Tile; TILES]]) {
        let Self { kind, blocks, row_bytes } = *self;
        let mut piece = [[0.0; PIECE]; COLUMNS];
        for (column, first) in outputs.clone().step_by(COLUMNS).enumerate() {
            let pieces = inputs.clone().step_by(PIECE).zip(tiles.chunks_mut(PIECE / STEP * Self::PARTS));
            for (start, tiles) in pieces {
                let len = PIECE.min(inputs.end - start);
                for (row, piece) in piece.iter_mut().enumerate() {
                    let from = (first + row).min(outputs.end - 1) * row_bytes + kind.row_bytes(start);
                    let bytes = kind.row_bytes(len);
                    (0..bytes).step_by(LINE).for_each(|line| fetch(blocks, from + bytes + line));
                    kind.decode(&blocks[from..from + bytes], &mut piece[..len]);
                }
                split_column(piece.each_ref().map(|row| &row[..len]), Self::PARTS, column, tiles);
            }
        }
    }
}

/// Writes some columns of some rows, one row after the other. Meanwhile the same columns of the rows after them are
/// brought into the cache.
fn decode_rows(
    kind: BlockType,
    blocks: &[u8],
    row_bytes: usize,
    rows: Range<usize>,
    columns: Range<usize>,
    weight: &mut [f32],
) {
    let (start, bytes) = (kind.row_bytes(columns.start), kind.row_bytes(columns.len()));
    let next = rows.len() * row_bytes;
    for (row, weight) in rows.zip(weight.chunks_exact_mut(columns.len())) {
        let from = row * row_bytes + start;
        (0..bytes).step_by(LINE).for_each(|line| fetch(blocks, from + next + line));
        kind.decode(&blocks[from..from + bytes], weight);
    }
}

/// All values, decoded.
///
/// # Panics
/// If these are not whole blocks.
pub fn decode_all(kind: BlockType, blocks: &[u8]) -> Vec<f32> {
    const AT_A_TIME: usize = 64;
    let mut values = vec![0.0; kind.row_values(blocks.len())];
    values
        .par_chunks_mut(AT_A_TIME * kind.values())
        .zip(blocks.par_chunks(AT_A_TIME * kind.bytes()))
        .with_min_len(64)
        .for_each(|(values, blocks)| kind.decode(blocks, values));
    values
}

/// The first block whose values are not all numbers.
pub fn first_broken(kind: BlockType, blocks: &[u8]) -> Option<usize> {
    blocks.par_chunks_exact(kind.bytes()).with_min_len(1 << 12).position_first(|block| !kind.is_finite(block))
}
