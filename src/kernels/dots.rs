//! Products of vectors with a weight of which each row belongs to an output: tiles of dot products.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::cache::{LINE, fetch};

/// `out` \[n\]\[rows\] += x · Wᵀ over some columns, the values of x and W in the same order.
pub struct Dots<'a> {
    /// \[n, from\]
    pub x: &'a [f32],
    /// \[rows, from\], and what is multiplied after it.
    pub weight: &'a [f32],
    /// Rows to be multiplied.
    pub rows: usize,
    /// Values of a vector.
    pub from: usize,
    /// Which of them.
    pub columns: Range<usize>,
    /// \[n, stride\]
    pub out: &'a mut [f32],
    /// The length of a row of `out`.
    pub stride: usize,
    /// Where in it the first row of `weight` belongs.
    pub at: usize,
}

impl WithSimd for Dots<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let count = self.x.len() / self.from;
        let mut vector = 0;
        while vector < count {
            vector += match (S::REGISTER_COUNT, count - vector) {
                // As many sums as there are registers for, of 32 or of 16.
                (32, 6..) => self.rows::<S, 6, 4>(simd, vector),
                (32, 5) => self.rows::<S, 5, 4>(simd, vector),
                (32, 4) => self.rows::<S, 4, 4>(simd, vector),
                (32, 3) => self.rows::<S, 3, 4>(simd, vector),
                (_, 4..) => self.rows::<S, 4, 2>(simd, vector),
                (_, 2..) => self.rows::<S, 2, 4>(simd, vector),
                _ => self.rows::<S, 1, 4>(simd, vector),
            };
        }
    }
}

impl Dots<'_> {
    /// Some vectors times all rows; says how many vectors these are.
    #[inline(always)]
    fn rows<S: Simd, const VECTORS: usize, const ROWS: usize>(&mut self, simd: S, vector: usize) -> usize {
        let rows = self.rows;
        let whole = rows - rows % ROWS;
        for row in (0..whole).step_by(ROWS) {
            self.tile::<S, VECTORS, ROWS>(simd, vector, row);
        }
        for row in whole..rows {
            self.tile::<S, VECTORS, 1>(simd, vector, row);
        }
        VECTORS
    }

    #[inline(always)]
    fn tile<S: Simd, const VECTORS: usize, const ROWS: usize>(&mut self, simd: S, vector: usize, row: usize) {
        let (x, weight, from) = (self.x, self.weight, self.from);
        let x: [&[f32]; VECTORS] = std::array::from_fn(|at| &x[(vector + at) * from..][self.columns.clone()]);
        let w: [&[f32]; ROWS] = std::array::from_fn(|at| &weight[(row + at) * from..][self.columns.clone()]);
        let registers = self.columns.len() / S::F32_LANES;
        let xs = x.map(|x| &S::as_simd_f32s(x).0[..registers]);
        let ws = w.map(|w| &S::as_simd_f32s(w).0[..registers]);
        // Rows that come as many later; later vectors find theirs in the cache.
        let next = match vector {
            0 => weight.get((row + self.rows) * from + self.columns.start..).unwrap_or(&[]),
            _ => &[],
        };
        let next = bytemuck::cast_slice(next);
        let mut sums = [[simd.splat_f32s(0.0); ROWS]; VECTORS];
        for at in 0..registers {
            if (at * S::F32_LANES * size_of::<f32>()).is_multiple_of(LINE) {
                (0..ROWS).for_each(|row| fetch(next, (row * from + at * S::F32_LANES) * size_of::<f32>()));
            }
            let w: [S::f32s; ROWS] = std::array::from_fn(|row| ws[row][at]);
            for (sums, x) in sums.iter_mut().zip(&xs) {
                for (sum, &w) in sums.iter_mut().zip(&w) {
                    *sum = simd.mul_add_f32s(x[at], w, *sum);
                }
            }
        }
        let done = registers * S::F32_LANES;
        for (at, (sums, x)) in sums.into_iter().zip(x).enumerate() {
            let out = &mut self.out[(vector + at) * self.stride + self.at + row..][..ROWS];
            for ((out, sum), w) in out.iter_mut().zip(sums).zip(w) {
                let rest: f32 = x[done..].iter().zip(&w[done..]).map(|(x, w)| x * w).sum();
                *out += simd.reduce_sum_f32s(sum) + rest;
            }
        }
    }
}
