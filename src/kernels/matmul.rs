//! Products of batch rows with a weight that is read as it lies in its file.

#![allow(unsafe_code)]

use std::ops::Range;

use pulp::Arch;

use super::amx::tile::{COLUMNS, TILES, Tile};
use super::amx::weight::{Tiled, split_column};
use super::amx::{self, product};
use super::dot_tile::DotTile;
use super::parallel::{DOT_ROWS, SCRATCH, add_sums, aligned, aligned_copy, by_columns, sizes};

/// Values of each of [`DOT_ROWS`] rows that are multiplied at a time: these stay in a core's nearest cache.
const DEPTH: usize = 960;

/// Batch rows from which on more rows are multiplied by the same columns before others are, so that columns of the batch
/// stay in a core's cache. With fewer of them, the weight had better be read from its start to its end.
const MANY: usize = 64;
/// So many rows.
const TOGETHER: usize = 64;

/// Batch rows from which on a matrix unit is faster: for fewer, cutting weights into parts takes longer.
const MANY_FOR_TILES: usize = 32;

/// `y` \[n, out\] += `x` \[n, in\] · Wᵀ, the weight being \[out, in\].
///
/// # Panics
/// If the lengths don't belong together.
pub fn add_product_transposed(x: &[f32], weight: &[f32], in_features: usize, y: &mut [f32]) {
    let (count, out_features) = sizes(x, weight.len(), in_features, y);
    if count >= MANY_FOR_TILES
        && let Some(unit) = amx::unit()
    {
        return product::add_product(
            unit,
            [in_features, out_features],
            x,
            &Rows { weight, in_features },
            &(),
            y,
        );
    }
    let part = out_features.div_ceil(8 * rayon::current_num_threads()).next_multiple_of(DOT_ROWS);
    let rows_together = if count < MANY { DOT_ROWS } else { TOGETHER };
    let arch = Arch::new();
    let mut scratch = Vec::new();
    let x = aligned_copy(&mut scratch, x);
    by_columns(part, out_features, y, |part, out| {
        let stride = part.len();
        SCRATCH.with_borrow_mut(|scratch| {
            let sums = aligned(scratch, count * stride);
            sums.fill(0.0);
            for together in part.clone().step_by(rows_together) {
                for start in (0..in_features).step_by(DEPTH) {
                    for first in (together..(together + rows_together).min(part.end)).step_by(DOT_ROWS) {
                        arch.dispatch(DotTile {
                            x: &x[start.min(x.len())..],
                            x_stride: in_features,
                            count,
                            weight: &weight[first * in_features + start..part.end * in_features],
                            weight_stride: in_features,
                            rows: DOT_ROWS.min(part.end - first),
                            columns: DEPTH.min(in_features - start),
                            out: sums,
                            stride,
                            at: first - part.start,
                        });
                    }
                }
            }
            add_sums(out, sums);
        });
    });
}

/// A weight in f32.
struct Rows<'a> {
    /// \[out, in\]
    weight: &'a [f32],
    in_features: usize,
}

impl Tiled for Rows<'_> {
    const PARTS: usize = 3;

    fn decode_tiles(&self, outputs: Range<usize>, inputs: Range<usize>, tiles: &mut [[Tile; TILES]]) {
        for (column, first) in outputs.clone().step_by(COLUMNS).enumerate() {
            let rows = std::array::from_fn(|row| {
                let row = (first + row).min(outputs.end - 1);
                &self.weight[row * self.in_features..][inputs.clone()]
            });
            split_column(rows, Self::PARTS, column, tiles);
        }
    }
}

/// `y` \[n, out\] += `x` \[n, in\] · W, in the sizes \[n, in, out\]. `x` and `y` come with the stride of their rows,
/// W with the strides of its two axes.
pub(super) fn gemm(
    [count, in_features, out_features]: [usize; 3],
    (x, x_stride): (&[f32], usize),
    (weight, [weight_from, weight_to]): (&[f32], [usize; 2]),
    (y, y_stride): (&mut [f32], usize),
    threads: ::gemm::Parallelism,
) {
    if count == 0 || in_features == 0 || out_features == 0 {
        return;
    }
    let last = |rows: usize, stride: usize, columns: usize| (rows - 1) * stride + columns;
    assert!(x.len() >= last(count, x_stride, in_features) && y.len() >= last(count, y_stride, out_features));
    assert!(weight.len() > (in_features - 1) * weight_from + (out_features - 1) * weight_to);
    assert!(y_stride >= out_features, "rows of y don't overlap");
    // SAFETY: by the assertions above every element that the sizes and strides reach lies in its slice, and
    // `y`, being borrowed mutably, overlaps neither of the others.
    unsafe {
        ::gemm::gemm(
            count,
            out_features,
            in_features,
            y.as_mut_ptr(),
            1,
            y_stride as isize,
            true,
            x.as_ptr(),
            1,
            x_stride as isize,
            weight.as_ptr(),
            weight_to as isize,
            weight_from as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            threads,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::bf16;
    use super::super::elementwise::Function;
    use super::super::panel::Panels;
    use super::*;

    /// Products of every kind, for few and for many batch rows, against sums in f64.
    #[test]
    fn every_product_is_the_sum() {
        amx::on_and_off(check_every_product_is_the_sum);
    }

    fn check_every_product_is_the_sum() {
        let mut random = fastrand::Rng::with_seed(1);
        let mut draw = |count: usize| -> Vec<f32> {
            std::iter::repeat_with(|| random.f32() - 0.5).take(count).collect()
        };
        for (in_features, out_features) in [(1, 1), (38, 45), (70, 700), (128, 16), (264, 50)] {
            let weight: Vec<f32> = draw(in_features * out_features)
                .into_iter()
                .map(|w| f32::from_bits(w.to_bits() & 0xffff_0000))
                .collect();
            let transposed: Vec<f32> = (0..in_features * out_features)
                .map(|at| weight[at % out_features * in_features + at / out_features])
                .collect();
            for count in [1, 2, 5, 8, 15, 23, 100, 200] {
                let (x, before) = (draw(count * in_features), draw(count * out_features));
                let check = |kind: &str, product: &dyn Fn(&mut [f32])| {
                    let mut y = before.clone();
                    product(&mut y);
                    for (at, y) in y.iter().enumerate() {
                        let products = x[at / out_features * in_features..][..in_features]
                            .iter()
                            .zip(&weight[at % out_features * in_features..][..in_features]);
                        let exact = f64::from(before[at])
                            + products.map(|(x, w)| f64::from(*x) * f64::from(*w)).sum::<f64>();
                        let close = (f64::from(*y) - exact).abs() < 1e-5;
                        assert!(
                            close,
                            "{kind}, {count} times [{in_features}, {out_features}]: {y} is not {exact}"
                        );
                    }
                };
                check("rows of outputs", &|y| add_product_transposed(&x, &weight, in_features, y));
                let panels = Panels::new(&transposed, in_features, out_features).unwrap();
                check("rows of inputs", &|y| panels.add_product(&x, None, y));
                check("rows of inputs with a bias", &|y| {
                    let bias: Vec<f32> = (0..out_features).map(|at| at as f32 / 64.0).collect();
                    let mut product = vec![f32::NAN; y.len()];
                    panels.product(&x, Some(&bias), Some(Function::Relu), &mut product);
                    let mut relu = vec![0.0; y.len()];
                    panels.add_product(&x, Some(&bias), &mut relu);
                    relu.iter_mut().for_each(|y| *y = y.max(0.0));
                    assert_eq!(product, relu);
                    panels.product(&x, None, None, &mut product);
                    y.iter_mut().zip(product).for_each(|(y, product)| *y += product);
                });
                let mut row = vec![0.0; out_features];
                panels.read_row(in_features / 2, &mut row);
                assert_eq!(row, transposed[in_features / 2 * out_features..][..out_features]);
                let pairs = |of: &[f32]| -> Vec<u32> {
                    of.chunks_exact(2).map(|pair| pair[0].to_bits() >> 16 | pair[1].to_bits()).collect()
                };
                if in_features.is_multiple_of(2) {
                    let pairs = pairs(&weight);
                    check("rows of outputs, bf16", &|y| {
                        bf16::add_product_transposed(&x, &pairs, in_features, y)
                    });
                }
                if out_features.is_multiple_of(2) {
                    let pairs = pairs(&transposed);
                    check("rows of inputs, bf16", &|y| bf16::add_product(&x, &pairs, in_features, y));
                }
            }
        }
    }
}
