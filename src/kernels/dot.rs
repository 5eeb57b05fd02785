//! The sum of products in f64, of numbers that are kept in f32.

use pulp::{Arch, Simd, WithSimd};

/// Sums that are added up side by side: each waits for itself only.
const SUMS: usize = 16;

/// The sum of the products of two vectors, in f64; in the same order on every machine.
pub fn dot(a: &[f32], b: &[f32]) -> f64 {
    Arch::new().dispatch(Dot { a, b })
}

struct Dot<'a> {
    a: &'a [f32],
    b: &'a [f32],
}

impl WithSimd for Dot<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f64 {
        let ((a, a_rest), (b, b_rest)) = (self.a.as_chunks::<SUMS>(), self.b.as_chunks::<SUMS>());
        let mut sums = [0f64; SUMS];
        for (a, b) in a.iter().zip(b) {
            for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
                *sum += f64::from(*a) * f64::from(*b);
            }
        }
        let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
        sums.iter().sum::<f64>() + rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_sum_one_by_one() {
        let mut random = fastrand::Rng::with_seed(7);
        for count in [0, 1, 15, 16, 17, 100, 768] {
            let mut draw = || std::iter::repeat_with(|| random.f32() - 0.5).take(count).collect::<Vec<f32>>();
            let (a, b) = (draw(), draw());
            let exact: f64 = a.iter().zip(&b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            assert!((dot(&a, &b) - exact).abs() < 1e-12, "{count}");
        }
    }
}
