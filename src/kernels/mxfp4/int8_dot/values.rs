//! Values of a batch row as whole numbers in three digits of base 256, so that bytes can be multiplied.

use crate::kernels::fp4_decoder::LANES;
use crate::kernels::mxfp4::format::{BLOCK, BLOCK_BYTES};

/// Blocks that are multiplied at a time. Rows with fewer blocks are not multiplied here.
pub const BLOCKS: usize = 4;
/// Bytes of these: as many as the widest registers have.
pub const BYTES: usize = BLOCKS * BLOCK_BYTES;
/// Values that are multiplied at a time.
pub const VALUES: usize = BLOCKS * BLOCK;
/// Values that share a power of two: a lane of 32 bits sums their products.
pub const SHARED: usize = VALUES / LANES;
/// Digits of a value.
const DIGITS: usize = 3;
/// The exponent of the largest of eight values, less the exponent of the power of two that they share.
const BITS: u32 = 22;
/// What is added to twice a code where only unsigned bytes can be multiplied by signed ones.
pub const OFFSET: i32 = 12;

/// Values of a batch row, taken apart.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub struct Values {
    /// The highest digit first, each from -128 to 127: of the values at even places, as low nibbles have them, then of
    /// those at odd ones.
    pub digits: [[[i8; BYTES]; 2]; DIGITS],
    /// Added to the sum of each lane, it takes out the share of [`OFFSET`].
    pub offsets: [i32; LANES],
    /// Half of the power of two of each lane, because codes are doubled. NaN if one of its values is NaN or infinite.
    pub scales: [f32; LANES],
}

impl Values {
    pub const ZERO: Self =
        Self { digits: [[[0; BYTES]; 2]; DIGITS], offsets: [0; LANES], scales: [0.0; LANES] };

    #[inline(always)]
    pub fn new(x: &[f32; VALUES]) -> Self {
        let x = x.as_chunks::<SHARED>().0;
        let mut values = Self::ZERO;
        let mut ups = [0.0; LANES];
        for ((x, scale), up) in x.iter().zip(&mut values.scales).zip(&mut ups) {
            // The bits of positive f32s are in the order of their values; infinity and NaN come last.
            let largest = x.iter().fold(0, |largest, x| x.abs().to_bits().max(largest));
            // One more where three digits would be just too few. Values below 2^-100 count as zero.
            let exponent = ((largest + (1 << 17)) >> 23).max(127 - 100);
            let half = f32::from_bits((exponent - BITS - 1) << 23);
            let times = f32::from_bits((2 * 127 + BITS - exponent) << 23);
            (*scale, *up) = if largest < f32::INFINITY.to_bits() { (half, times) } else { (f32::NAN, 0.0) };
        }
        let mut wholes = [[0; SHARED]; LANES];
        for ((whole, x), up) in wholes.iter_mut().zip(x).zip(ups) {
            *whole = x.map(|x| (x * up).round_ties_even() as i32);
        }
        for (offset, whole) in values.offsets.iter_mut().zip(&wholes) {
            *offset = -OFFSET * whole.iter().sum::<i32>();
        }
        // Digits from 0 to 255 instead of −128 to 127.
        let wholes = wholes.map(|whole| whole.map(|whole| (whole + 0x80_8080) ^ 0x80_8080));
        for (digit, places) in values.digits.iter_mut().rev().enumerate() {
            for (place, bytes) in places.iter_mut().enumerate() {
                for (byte, pair) in bytes.iter_mut().zip(wholes.as_flattened().as_chunks::<2>().0) {
                    *byte = (pair[place] >> (8 * digit)) as i8;
                }
            }
        }
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What digits and their scale stand for.
    fn values(x: &Values) -> Vec<f64> {
        let value = |at: usize| {
            let digit = |digit: usize| i32::from(x.digits[digit][at % 2][at / 2]);
            let whole = (digit(0) * 256 + digit(1)) * 256 + digit(2);
            2.0 * f64::from(x.scales[at / SHARED]) * f64::from(whole)
        };
        (0..VALUES).map(value).collect()
    }

    proptest! {
        #[test]
        fn values_are_off_by_no_more_than_promised(
            x in prop::array::uniform32(-1.0f32..1.0),
            exponents in prop::array::uniform32(-90i32..120),
        ) {
            let mut all = [0.0; VALUES];
            for ((x, exponent), all) in x.iter().zip(exponents).zip(all.iter_mut().step_by(3)) {
                *all = x * 2.0f32.powi(exponent);
            }
            let split = Values::new(&all);
            for (eight, taken) in all.chunks(SHARED).zip(values(&split).chunks(SHARED)) {
                let largest = eight.iter().fold(0.0f32, |largest, x| largest.max(x.abs()));
                for (x, taken) in eight.iter().zip(taken) {
                    let most = (1.21e-7 * f64::from(largest)).max(2.0f64.powi(-123));
                    prop_assert!((f64::from(*x) - taken).abs() <= most, "{x} became {taken} beside {largest}");
                }
            }
        }
    }

    #[test]
    fn largest_values_have_three_digits() {
        for x in
            [f32::MAX, -f32::MAX, 1.0, -1.0, 1.0f32.next_down(), 1.984_375, 1.984_375f32.next_down(), 1.99]
        {
            let taken = values(&Values::new(&[x; VALUES]));
            assert!(taken.iter().all(|taken| (taken / f64::from(x) - 1.0).abs() < 1.21e-7), "{x}");
        }
    }
}
