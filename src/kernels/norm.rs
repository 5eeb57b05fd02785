//! LayerNorm and RMSNorm of many rows, on all threads.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// Rows that a thread takes at least. To wake another thread for fewer takes longer than to compute them.
const ROWS: usize = 8;

/// `out` = each row of `x` \[rows, size\] normalised: about its mean (LayerNorm), or about zero (RMSNorm). The variance
/// is taken about the mean: E\[x²\] − E\[x\]² would cancel.
///
/// # Panics
/// If the sizes don't belong together.
pub fn normalise(
    x: &[f32],
    about_mean: bool,
    (weight, bias): (&[f32], Option<&[f32]>),
    epsilon: f32,
    out: &mut [f32],
) {
    assert!(bias.is_none_or(|bias| bias.len() == weight.len()), "one bias per weight");
    assert!(x.len().is_multiple_of(weight.len()) && x.len() == out.len(), "whole rows");
    let arch = Arch::new();
    let rows = out.par_chunks_mut(weight.len()).zip(x.par_chunks(weight.len())).with_min_len(ROWS);
    rows.for_each(|(row, x)| {
        row.copy_from_slice(x);
        arch.dispatch(Row { row, about_mean, weight, bias, epsilon });
    });
}

struct Row<'a> {
    row: &'a mut [f32],
    about_mean: bool,
    weight: &'a [f32],
    bias: Option<&'a [f32]>,
    epsilon: f32,
}

impl WithSimd for Row<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { row, about_mean, weight, bias, epsilon } = self;
        let size = row.len() as f32;
        if about_mean {
            let mean = sum(simd, row) / size;
            row.iter_mut().for_each(|x| *x -= mean);
        }
        let scale = 1.0 / (squares(simd, row) / size + epsilon).sqrt();
        match bias {
            Some(bias) => {
                for ((x, weight), bias) in row.iter_mut().zip(weight).zip(bias) {
                    *x = *x * scale * weight + bias;
                }
            }
            None => row.iter_mut().zip(weight).for_each(|(x, weight)| *x = *x * scale * weight),
        }
    }
}

/// The sum of a slice.
#[inline(always)]
fn sum<S: Simd>(simd: S, values: &[f32]) -> f32 {
    let (vectors, rest) = S::as_simd_f32s(values);
    let sum = vectors.iter().fold(simd.splat_f32s(0.0), |sum, &v| simd.add_f32s(sum, v));
    simd.reduce_sum_f32s(sum) + rest.iter().sum::<f32>()
}

/// The sum of the squares of a slice.
#[inline(always)]
fn squares<S: Simd>(simd: S, values: &[f32]) -> f32 {
    let (vectors, rest) = S::as_simd_f32s(values);
    let sum = vectors.iter().fold(simd.splat_f32s(0.0), |sum, &v| simd.mul_add_f32s(v, v, sum));
    simd.reduce_sum_f32s(sum) + rest.iter().map(|x| x * x).sum::<f32>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_mean_does_not_cancel() {
        let mut x = [0.0; 4];
        normalise(&[10_001f32, 10_002., 10_003., 10_004.], true, (&[1.0; 4], None), 1e-5, &mut x);
        let expected = [-1.341_636, -0.447_212, 0.447_212, 1.341_636];
        assert!(x.iter().zip(expected).all(|(y, e)| (y - e).abs() < 1e-5), "{x:?}");
    }

    #[test]
    fn each_row_by_itself_and_of_any_size() {
        let rows: Vec<f32> = (0..37).map(|i| i as f32).collect();
        let both = [rows.clone(), rows.iter().map(|x| 3.0 * x).collect()].concat();
        let mut x = vec![0.0; both.len()];
        normalise(&both, false, (&[2.0; 37], None), 0.0, &mut x);
        let root = (rows.iter().map(|x| x * x).sum::<f32>() / 37.0).sqrt();
        for (at, value) in x.iter().enumerate() {
            assert!((value - 2.0 * rows[at % 37] / root).abs() < 1e-5, "{at}: {value}");
        }
    }
}
