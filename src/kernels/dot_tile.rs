//! Tiles of dot products: some rows of the batch times some rows of a weight whose rows belong to outputs.

use pulp::{Simd, WithSimd};

use super::cache::{LINE, fetch};

/// `out` \[n\]\[rows\] += x · Wᵀ, over some columns of both.
pub struct DotTile<'a> {
    /// \[n, x_stride\], from the first column that is multiplied on.
    pub x: &'a [f32],
    /// From one batch row to the next.
    pub x_stride: usize,
    /// Batch rows.
    pub count: usize,
    /// \[rows, weight_stride\], from the first column on, and after them the rows that are multiplied next.
    pub weight: &'a [f32],
    /// From one row of the weight to the next.
    pub weight_stride: usize,
    /// Rows to be multiplied.
    pub rows: usize,
    /// Columns that are multiplied.
    pub columns: usize,
    /// \[n, stride\]
    pub out: &'a mut [f32],
    /// The length of a row of `out`.
    pub stride: usize,
    /// The column of `out` that belongs to the first row of `weight`.
    pub at: usize,
}

impl WithSimd for DotTile<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let count = self.count;
        let mut batch_row = 0;
        while batch_row < count {
            batch_row += match (S::REGISTER_COUNT, count - batch_row) {
                // As many sums as there are registers for, of 32 or of 16.
                (32, 6..) => self.rows::<S, 6, 4>(simd, batch_row),
                (32, 5) => self.rows::<S, 5, 4>(simd, batch_row),
                (32, 4) => self.rows::<S, 4, 4>(simd, batch_row),
                (32, 3) => self.rows::<S, 3, 4>(simd, batch_row),
                (_, 4..) => self.rows::<S, 4, 2>(simd, batch_row),
                (_, 2..) => self.rows::<S, 2, 4>(simd, batch_row),
                _ => self.rows::<S, 1, 4>(simd, batch_row),
            };
        }
    }
}

impl DotTile<'_> {
    /// Some batch rows times all rows of the weight; returns how many batch rows these are.
    #[inline(always)]
    fn rows<S: Simd, const BATCH_ROWS: usize, const ROWS: usize>(
        &mut self,
        simd: S,
        batch_row: usize,
    ) -> usize {
        let rows = self.rows;
        let whole = rows - rows % ROWS;
        for row in (0..whole).step_by(ROWS) {
            self.tile::<S, BATCH_ROWS, ROWS>(simd, batch_row, row);
        }
        for row in whole..rows {
            self.tile::<S, BATCH_ROWS, 1>(simd, batch_row, row);
        }
        BATCH_ROWS
    }

    #[inline(always)]
    fn tile<S: Simd, const BATCH_ROWS: usize, const ROWS: usize>(
        &mut self,
        simd: S,
        batch_row: usize,
        row: usize,
    ) {
        let (x, weight, stride) = (self.x, self.weight, self.weight_stride);
        let x: [&[f32]; BATCH_ROWS] =
            std::array::from_fn(|at| &x[(batch_row + at) * self.x_stride..][..self.columns]);
        let w: [&[f32]; ROWS] = std::array::from_fn(|at| &weight[(row + at) * stride..][..self.columns]);
        let registers = self.columns / S::F32_LANES;
        let xs = x.map(|x| &S::as_simd_f32s(x).0[..registers]);
        let ws = w.map(|w| &S::as_simd_f32s(w).0[..registers]);
        // The first batch rows fetch the next rows of the weight; later ones find them in the cache.
        let next = match batch_row {
            0 => weight.get((row + self.rows) * stride..).unwrap_or(&[]),
            _ => &[],
        };
        let next: &[u8] = bytemuck::cast_slice(next);
        let mut sums = [[simd.splat_f32s(0.0); ROWS]; BATCH_ROWS];
        for at in 0..registers {
            if !next.is_empty() && (at * S::F32_LANES * size_of::<f32>()).is_multiple_of(LINE) {
                (0..ROWS).for_each(|row| fetch(next, (row * stride + at * S::F32_LANES) * size_of::<f32>()));
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
            let out = &mut self.out[(batch_row + at) * self.stride + self.at + row..][..ROWS];
            for ((out, sum), w) in out.iter_mut().zip(sums).zip(w) {
                let rest: f32 = x[done..].iter().zip(&w[done..]).map(|(x, w)| x * w).sum();
                *out += simd.reduce_sum_f32s(sum) + rest;
            }
        }
    }
}
