//! Products of many vectors with some columns of a weight: a block of it is packed in panels that stay in a
//! core's cache, and a tile of results in its registers.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::matmul::aligned;

/// Columns of a panel: whole registers of every width.
pub const PANEL: usize = 48;
/// Rows of the weight that are packed at a time.
pub const DEPTH: usize = 384;
/// Rows that are packed side by side: so many streams a core reads from memory at its best.
const STREAMS: usize = 8;

/// `out` \[n\]\[columns\] += x · some columns of W \[from, to\].
pub struct TimesPanels<'a, 'y> {
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
    /// Room for a block of the weight, to be used again.
    pub packed: &'a mut Vec<f32>,
    /// One row per vector.
    pub out: &'a mut [&'y mut [f32]],
}

impl WithSimd for TimesPanels<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { x, weight, from, to, columns, packed, out } = self;
        let width = columns.len();
        for first in (0..from).step_by(DEPTH) {
            let rows = first..(first + DEPTH).min(from);
            let packed = aligned(packed, rows.len() * width.next_multiple_of(PANEL));
            pack::<S>(&weight[rows.start * to..rows.end * to], to, &columns, packed);
            for (at, panel) in packed.chunks_exact(rows.len() * PANEL).enumerate() {
                let columns = at * PANEL..((at + 1) * PANEL).min(width);
                // As many results as there are registers for, of 32 or of 16.
                match S::F32_LANES {
                    16 => tiles::<S, 8, 3>(simd, x, from, &rows, panel, &columns, out),
                    _ => tiles::<S, 4, 2>(simd, x, from, &rows, panel, &columns, out),
                }
            }
        }
    }
}

/// Some columns of `rows` \[depth, to\] as panels, each \[depth, PANEL\].
#[inline(always)]
fn pack<S: Simd>(rows: &[f32], to: usize, columns: &Range<usize>, packed: &mut [f32]) {
    let depth = rows.len() / to;
    for (block, rows) in rows.chunks(STREAMS * to).enumerate() {
        for (panel, start) in packed.chunks_exact_mut(depth * PANEL).zip(columns.clone().step_by(PANEL)) {
            let end = (start + PANEL).min(columns.end);
            let panel = &mut panel[block * STREAMS * PANEL..];
            for (row, out) in rows.chunks_exact(to).zip(panel.chunks_exact_mut(PANEL)) {
                let row = &row[start..end];
                if row.len() == PANEL {
                    S::as_mut_simd_f32s(out).0.copy_from_slice(S::as_simd_f32s(row).0);
                } else {
                    out[..row.len()].copy_from_slice(row);
                }
            }
        }
    }
}

/// All vectors times one panel; `rows` are those of the weight, `columns` those of `out`.
#[inline(always)]
fn tiles<S: Simd, const VECTORS: usize, const REGISTERS: usize>(
    simd: S,
    x: &[f32],
    from: usize,
    rows: &Range<usize>,
    panel: &[f32],
    columns: &Range<usize>,
    out: &mut [&mut [f32]],
) {
    let mut done = 0;
    while done < out.len() {
        let (x, out) = (&x[done * from..], &mut out[done..]);
        done += match out.len() {
            left if left >= VECTORS => {
                tile::<S, VECTORS, REGISTERS>(simd, x, from, rows, panel, columns, out)
            }
            4.. => tile::<S, 4, REGISTERS>(simd, x, from, rows, panel, columns, out),
            2.. => tile::<S, 2, REGISTERS>(simd, x, from, rows, panel, columns, out),
            _ => tile::<S, 1, REGISTERS>(simd, x, from, rows, panel, columns, out),
        };
    }
}

/// The first `VECTORS` vectors of `x` times one panel; says how many these are.
#[inline(always)]
fn tile<S: Simd, const VECTORS: usize, const REGISTERS: usize>(
    simd: S,
    x: &[f32],
    from: usize,
    rows: &Range<usize>,
    panel: &[f32],
    columns: &Range<usize>,
    out: &mut [&mut [f32]],
) -> usize {
    let x: [&[f32]; VECTORS] = std::array::from_fn(|at| &x[at * from..][rows.clone()]);
    for first in (0..PANEL / S::F32_LANES).step_by(REGISTERS) {
        let mut sums = [[simd.splat_f32s(0.0); REGISTERS]; VECTORS];
        for (row, panel) in panel.chunks_exact(PANEL).enumerate() {
            let panel = &S::as_simd_f32s(panel).0[first..first + REGISTERS];
            for (sums, x) in sums.iter_mut().zip(&x) {
                let x = simd.splat_f32s(x[row]);
                for (sum, &weight) in sums.iter_mut().zip(panel) {
                    *sum = simd.mul_add_f32s(x, weight, *sum);
                }
            }
        }
        for (sums, out) in sums.into_iter().zip(out.iter_mut()) {
            let out = &mut out[columns.clone()];
            if out.len() == PANEL {
                let out = &mut S::as_mut_simd_f32s(out).0[first..first + REGISTERS];
                out.iter_mut().zip(sums).for_each(|(out, sum)| *out = simd.add_f32s(*out, sum));
            } else {
                let mut all = [0.0; PANEL];
                S::as_mut_simd_f32s(&mut all).0[first..first + REGISTERS].copy_from_slice(&sums);
                out.iter_mut().zip(all).for_each(|(out, sum)| *out += sum);
            }
        }
    }
    VECTORS
}
