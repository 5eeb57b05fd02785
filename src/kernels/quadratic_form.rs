//! The norm of x W for each row x, by way of the small square matrix W Wᵀ.

use pulp::{Arch, Simd, WithSimd};

/// Batch rows that are multiplied at a time, and registers that each of them takes.
const BATCH_ROWS: usize = 8;
const REGISTERS: usize = 2;

/// `out` \[n\] = √(x S xᵀ) for each batch row of `x` \[n, size\]. With S = W Wᵀ \[size, size\] that is ‖x W‖.
/// Where rounding leaves a negative number, the root is 0.
///
/// # Panics
/// If the sizes don't belong together.
pub fn norms(x: &[f32], square: &[f32], out: &mut [f32]) {
    let size = square.len().isqrt();
    assert_eq!((size * size, size * out.len()), (square.len(), x.len()), "x is [n, size], S [size, size]");
    Arch::new().dispatch(Norms { x, square, size, out });
}

struct Norms<'a> {
    x: &'a [f32],
    square: &'a [f32],
    size: usize,
    out: &'a mut [f32],
}

impl WithSimd for Norms<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { x, square, size, out } = self;
        for (x, out) in x.chunks(BATCH_ROWS * size).zip(out.chunks_mut(BATCH_ROWS)) {
            // The last batch row stands in where there are fewer than fit; what it gives there is not used.
            let x: [&[f32]; BATCH_ROWS] =
                std::array::from_fn(|at| &x[at.min(out.len() - 1) * size..][..size]);
            let form = form(simd, &x, square);
            out.iter_mut().zip(form).for_each(|(out, form)| *out = form.max(0.0).sqrt());
        }
    }
}

/// x S xᵀ of some batch rows.
#[inline(always)]
fn form<S: Simd>(simd: S, x: &[&[f32]; BATCH_ROWS], square: &[f32]) -> [f32; BATCH_ROWS] {
    let size = x[0].len();
    let whole = size / S::F32_LANES;
    let mut all = [simd.splat_f32s(0.0); BATCH_ROWS];
    let grouped = whole - whole % REGISTERS;
    for at in (0..grouped).step_by(REGISTERS) {
        columns::<S, REGISTERS>(simd, x, square, at, &mut all);
    }
    for at in grouped..whole {
        columns::<S, 1>(simd, x, square, at, &mut all);
    }
    let mut rest = [0.0; BATCH_ROWS];
    for column in whole * S::F32_LANES..size {
        for (rest, x) in rest.iter_mut().zip(x) {
            let product = x.iter().zip(square.chunks_exact(size)).map(|(x, row)| x * row[column]);
            *rest += x[column] * product.sum::<f32>();
        }
    }
    for (rest, sum) in rest.iter_mut().zip(all) {
        *rest += simd.reduce_sum_f32s(sum);
    }
    rest
}

/// Adds the share of some columns of S to `all`, from register `at` on.
#[inline(always)]
fn columns<S: Simd, const N: usize>(
    simd: S,
    x: &[&[f32]; BATCH_ROWS],
    square: &[f32],
    at: usize,
    all: &mut [S::f32s; BATCH_ROWS],
) {
    let size = x[0].len();
    let mut product = [[simd.splat_f32s(0.0); N]; BATCH_ROWS];
    for (row, square) in square.chunks_exact(size).enumerate() {
        let square = &S::as_simd_f32s(square).0[at..at + N];
        for (product, x) in product.iter_mut().zip(x) {
            let x = simd.splat_f32s(x[row]);
            for (product, &square) in product.iter_mut().zip(square) {
                *product = simd.mul_add_f32s(x, square, *product);
            }
        }
    }
    for ((all, product), x) in all.iter_mut().zip(product).zip(x) {
        for (product, &x) in product.into_iter().zip(&S::as_simd_f32s(x).0[at..at + N]) {
            *all = simd.mul_add_f32s(x, product, *all);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_what_is_projected() {
        let mut random = fastrand::Rng::with_seed(5);
        for (count, size, to) in [(1, 3, 2), (7, 16, 5), (9, 48, 20), (20, 70, 33)] {
            let mut draw = |count: usize| -> Vec<f32> {
                std::iter::repeat_with(|| random.f32() - 0.5).take(count).collect()
            };
            let (x, weight) = (draw(count * size), draw(size * to));
            let row = |at: usize| &weight[at * to..][..to];
            let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
            let square: Vec<f32> = (0..size * size).map(|at| dot(row(at / size), row(at % size))).collect();
            let mut out = vec![0.0; count];
            norms(&x, &square, &mut out);
            for (x, out) in x.chunks_exact(size).zip(out) {
                let product = |column: usize| (0..size).map(|at| x[at] * row(at)[column]).sum::<f32>();
                let exact = (0..to).map(|column| product(column).powi(2)).sum::<f32>().sqrt();
                assert!((out - exact).abs() < 1e-4 * exact.max(1.0), "{out} is not {exact}");
            }
        }
        let mut out = [1.0];
        norms(&[1.0, 1.0], &[-1.0, 0.0, 0.0, 0.0], &mut out);
        assert_eq!(out, [0.0]);
    }
}
