//! Products of many vectors: blocks are decoded into panels that stay in a core's cache.

use std::ops::Range;

use pulp::Arch;

use super::codes::{Codes, LANES, dispatch};
use super::{BLOCK, BLOCK_BYTES, Packed};
use crate::kernels::matmul::{SCRATCH, aligned, by_columns};
use crate::kernels::panel::{DEPTH, PANEL, TimesPanel};

/// `y` += `x` · Wᵀ by way of panels, each decoded where it stays in a core's cache.
pub fn by_panels(x: &[f32], packed: &Packed<'_>, y: &mut [f32]) {
    let from = packed.groups * BLOCK;
    let to = packed.scales.len() / packed.groups;
    let part = to.div_ceil(PANEL).div_ceil(4 * rayon::current_num_threads()) * PANEL;
    let arch = Arch::new();
    by_columns(part, to, y, |columns, out| {
        SCRATCH.with_borrow_mut(|scratch| {
            for first in columns.clone().step_by(PANEL) {
                let outputs = first..(first + PANEL).min(columns.end);
                let ahead = outputs.end..(outputs.end + PANEL).min(columns.end);
                let row = packed.groups * BLOCK_BYTES;
                let mut next = packed.blocks[ahead.start * row..ahead.end * row].chunks(DEPTH / 2 * PANEL);
                for start in (0..from).step_by(DEPTH) {
                    let rows = start..(start + DEPTH).min(from);
                    let panel = aligned(scratch, rows.len() * PANEL);
                    let blocks = rows.start / BLOCK..rows.end / BLOCK;
                    dispatch!(decode_panel(packed, blocks, outputs.clone(), panel));
                    let columns = outputs.start - columns.start..outputs.end - columns.start;
                    let next = next.next().unwrap_or(&[]);
                    arch.dispatch(TimesPanel { x, from, rows, panel, next, columns, out });
                }
            }
        });
    });
}

/// Decodes some blocks of the rows of `outputs` into a panel, in which each row belongs to an input. Columns beyond
/// the outputs repeat the last.
#[inline(always)]
fn decode_panel<S: Codes>(
    simd: S,
    packed: &Packed<'_>,
    blocks: Range<usize>,
    outputs: Range<usize>,
    panel: &mut [f32],
) {
    for (column, first) in (0..PANEL).step_by(LANES).zip(outputs.clone().step_by(LANES)) {
        let block = |lane: usize, at: usize| (first + lane).min(outputs.end - 1) * packed.groups + at;
        let scales = simd.transpose(std::array::from_fn(|lane| {
            let mut scales = [0; LANES];
            scales[..blocks.len()]
                .copy_from_slice(&packed.scales[block(lane, blocks.start)..][..blocks.len()]);
            scales
        }));
        for ((at, panel), scales) in blocks.clone().zip(panel.chunks_exact_mut(BLOCK * PANEL)).zip(&scales) {
            let scales = simd.scales(scales);
            let bytes = simd.transpose(std::array::from_fn(|lane| {
                let bytes = packed.blocks[block(lane, at) * BLOCK_BYTES..].first_chunk();
                bytes.copied().unwrap_or_default()
            }));
            for (rows, bytes) in panel.chunks_exact_mut(2 * PANEL).zip(&bytes) {
                for (row, codes) in rows.chunks_exact_mut(PANEL).zip(&simd.codes(bytes)) {
                    let out = S::as_mut_simd_f32s(&mut row[column..column + LANES]).0;
                    for ((out, &code), &scale) in out.iter_mut().zip(codes.as_ref()).zip(scales.as_ref()) {
                        *out = simd.mul_f32s(code, scale);
                    }
                }
            }
        }
    }
}
