//! Products of one or two vectors, by the instructions that multiply bytes and sum the products, which take half as long
//! as those for f32.
//!
//! Twice a code is a whole number. A value is taken for a multiple of a power of two, which eight of them share, in three
//! digits of base 256: it is off by at most 1.21e-7 of the largest of its eight (2^-23 is 1.19e-7), which is what f32 would
//! lose in summing their products. These sums are exact; then they are summed as f32s.

mod bytes;
#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::ops::Range;

use pulp::Simd;

use super::{BLOCK, BLOCK_BYTES, Packed};
use crate::kernels::codes::{Codes, LANES};
use crate::kernels::matmul::by_rows;
use crate::kernels::panel::{LINE, fetch};
use bytes::{Bytes, WithBytes, dispatch};

/// Blocks that are multiplied at a time: there is no product of rows that have fewer.
pub const BLOCKS: usize = 4;
/// Bytes of these: as many as the widest registers have.
const BYTES: usize = BLOCKS * BLOCK_BYTES;
/// Values that are multiplied at a time.
const VALUES: usize = BLOCKS * BLOCK;
/// Values that share a power of two: a lane of 32 bits sums their products.
const SHARED: usize = VALUES / LANES;
/// Digits of a value.
const DIGITS: usize = 3;
/// How much higher than the power of two the exponent of the largest value is.
const BITS: u32 = 22;
/// What is added to twice a code where only unsigned bytes can be multiplied by signed ones.
const OFFSET: i32 = 12;

/// Values of a vector, taken apart.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Values {
    /// The highest digit first, each from -128 to 127: of the values at even places, as low nibbles have them, then of
    /// those at odd ones.
    digits: [[[i8; BYTES]; 2]; DIGITS],
    /// What takes away the share of [`OFFSET`] in the sum of each lane.
    offsets: [i32; LANES],
    /// Half of the power of two of each lane, as codes are taken twice; or NaN, if one of its values is no number.
    scales: [f32; LANES],
}

impl Values {
    const ZERO: Self = Self { digits: [[[0; BYTES]; 2]; DIGITS], offsets: [0; LANES], scales: [0.0; LANES] };

    #[inline(always)]
    fn new(x: &[f32; VALUES]) -> Self {
        let x = x.as_chunks::<SHARED>().0;
        let mut values = Self::ZERO;
        let mut ups = [0.0; LANES];
        for ((x, scale), up) in x.iter().zip(&mut values.scales).zip(&mut ups) {
            // As bits, by which positive f32s are in order, and what is no number comes last.
            let largest = x.iter().fold(0, |largest, x| x.abs().to_bits().max(largest));
            // The next one, if three digits would just be too few. Below 2^-100 there is nothing.
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
        // As digits from 0 to 255 they are 128 more.
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

/// `y` \[VECTORS, to\] += `x` \[VECTORS, from\] · Wᵀ.
pub fn by_digits<const VECTORS: usize>(
    [from, to]: [usize; 2],
    x: &[f32],
    packed: &Packed<'_>,
    y: &mut [f32],
) {
    let mut values = vec![[Values::ZERO; VECTORS]; from.div_ceil(VALUES)];
    dispatch(Split { x, from, values: &mut values });
    by_rows(to, y, |rows, sums| dispatch(Dots { x: &values, packed, rows, sums }));
}

/// Takes vectors apart. The last values of each end with it, as its last blocks do: what was among those before counts
/// as zero.
struct Split<'a, const VECTORS: usize> {
    x: &'a [f32],
    from: usize,
    values: &'a mut [[Values; VECTORS]],
}

impl<const VECTORS: usize> WithBytes for Split<'_, VECTORS> {
    #[inline(always)]
    fn with_bytes<B: Bytes>(self, _: B) {
        for (vector, x) in self.x.chunks_exact(self.from).enumerate() {
            for (x, values) in x.chunks(VALUES).zip(self.values.iter_mut()) {
                let mut all = [0.0; VALUES];
                all[VALUES - x.len()..].copy_from_slice(x);
                values[vector] = Values::new(&all);
            }
        }
    }
}

/// `sums` \[rows, VECTORS\] = x · some rows.
struct Dots<'a, const VECTORS: usize> {
    x: &'a [[Values; VECTORS]],
    packed: &'a Packed<'a>,
    rows: Range<usize>,
    sums: &'a mut [[f32; VECTORS]],
}

impl<const VECTORS: usize> WithBytes for Dots<'_, VECTORS> {
    #[inline(always)]
    fn with_bytes<B: Bytes>(self, bytes: B) {
        // Rows side by side share what is read of vectors, where there are registers for it.
        match (B::Simd::REGISTER_COUNT, VECTORS) {
            (32, 1) => self.dots::<B, 4>(bytes),
            (32, _) => self.dots::<B, 3>(bytes),
            _ => self.dots::<B, 1>(bytes),
        }
    }
}

impl<const VECTORS: usize> Dots<'_, VECTORS> {
    #[inline(always)]
    fn dots<B: Bytes, const ROWS: usize>(self, bytes: B) {
        let Self { x, packed, rows, sums } = self;
        let simd = bytes.simd();
        for (first, sums) in rows.clone().step_by(ROWS).zip(sums.chunks_mut(ROWS)) {
            let row: [_; ROWS] = std::array::from_fn(|at| packed.row((first + at).min(rows.end - 1)));
            let next = packed.blocks_of((first + ROWS).min(rows.end)..(first + 2 * ROWS).min(rows.end));
            let mut lanes = [[simd.zero(); VECTORS]; ROWS];
            for (at, x) in x.iter().enumerate() {
                let start = (at * BLOCKS).min(packed.groups - BLOCKS);
                for (line, (lanes, (blocks, scales))) in lanes.iter_mut().zip(&row).enumerate() {
                    fetch(next, (at * ROWS + line) * LINE);
                    let blocks = blocks[start * BLOCK_BYTES..].first_chunk().expect("as many as scales");
                    let scales = scales[start..].first_chunk().expect("the last ones end with the row");
                    add_products(bytes, bytes.twice_codes(blocks), bytes.scales(scales), x, lanes);
                }
            }
            for (sums, lanes) in sums.iter_mut().zip(lanes) {
                for (sum, lanes) in sums.iter_mut().zip(lanes) {
                    let [first, rest @ ..] = lanes.as_ref() else { unreachable!("lanes fill registers") };
                    let all = rest.iter().fold(*first, |all, lanes| simd.add_f32s(all, *lanes));
                    *sum = simd.reduce_sum_f32s(all);
                }
            }
        }
    }
}

/// `sums` += the products of some blocks with each vector.
#[inline(always)]
fn add_products<B: Bytes, const VECTORS: usize>(
    bytes: B,
    codes: B::TwiceCodes,
    scales: <B::Simd as Codes>::Half,
    x: &[Values; VECTORS],
    sums: &mut [<B::Simd as Codes>::Half; VECTORS],
) {
    let simd = bytes.simd();
    for (x, sums) in x.iter().zip(sums) {
        let products = bytes.products(codes, x);
        let x_scales = <B::Simd as Simd>::as_simd_f32s(&x.scales).0;
        let scales = scales.as_ref().iter().zip(x_scales);
        for ((sum, &product), (&scale, &x_scale)) in
            sums.as_mut().iter_mut().zip(products.as_ref()).zip(scales)
        {
            *sum = simd.mul_add_f32s(product, simd.mul_f32s(scale, x_scale), *sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::mxfp4::{CODES, scale_value};
    use bytes::on_every_machine;
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

    #[derive(Clone, Copy)]
    struct Check<const VECTORS: usize> {
        /// One in so many values is a thousand times as large.
        outliers: usize,
    }

    impl<const VECTORS: usize> WithBytes for Check<VECTORS> {
        fn with_bytes<B: Bytes>(self, bytes: B) {
            // Rows that are no whole groups, and blocks that are none.
            let (from, to) = (544, 37);
            let groups = from / BLOCK;
            let mut random = fastrand::Rng::with_seed(7);
            let blocks: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(to * from / 2).collect();
            let scales: Vec<u8> = std::iter::repeat_with(|| random.u8(120..130)).take(to * groups).collect();
            let mut x: Vec<f32> =
                std::iter::repeat_with(|| random.f32() - 0.5).take(VECTORS * from).collect();
            x.iter_mut().step_by(self.outliers).for_each(|x| *x *= 1000.0);
            let packed = Packed { blocks: &blocks, scales: &scales, groups };
            let mut values = vec![[Values::ZERO; VECTORS]; from.div_ceil(VALUES)];
            Split { x: &x, from, values: &mut values }.with_bytes(bytes);
            let mut sums = vec![[f32::NAN; VECTORS]; to];
            Dots { x: &values, packed: &packed, rows: 0..to, sums: &mut sums }.with_bytes(bytes);
            for (row, sums) in sums.iter().enumerate() {
                let weight = |at: usize| {
                    let code = CODES[usize::from(blocks[(row * from + at) / 2] >> (at % 2 * 4) & 15)];
                    f64::from(code * scale_value(scales[row * groups + at / BLOCK]))
                };
                for (sum, x) in sums.iter().zip(x.chunks(from)) {
                    let exact: f64 = x.iter().enumerate().map(|(at, x)| weight(at) * f64::from(*x)).sum();
                    let size = |(eight, x): (usize, &[f32])| {
                        let largest = x.iter().fold(0.0f32, |largest, x| largest.max(x.abs()));
                        let weights = (0..SHARED).map(|at| weight(eight * SHARED + at).abs());
                        f64::from(largest) * weights.sum::<f64>()
                    };
                    let size: f64 = x.chunks(SHARED).enumerate().map(size).sum();
                    assert!((f64::from(*sum) - exact).abs() < 2.0f64.powi(-22) * size, "{sum}, not {exact}");
                }
            }
        }
    }

    #[test]
    fn every_machine_multiplies_alike() {
        for outliers in [usize::MAX, 100, 5] {
            on_every_machine(Check::<1> { outliers });
            on_every_machine(Check::<2> { outliers });
        }
    }

    #[test]
    fn what_is_no_number_stays_none() {
        let (blocks, scales) = ([0x22; 2 * BYTES], [127; 2 * BLOCKS]);
        for none in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut x = [1.0; VALUES];
            x[100] = none;
            let mut y = [0.0; 2];
            by_digits::<1>(
                [VALUES, 2],
                &x,
                &Packed { blocks: &blocks, scales: &scales, groups: BLOCKS },
                &mut y,
            );
            assert!(y.iter().all(|y| y.is_nan()), "{y:?} of {none}");
        }
    }
}
