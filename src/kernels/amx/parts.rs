//! Numbers in parts of 8 significant bits, as tiles hold them.

use std::ops::Range;

use super::tile::{COLUMNS, PANEL, Parts, STEP, TILES, Tile};

/// The first 8 significant bits of a number, and what is left of it, exactly. What is left of infinity is no number.
#[inline(always)]
fn cut(value: f32) -> (u32, f32) {
    let high = value.to_bits() & 0xffff_0000;
    (high, value - f32::from_bits(high))
}

/// Writes some inputs of some batch rows \[rows, in\] to tiles, one for each step. Beyond the rows, and beyond the inputs,
/// tiles are filled up with zeros.
#[inline(always)]
pub fn split_rows(x: &[f32], in_features: usize, inputs: Range<usize>, tiles: &mut [Parts]) {
    let rows = x.len() / in_features;
    let starts = inputs.clone().step_by(STEP);
    for (start, parts) in starts.zip(tiles) {
        let inputs = start..(start + STEP).min(inputs.end);
        for (row, x) in x.chunks_exact(in_features).enumerate() {
            let x = &x[inputs.clone()];
            match x.first_chunk() {
                Some(values) => split_row(values, row, parts),
                None => {
                    let mut values = [0.0; STEP];
                    values[..x.len()].copy_from_slice(x);
                    split_row(&values, row, parts);
                }
            }
        }
        parts.iter_mut().for_each(|tile| tile[rows * STEP / 2..].fill(0));
    }
}

#[inline(always)]
fn split_row(values: &[f32; STEP], row: usize, parts: &mut Parts) {
    let mut left = *values;
    for tile in parts {
        let out: &mut [u32; STEP / 2] = &mut tile.as_chunks_mut().0[row];
        let mut halves = [0u16; STEP];
        for (half, left) in halves.iter_mut().zip(&mut left) {
            let (high, rest) = cut(*left);
            *half = (high >> 16) as u16;
            *left = rest;
        }
        *out = bytemuck::cast(halves);
    }
}

/// Writes a panel \[rows, PANEL\] to tiles, three for each step. Beyond its last row, tiles are filled up with zeros.
#[inline(always)]
pub fn split_panel<const PARTS: usize>(panel: &[f32], tiles: &mut [[Tile; TILES]]) {
    let panel = panel.as_chunks::<PANEL>().0;
    for (panel, tiles) in panel.chunks(STEP).zip(tiles.as_chunks_mut::<PARTS>().0) {
        for (at, rows) in panel.chunks(2).enumerate() {
            let second = rows.get(1).unwrap_or(&[0.0; PANEL]);
            let columns = rows[0].as_chunks::<COLUMNS>().0.iter().zip(second.as_chunks::<COLUMNS>().0);
            for (column, (first, second)) in columns.enumerate() {
                split_pair([*first, *second], column, at, tiles);
            }
        }
        for tile in tiles.as_flattened_mut() {
            tile[panel.len().div_ceil(2) * COLUMNS..].fill(0);
        }
    }
}

/// Writes pair `at` of rows of a column of tiles.
#[inline(always)]
pub fn split_pair<const PARTS: usize>(
    mut left: [[f32; COLUMNS]; 2],
    column: usize,
    at: usize,
    tiles: &mut [[Tile; TILES]; PARTS],
) {
    for tile in tiles {
        let out: &mut [u32; COLUMNS] = &mut tile[column].as_chunks_mut().0[at];
        for (lane, out) in out.iter_mut().enumerate() {
            let (first, second) = (cut(left[0][lane]), cut(left[1][lane]));
            *out = first.0 >> 16 | second.0;
            left[0][lane] = first.1;
            left[1][lane] = second.1;
        }
    }
}
