//! Products of one or two batch rows by the instructions that multiply bytes and sum the products. They take half as
//! long as those for f32.
//!
//! Twice a code is a whole number. A value of x becomes a whole number too: three digits of base 256, times a power
//! of two that eight values share. It is off by at most 1.21e-7 of the largest of the eight (2^-23 is 1.19e-7); f32
//! would lose as much when it sums their products. The sum of eight products is exact. These sums are then added as
//! f32.
//!
//! Only `mxfp4::add_product` knows of this folder. To take it out: delete the folder, its `mod` line and the `if`
//! there.

mod dispatch;
#[cfg(target_arch = "aarch64")]
mod neon;
mod simd;
mod values;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::ops::Range;

use pulp::Simd;

use super::format::BLOCK_BYTES;
use super::packed::Packed;
use crate::kernels::cache::{LINE, fetch};
use crate::kernels::fp4_decoder::Fp4Decoder;
use crate::kernels::parallel::by_rows;
use dispatch::{WithInt8, dispatch};
use simd::Int8Simd;
use values::{BLOCKS, VALUES, Values};

/// `y` \[n, out\] += `x` \[n, in\] · Wᵀ, for one or two batch rows of at least [`BLOCKS`]
/// blocks. Returns whether it was done.
pub fn add_product(sizes: [usize; 2], x: &[f32], packed: &Packed<'_>, y: &mut [f32]) -> bool {
    match x.len() / sizes[0] {
        _ if packed.groups < BLOCKS => return false,
        1 => add_products_of::<1>(sizes, x, packed, y),
        2 => add_products_of::<2>(sizes, x, packed, y),
        _ => return false,
    }
    true
}

fn add_products_of<const BATCH_ROWS: usize>(
    [in_features, out_features]: [usize; 2],
    x: &[f32],
    packed: &Packed<'_>,
    y: &mut [f32],
) {
    let mut values = vec![[Values::ZERO; BATCH_ROWS]; in_features.div_ceil(VALUES)];
    dispatch(Split { x, in_features, values: &mut values });
    by_rows(out_features, y, |rows, sums| dispatch(Products { x: &values, packed, rows, sums }));
}

/// Takes batch rows apart. The last group of values ends where the row ends; values that the group before has already
/// count as zero.
struct Split<'a, const BATCH_ROWS: usize> {
    x: &'a [f32],
    in_features: usize,
    values: &'a mut [[Values; BATCH_ROWS]],
}

impl<const BATCH_ROWS: usize> WithInt8 for Split<'_, BATCH_ROWS> {
    #[inline(always)]
    fn with_int8<B: Int8Simd>(self, _: B) {
        for (batch_row, x) in self.x.chunks_exact(self.in_features).enumerate() {
            for (x, values) in x.chunks(VALUES).zip(self.values.iter_mut()) {
                let mut all = [0.0; VALUES];
                all[VALUES - x.len()..].copy_from_slice(x);
                values[batch_row] = Values::new(&all);
            }
        }
    }
}

/// `sums` \[rows, BATCH_ROWS\] = x · some rows.
struct Products<'a, const BATCH_ROWS: usize> {
    x: &'a [[Values; BATCH_ROWS]],
    packed: &'a Packed<'a>,
    rows: Range<usize>,
    sums: &'a mut [[f32; BATCH_ROWS]],
}

impl<const BATCH_ROWS: usize> WithInt8 for Products<'_, BATCH_ROWS> {
    #[inline(always)]
    fn with_int8<B: Int8Simd>(self, int8: B) {
        // Several rows share what is read of x, where there are registers for it.
        match (B::Simd::REGISTER_COUNT, BATCH_ROWS) {
            (32, 1) => self.dots::<B, 4>(int8),
            (32, _) => self.dots::<B, 3>(int8),
            _ => self.dots::<B, 1>(int8),
        }
    }
}

impl<const BATCH_ROWS: usize> Products<'_, BATCH_ROWS> {
    #[inline(always)]
    fn dots<B: Int8Simd, const ROWS: usize>(self, int8: B) {
        let Self { x, packed, rows, sums } = self;
        let simd = int8.simd();
        for (first, sums) in rows.clone().step_by(ROWS).zip(sums.chunks_mut(ROWS)) {
            let row: [_; ROWS] = std::array::from_fn(|at| packed.row((first + at).min(rows.end - 1)));
            let next = packed.blocks_of((first + ROWS).min(rows.end)..(first + 2 * ROWS).min(rows.end));
            let mut lanes = [[simd.zero(); BATCH_ROWS]; ROWS];
            for (at, x) in x.iter().enumerate() {
                let start = (at * BLOCKS).min(packed.groups - BLOCKS);
                for (line, (lanes, (blocks, scales))) in lanes.iter_mut().zip(&row).enumerate() {
                    fetch(next, (at * ROWS + line) * LINE);
                    let blocks = blocks[start * BLOCK_BYTES..].first_chunk().expect("as many as scales");
                    let scales = scales[start..].first_chunk().expect("the last ones end with the row");
                    add_products(int8, int8.twice_codes(blocks), int8.scales(scales), x, lanes);
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

/// `sums` += the products of some blocks with each batch row.
#[inline(always)]
fn add_products<B: Int8Simd, const BATCH_ROWS: usize>(
    int8: B,
    codes: B::TwiceCodes,
    scales: <B::Simd as Fp4Decoder>::Half,
    x: &[Values; BATCH_ROWS],
    sums: &mut [<B::Simd as Fp4Decoder>::Half; BATCH_ROWS],
) {
    let simd = int8.simd();
    for (x, sums) in x.iter().zip(sums) {
        let products = int8.products(codes, x);
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
    use crate::kernels::mxfp4::format::{BLOCK, CODES, scale_value};
    use dispatch::on_every_machine;
    use values::{BYTES, SHARED};

    #[derive(Clone, Copy)]
    struct Check<const BATCH_ROWS: usize> {
        /// One in so many values is a thousand times as large.
        outliers: usize,
    }

    impl<const BATCH_ROWS: usize> WithInt8 for Check<BATCH_ROWS> {
        fn with_int8<B: Int8Simd>(self, int8: B) {
            // Rows that are no whole groups, and blocks that are none.
            let (in_features, out_features) = (544, 37);
            let groups = in_features / BLOCK;
            let mut random = fastrand::Rng::with_seed(7);
            let blocks: Vec<u8> =
                std::iter::repeat_with(|| random.u8(..)).take(out_features * in_features / 2).collect();
            let scales: Vec<u8> =
                std::iter::repeat_with(|| random.u8(120..130)).take(out_features * groups).collect();
            let mut x: Vec<f32> =
                std::iter::repeat_with(|| random.f32() - 0.5).take(BATCH_ROWS * in_features).collect();
            x.iter_mut().step_by(self.outliers).for_each(|x| *x *= 1000.0);
            let packed = Packed { blocks: &blocks, scales: &scales, groups };
            let mut values = vec![[Values::ZERO; BATCH_ROWS]; in_features.div_ceil(VALUES)];
            Split { x: &x, in_features, values: &mut values }.with_int8(int8);
            let mut sums = vec![[f32::NAN; BATCH_ROWS]; out_features];
            Products { x: &values, packed: &packed, rows: 0..out_features, sums: &mut sums }.with_int8(int8);
            for (row, sums) in sums.iter().enumerate() {
                let weight = |at: usize| {
                    let code = CODES[usize::from(blocks[(row * in_features + at) / 2] >> (at % 2 * 4) & 15)];
                    f64::from(code * scale_value(scales[row * groups + at / BLOCK]))
                };
                for (sum, x) in sums.iter().zip(x.chunks(in_features)) {
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
            let packed = Packed { blocks: &blocks, scales: &scales, groups: BLOCKS };
            assert!(add_product([VALUES, 2], &x, &packed, &mut y));
            assert!(y.iter().all(|y| y.is_nan()), "{y:?} of {none}");
        }
    }
}
