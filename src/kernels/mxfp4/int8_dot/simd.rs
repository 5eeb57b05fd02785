//! What a processor must offer for products of bytes, and how any processor does it without special instructions.

use pulp::Scalar;

use super::values::{BLOCKS, BYTES, Values};
use crate::kernels::fp4_decoder::{Fp4Decoder, LANES};
use crate::kernels::mxfp4::format::{CODES, SCALES};

/// Twice what the codes stand for: codes are multiples of a half.
pub(super) const TWICE: [i8; 16] = {
    let mut twice = [0; 16];
    let mut at = 0;
    while at < 16 {
        twice[at] = (2.0 * CODES[at]) as i8;
        at += 1;
    }
    twice
};

/// A processor that multiplies bytes and sums the products of each lane.
pub trait Int8Simd: Copy {
    /// Its registers of f32.
    type Simd: Fp4Decoder;
    /// Registers that hold twice what the low, and what the high nibbles of four blocks stand for, perhaps with an
    /// offset.
    type TwiceCodes: Copy;

    /// Its operations on f32.
    fn simd(self) -> Self::Simd;

    /// Twice what the nibbles of four blocks stand for.
    fn twice_codes(self, blocks: &[u8; BYTES]) -> Self::TwiceCodes;

    /// The scale of each lane: four belong to a block.
    fn scales(self, scales: &[u8; BLOCKS]) -> <Self::Simd as Fp4Decoder>::Half;

    /// For each lane the sum of its eight products, exact but for the rounding to f32.
    fn products(self, codes: Self::TwiceCodes, x: &Values) -> <Self::Simd as Fp4Decoder>::Half;
}

impl Int8Simd for Scalar {
    type Simd = Self;
    type TwiceCodes = [[i8; BYTES]; 2];

    #[inline(always)]
    fn simd(self) -> Self {
        self
    }

    #[inline(always)]
    fn twice_codes(self, blocks: &[u8; BYTES]) -> [[i8; BYTES]; 2] {
        [blocks.map(|byte| TWICE[usize::from(byte & 15)]), blocks.map(|byte| TWICE[usize::from(byte >> 4)])]
    }

    #[inline(always)]
    fn scales(self, scales: &[u8; BLOCKS]) -> [f32; LANES] {
        std::array::from_fn(|lane| SCALES[usize::from(scales[lane * BLOCKS / LANES])])
    }

    #[inline(always)]
    fn products(self, codes: [[i8; BYTES]; 2], x: &Values) -> [f32; LANES] {
        std::array::from_fn(|lane| {
            let bytes = lane * BYTES / LANES..(lane + 1) * BYTES / LANES;
            let [high, middle, low] = x.digits.each_ref().map(|digits| {
                let product =
                    |place: usize, at: usize| i32::from(codes[place][at]) * i32::from(digits[place][at]);
                bytes.clone().map(|at| product(0, at) + product(1, at)).sum::<i32>()
            });
            ((high * 256 + middle) * 256 + low) as f32
        })
    }
}
