//! Blocks decoded into panels and into tiles, for large batches.

use std::ops::Range;

use super::format::{BLOCK, BLOCK_BYTES};
use super::packed::Packed;
use crate::kernels::amx::tile::{COLUMNS, STEP, TILES, Tile};
use crate::kernels::amx::weight::Tiled;
use crate::kernels::cache::{LINE, fetch};
use crate::kernels::decoded::Decoded;
use crate::kernels::fp4_decoder::{Fp4Decoder, LANES, WithDecoder, dispatch};
use crate::kernels::panel::PANEL;

impl Decoded for Packed<'_> {
    fn decode(&self, outputs: Range<usize>, inputs: Range<usize>, panel: &mut [f32]) {
        let blocks = inputs.start / BLOCK..inputs.end / BLOCK;
        dispatch(Decode { packed: self, blocks, outputs, panel });
    }

    fn bytes(&self, outputs: Range<usize>) -> &[u8] {
        self.blocks_of(outputs)
    }
}

impl Tiled for Packed<'_> {
    const PARTS: usize = 1;

    fn decode_tiles(&self, outputs: Range<usize>, inputs: Range<usize>, tiles: &mut [[Tile; TILES]]) {
        let blocks = inputs.start / BLOCK..inputs.end / BLOCK;
        dispatch(DecodeTiles { packed: self, blocks, outputs, tiles });
    }
}

/// Decodes some blocks of the rows of `outputs` into a panel. Each row of the panel belongs to an input. Columns beyond
/// the outputs repeat the last one.
struct Decode<'a> {
    packed: &'a Packed<'a>,
    blocks: Range<usize>,
    outputs: Range<usize>,
    panel: &'a mut [f32],
}

impl WithDecoder for Decode<'_> {
    #[inline(always)]
    fn with_decoder<S: Fp4Decoder>(self, simd: S) {
        let Self { packed, blocks, outputs, panel } = self;
        for (column, first) in (0..PANEL).step_by(LANES).zip(outputs.clone().step_by(LANES)) {
            let (rows, scales) = packed.lanes(first..outputs.end, blocks.clone());
            let mut scales = simd.words(scales.each_ref());
            for (at, panel) in panel.chunks_exact_mut(BLOCK * PANEL).enumerate() {
                let scales = simd.next_scales(&mut scales[at / 4]);
                let words = simd.words(std::array::from_fn(|lane| &rows[lane][at]));
                for (mut words, rows) in words.into_iter().zip(panel.chunks_exact_mut(BLOCK / 4 * PANEL)) {
                    for row in rows.chunks_exact_mut(PANEL) {
                        let codes = simd.next_values(&mut words);
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

/// As [`Decode`], into tiles, of which each holds a block of each of 16 rows: two significant bits times a power of two are
/// a bf16.
struct DecodeTiles<'a> {
    packed: &'a Packed<'a>,
    blocks: Range<usize>,
    outputs: Range<usize>,
    tiles: &'a mut [[Tile; TILES]],
}

impl WithDecoder for DecodeTiles<'_> {
    #[inline(always)]
    fn with_decoder<S: Fp4Decoder>(self, simd: S) {
        const { assert!(BLOCK == STEP && LANES == COLUMNS) };
        let Self { packed, blocks, outputs, tiles } = self;
        let sixteen = simd.splat_u32s(16);
        for (column, first) in (0..TILES).zip(outputs.clone().step_by(LANES)) {
            let after = (first + LANES).min(outputs.end);
            let next = packed.blocks_of(after..(after + LANES).min(outputs.end));
            // The scales of so many blocks fit a register.
            let chunks = blocks.clone().step_by(BLOCK_BYTES).zip(tiles.chunks_mut(BLOCK_BYTES));
            for (start, tiles) in chunks {
                let blocks = start..(start + BLOCK_BYTES).min(blocks.end);
                let (rows, scales) = packed.lanes(first..outputs.end, blocks.clone());
                let mut scales = simd.words(scales.each_ref());
                for (at, tiles) in tiles.iter_mut().enumerate() {
                    let lines = LANES * BLOCK_BYTES / LINE;
                    (0..lines).for_each(|line| fetch(next, ((start + at) * lines + line) * LINE));
                    let scales = simd.next_scales(&mut scales[at / 4]);
                    let words = simd.words(std::array::from_fn(|lane| &rows[lane][at]));
                    let out = tiles[column].chunks_exact_mut(BLOCK / 8 * LANES);
                    for (mut words, out) in words.into_iter().zip(out) {
                        for pairs in out.chunks_exact_mut(LANES) {
                            let [first, second] =
                                [simd.next_values(&mut words), simd.next_values(&mut words)];
                            let values = first.as_ref().iter().zip(second.as_ref()).zip(scales.as_ref());
                            for (out, ((&first, &second), &scale)) in
                                S::as_mut_simd_u32s(pairs).0.iter_mut().zip(values)
                            {
                                let first = simd.transmute_u32s_f32s(simd.mul_f32s(first, scale));
                                let second = simd.transmute_u32s_f32s(simd.mul_f32s(second, scale));
                                *out = simd.or_u32s(simd.wrapping_dyn_shr_u32s(first, sixteen), second);
                            }
                        }
                    }
                }
            }
        }
    }
}
