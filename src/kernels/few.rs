//! Products of a few vectors with a weight that is read once, in order, as fast as memory gives it.

use std::ops::Range;

use pulp::{Simd, WithSimd};

/// Rows of a weight that are read side by side.
const ROWS: usize = 8;

/// `out` \[n, columns\] += x · some columns of W \[from, to\], [`ROWS`] rows at a time.
pub struct FewTimesRows<'a> {
    /// \[n, from\]
    pub x: &'a [f32],
    /// \[from, to\]
    pub weight: &'a [f32],
    /// Values of a vector.
    pub from: usize,
    /// Columns of the weight.
    pub to: usize,
    /// Which of them.
    pub columns: Range<usize>,
    /// \[n, columns\]
    pub out: &'a mut [f32],
}

impl WithSimd for FewTimesRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { x, weight, from, to, columns, out } = self;
        let row = |at: usize| &weight[at * to + columns.start..at * to + columns.end];
        let whole = from - from % ROWS;
        for first in (0..whole).step_by(ROWS) {
            let rows: [&[f32]; ROWS] = std::array::from_fn(|at| row(first + at));
            add_rows(simd, rows, x, first, from, out);
        }
        for at in whole..from {
            add_rows(simd, [row(at)], x, at, from, out);
        }
    }
}

// Each place is one of several slices and of the output: there is nothing to iterate over.
#[allow(clippy::needless_range_loop)]
#[inline(always)]
fn add_rows<S: Simd, const N: usize>(
    simd: S,
    rows: [&[f32]; N],
    x: &[f32],
    first: usize,
    from: usize,
    out: &mut [f32],
) {
    let width = rows[0].len();
    let split = rows.map(S::as_simd_f32s);
    let vectors = split[0].0.len();
    let parts = split.map(|(whole, _)| &whole[..vectors]);
    for at in 0..vectors {
        let w: [S::f32s; N] = std::array::from_fn(|row| parts[row][at]);
        for (x, out) in x.chunks_exact(from).zip(out.chunks_exact_mut(width)) {
            let x = &x[first..first + N];
            let out = &mut S::as_mut_simd_f32s(out).0[at];
            *out = (0..N).fold(*out, |sum, row| simd.mul_add_f32s(simd.splat_f32s(x[row]), w[row], sum));
        }
    }
    let done = vectors * S::F32_LANES;
    for (x, out) in x.chunks_exact(from).zip(out.chunks_exact_mut(width)) {
        for at in done..width {
            out[at] = (0..N).fold(out[at], |sum, row| x[first + row].mul_add(rows[row][at], sum));
        }
    }
}

/// `out` \[n, rows\] = x · some rows of W \[rows, from\], transposed.
pub struct FewDots<'a> {
    /// \[n, from\]
    pub x: &'a [f32],
    /// \[rows, from\]
    pub weight: &'a [f32],
    /// Values of a vector.
    pub from: usize,
    /// \[n, rows\]
    pub out: &'a mut [f32],
}

impl WithSimd for FewDots<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { x, weight, from, out } = self;
        let rows = weight.len() / from;
        for (row, weight) in weight.chunks_exact(from).enumerate() {
            let (w, w_rest) = S::as_simd_f32s(weight);
            tiles(x, from, |first, x: [&[f32]; 4]| {
                let split = x.map(S::as_simd_f32s);
                let mut sums = [simd.splat_f32s(0.0); 4];
                for (at, &w) in w.iter().enumerate() {
                    for (sum, (x, _)) in sums.iter_mut().zip(&split) {
                        *sum = simd.mul_add_f32s(x[at], w, *sum);
                    }
                }
                for (tile, (sum, (_, rest))) in sums.into_iter().zip(&split).enumerate() {
                    let rest: f32 = rest.iter().zip(w_rest).map(|(x, w)| x * w).sum();
                    if let Some(out) = out.get_mut((first + tile) * rows + row) {
                        *out = simd.reduce_sum_f32s(sum) + rest;
                    }
                }
            });
        }
    }
}

/// As [`FewDots`], for weights in bf16 and vectors whose even and odd places are apart.
pub struct FewDotsBf16<'a> {
    /// \[n, 2, half\]
    pub split: &'a [f32],
    /// \[rows, half\]
    pub weight: &'a [u32],
    /// Half the values of a vector.
    pub half: usize,
    /// \[n, rows\]
    pub out: &'a mut [f32],
}

impl WithSimd for FewDotsBf16<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { split, weight, half, out } = self;
        let rows = weight.len() / half;
        let (sixteen, high) = (simd.splat_u32s(16), simd.splat_u32s(0xffff_0000));
        for (row, weight) in weight.chunks_exact(half).enumerate() {
            let (w, w_rest) = S::as_simd_u32s(weight);
            tiles(split, 2 * half, |first, x: [&[f32]; 4]| {
                let even = x.map(|x| S::as_simd_f32s(&x[..half]));
                let odd = x.map(|x| S::as_simd_f32s(&x[half..]));
                let mut sums = [simd.splat_f32s(0.0); 4];
                for (at, &pair) in w.iter().enumerate() {
                    let low = simd.transmute_f32s_u32s(simd.wrapping_dyn_shl_u32s(pair, sixteen));
                    let high = simd.transmute_f32s_u32s(simd.and_u32s(pair, high));
                    for (sum, (even, odd)) in sums.iter_mut().zip(even.iter().zip(&odd)) {
                        *sum = simd.mul_add_f32s(even.0[at], low, *sum);
                        *sum = simd.mul_add_f32s(odd.0[at], high, *sum);
                    }
                }
                for (tile, (sum, (even, odd))) in sums.into_iter().zip(even.iter().zip(&odd)).enumerate() {
                    let mut rest = 0.0;
                    for ((pair, even), odd) in w_rest.iter().zip(even.1).zip(odd.1) {
                        rest += even * f32::from_bits(pair << 16) + odd * f32::from_bits(pair & 0xffff_0000);
                    }
                    if let Some(out) = out.get_mut((first + tile) * rows + row) {
                        *out = simd.reduce_sum_f32s(sum) + rest;
                    }
                }
            });
        }
    }
}

/// Calls `work` for four vectors of `x` \[n, size\] at a time; the last of them again where there are fewer.
#[inline(always)]
pub fn tiles<'a>(x: &'a [f32], size: usize, mut work: impl FnMut(usize, [&'a [f32]; 4])) {
    let count = x.len() / size;
    for first in (0..count).step_by(4) {
        work(
            first,
            std::array::from_fn(|at| {
                let at = (first + at).min(count - 1);
                &x[at * size..(at + 1) * size]
            }),
        );
    }
}
