//! Products of many vectors: blocks are decoded into panels that stay in a core's cache.

use std::ops::Range;

use pulp::Arch;

use super::codes::{Codes, LANES, WithCodes, dispatch};
use super::{BLOCK, BLOCK_BYTES, Packed};
use crate::kernels::matmul::{SCRATCH, aligned, by_columns};
use crate::kernels::panel::{PANEL, TimesPanel};

/// Rows of a panel that are decoded at a time: few enough vectors pass that the nearest cache counts.
const DEPTH: usize = 256;

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
                    dispatch(Decode { packed, blocks, outputs: outputs.clone(), panel });
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
struct Decode<'a> {
    packed: &'a Packed<'a>,
    blocks: Range<usize>,
    outputs: Range<usize>,
    panel: &'a mut [f32],
}

impl WithCodes for Decode<'_> {
    #[inline(always)]
    fn with_codes<S: Codes>(self, simd: S) {
        let Self { packed, blocks, outputs, panel } = self;
        for (column, first) in (0..PANEL).step_by(LANES).zip(outputs.clone().step_by(LANES)) {
            let start = |lane: usize| (first + lane).min(outputs.end - 1) * packed.groups + blocks.start;
            let rows: [&[[u8; BLOCK_BYTES]]; LANES] = std::array::from_fn(|lane| {
                let rest = packed.blocks[start(lane) * BLOCK_BYTES..].as_chunks().0;
                &rest[..blocks.len()]
            });
            let scales: [[u8; BLOCK_BYTES]; LANES] = std::array::from_fn(|lane| {
                let rest = &packed.scales[start(lane)..];
                // Later ones are not looked at.
                rest.first_chunk().copied().unwrap_or_else(|| {
                    let mut scales = [0; BLOCK_BYTES];
                    scales[..rest.len()].copy_from_slice(rest);
                    scales
                })
            });
            let mut scales = simd.words(scales.each_ref());
            for (at, panel) in panel.chunks_exact_mut(BLOCK * PANEL).enumerate() {
                let scales = simd.next_scales(&mut scales[at / 4]);
                let words = simd.words(std::array::from_fn(|lane| &rows[lane][at]));
                for (mut words, rows) in words.into_iter().zip(panel.chunks_exact_mut(BLOCK / 4 * PANEL)) {
                    for row in rows.chunks_exact_mut(PANEL) {
                        let codes = simd.next_codes(&mut words);
                        let out = S::as_mut_simd_f32s(&mut row[column..column + LANES]).0;
                        for ((out, &code), &scale) in out.iter_mut().zip(codes.as_ref()).zip(scales.as_ref())
                        {
                            *out = simd.mul_f32s(code, scale);
                        }
                    }
                }
            }
        }
    }
}
