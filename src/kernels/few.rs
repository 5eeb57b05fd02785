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
