//! Blocks decoded into panels, for large batches.

use std::ops::Range;

use super::format::BLOCK;
use super::packed::Packed;
use crate::kernels::decoded::Decoded;
use crate::kernels::fp4_decoder::{Fp4Decoder, LANES, WithDecoder, dispatch};
use crate::kernels::panel::PANEL;

impl Decoded for Packed<'_> {
    const PARTS: usize = 1;

    fn decode(&self, outputs: Range<usize>, inputs: Range<usize>, panel: &mut [f32]) {
        let blocks = inputs.start / BLOCK..inputs.end / BLOCK;
        dispatch(Decode { packed: self, blocks, outputs, panel });
    }

    fn bytes(&self, outputs: Range<usize>) -> &[u8] {
        self.blocks_of(outputs)
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
