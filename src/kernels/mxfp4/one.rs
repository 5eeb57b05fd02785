//! The product of one vector: a block is decoded in registers, multiplied there, and never written.

use std::ops::Range;

use super::{BLOCK, Packed, SCALES};
use crate::kernels::codes::{Codes, WithCodes, dispatch};
use crate::kernels::matmul::by_rows;
use crate::kernels::panel::{LINE, fetch};

/// `y` \[to\] += `x` \[from\] · Wᵀ.
pub fn one(x: &[f32], packed: &Packed<'_>, y: &mut [f32]) {
    // Of a block the even places first, as the low nibbles of its bytes are.
    let split: Vec<f32> = x
        .chunks_exact(BLOCK)
        .flat_map(|x| x.iter().step_by(2).chain(x.iter().skip(1).step_by(2)).copied())
        .collect();
    by_rows(y.len(), y, |rows, sums| dispatch(Dots { x: &split, packed, rows, sums }));
}

/// `sums` \[rows\] = x · some rows.
struct Dots<'a> {
    /// \[from\]
    x: &'a [f32],
    packed: &'a Packed<'a>,
    rows: Range<usize>,
    sums: &'a mut [[f32; 1]],
}

impl WithCodes for Dots<'_> {
    #[inline(always)]
    fn with_codes<S: Codes>(self, simd: S) {
        // Rows side by side, so that one needn't wait for another's sum, where there are registers for it.
        match S::REGISTER_COUNT {
            32 => self.dots::<S, 4>(simd),
            _ => self.dots::<S, 1>(simd),
        }
    }
}

impl Dots<'_> {
    #[inline(always)]
    fn dots<S: Codes, const ROWS: usize>(self, simd: S) {
        let Self { x, packed, rows, sums } = self;
        let x = &x.as_chunks::<BLOCK>().0[..packed.groups];
        for (first, sums) in rows.clone().step_by(ROWS).zip(sums.chunks_mut(ROWS)) {
            let row: [_; ROWS] = std::array::from_fn(|at| {
                let (blocks, scales) = packed.row((first + at).min(rows.end - 1));
                (&blocks.as_chunks().0[..packed.groups], &scales[..packed.groups])
            });
            let next = first + ROWS..(first + 2 * ROWS).min(rows.end);
            let next = packed.blocks_of(next.start.min(next.end)..next.end);
            let mut all = [simd.splat_f32s(0.0); ROWS];
            for (block, x) in x.iter().enumerate() {
                fetch(next, block * LINE);
                let (x, _) = S::as_simd_f32s(x);
                for (sum, (blocks, scales)) in all.iter_mut().zip(&row) {
                    let codes = simd.twice_codes(&blocks[block]);
                    let scale = simd.splat_f32s(SCALES[usize::from(scales[block])]);
                    let (x_low, x_high) = x.split_at(codes[0].as_ref().len());
                    let mut product = simd.splat_f32s(0.0);
                    for (&code, &x) in codes[0].as_ref().iter().zip(x_low) {
                        product = simd.mul_add_f32s(code, x, product);
                    }
                    for (&code, &x) in codes[1].as_ref().iter().zip(x_high) {
                        product = simd.mul_add_f32s(code, x, product);
                    }
                    *sum = simd.mul_add_f32s(product, scale, *sum);
                }
            }
            for (sum, all) in sums.iter_mut().zip(all) {
                sum[0] = 0.5 * simd.reduce_sum_f32s(all);
            }
        }
    }
}
