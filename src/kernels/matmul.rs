//! Products of vectors with a weight that is read as it lies in its file.

#![allow(unsafe_code)]

use pulp::Arch;

use super::dots::Dots;
use super::parallel::{DOT_ROWS, SCRATCH, aligned, by_columns, sizes};

/// Values of each of [`DOT_ROWS`] rows that are multiplied at a time: these stay in a core's nearest cache.
const DEPTH: usize = 960;

/// `y` \[n, to\] += `x` \[n, from\] · Wᵀ, the weight being \[to, from\].
///
/// # Panics
/// If the lengths don't belong together.
pub fn add_product_transposed(x: &[f32], weight: &[f32], from: usize, y: &mut [f32]) {
    let (count, to) = sizes(x, weight.len(), from, y);
    let part = to.div_ceil(8 * rayon::current_num_threads()).next_multiple_of(DOT_ROWS);
    let arch = Arch::new();
    let mut room = Vec::new();
    let x_in_room = aligned(&mut room, x.len());
    x_in_room.copy_from_slice(x);
    let x = &*x_in_room;
    by_columns(part, to, y, |part, out| {
        let stride = part.len();
        SCRATCH.with_borrow_mut(|scratch| {
            let sums = aligned(scratch, count * stride);
            sums.fill(0.0);
            for first in part.clone().step_by(DOT_ROWS) {
                let at = first - part.start;
                let group = first..(first + DOT_ROWS).min(part.end);
                let rows = group.len();
                let weight = &weight[group.start * from..part.end * from];
                for start in (0..from).step_by(DEPTH) {
                    let columns = start..(start + DEPTH).min(from);
                    arch.dispatch(Dots { x, weight, rows, from, columns, out: sums, stride, at });
                }
            }
            for (out, sums) in out.iter_mut().zip(sums.chunks_exact(stride)) {
                out.iter_mut().zip(sums).for_each(|(out, sum)| *out += *sum);
            }
        });
    });
}

/// `y` \[n, to\] += `x` \[n, from\] · W, in the sizes \[n, from, to\]; x and y with the stride of their rows,
/// W with those of its two axes.
pub(super) fn gemm(
    [count, from, to]: [usize; 3],
    (x, x_stride): (&[f32], usize),
    (weight, [weight_from, weight_to]): (&[f32], [usize; 2]),
    (y, y_stride): (&mut [f32], usize),
    threads: ::gemm::Parallelism,
) {
    if count == 0 || from == 0 || to == 0 {
        return;
    }
    let last = |rows: usize, stride: usize, columns: usize| (rows - 1) * stride + columns;
    assert!(x.len() >= last(count, x_stride, from) && y.len() >= last(count, y_stride, to));
    assert!(weight.len() > (from - 1) * weight_from + (to - 1) * weight_to);
    assert!(y_stride >= to, "rows of y don't overlap");
    // SAFETY: by the assertions above every element that the sizes and strides reach lies in its slice, and
    // `y`, being borrowed mutably, overlaps neither of the others.
    unsafe {
        ::gemm::gemm(
            count,
            to,
            from,
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

    /// Products of every kind, for few and for many vectors, against sums in f64.
    #[test]
    fn every_product_is_the_sum() {
        let mut random = fastrand::Rng::with_seed(1);
        let mut draw = |count: usize| -> Vec<f32> {
            std::iter::repeat_with(|| random.f32() - 0.5).take(count).collect()
        };
        for (from, to) in [(1, 1), (38, 45), (70, 700), (128, 16), (264, 50)] {
            let weight: Vec<f32> =
                draw(from * to).into_iter().map(|w| f32::from_bits(w.to_bits() & 0xffff_0000)).collect();
            let transposed: Vec<f32> = (0..from * to).map(|at| weight[at % to * from + at / to]).collect();
            for count in [1, 2, 5, 8, 15, 23, 100] {
                let (x, before) = (draw(count * from), draw(count * to));
                let check = |kind: &str, product: &dyn Fn(&mut [f32])| {
                    let mut y = before.clone();
                    product(&mut y);
                    for (at, y) in y.iter().enumerate() {
                        let products =
                            x[at / to * from..][..from].iter().zip(&weight[at % to * from..][..from]);
                        let exact = f64::from(before[at])
                            + products.map(|(x, w)| f64::from(*x) * f64::from(*w)).sum::<f64>();
                        let close = (f64::from(*y) - exact).abs() < 1e-5;
                        assert!(close, "{kind}, {count} times [{from}, {to}]: {y} is not {exact}");
                    }
                };
                check("rows of outputs", &|y| add_product_transposed(&x, &weight, from, y));
                let panels = Panels::new(&transposed, from, to).unwrap();
                check("rows of inputs", &|y| panels.add_product(&x, None, y));
                check("rows of inputs with a bias", &|y| {
                    let bias: Vec<f32> = (0..to).map(|at| at as f32 / 64.0).collect();
                    let mut product = vec![f32::NAN; y.len()];
                    panels.product(&x, Some(&bias), Some(Function::Relu), &mut product);
                    let mut relu = vec![0.0; y.len()];
                    panels.add_product(&x, Some(&bias), &mut relu);
                    relu.iter_mut().for_each(|y| *y = y.max(0.0));
                    assert_eq!(product, relu);
                    panels.product(&x, None, None, &mut product);
                    y.iter_mut().zip(product).for_each(|(y, product)| *y += product);
                });
                let mut row = vec![0.0; to];
                panels.read_row(from / 2, &mut row);
                assert_eq!(row, transposed[from / 2 * to..][..to]);
                let pairs = |of: &[f32]| -> Vec<u32> {
                    of.chunks_exact(2).map(|pair| pair[0].to_bits() >> 16 | pair[1].to_bits()).collect()
                };
                if from.is_multiple_of(2) {
                    let pairs = pairs(&weight);
                    check("rows of outputs, bf16", &|y| bf16::add_product_transposed(&x, &pairs, from, y));
                }
                if to.is_multiple_of(2) {
                    let pairs = pairs(&transposed);
                    check("rows of inputs, bf16", &|y| bf16::add_product(&x, &pairs, from, y));
                }
            }
        }
    }
}
