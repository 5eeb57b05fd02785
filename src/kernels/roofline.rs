//! What this machine can do at best: peak memory bandwidth and peak FLOP/s. The kernels are measured against them.

use std::time::{Duration, Instant};

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::bf16;
use super::matmul::gemm;

/// Several times what the largest caches hold, so that nothing stays in them from one try to the next; less than anybody misses.
const BYTES: usize = 3 << 28;
const TRIES: usize = 3;
/// What tries take together, after which there are no more.
const ENOUGH: Duration = Duration::from_secs(1);
/// Vectors, and the rows and columns of the matrix that they are multiplied with: from small to large.
const PRODUCTS: [[usize; 3]; 3] = [[128, 512, 512], [512, 2048, 2048], [1024, 1024, 4096]];
/// Seconds of a product after which there is no larger one: it would take minutes where this was built without optimising.
const LONG: f64 = 0.1;

/// Bytes per second that all threads together read from memory.
pub fn read_bandwidth() -> f64 {
    let values = vec![1u64; BYTES / size_of::<u64>()];
    let part = values.len().div_ceil(4 * rayon::current_num_threads());
    let read = || {
        let sums = values.par_chunks(part).map(|part| Arch::new().dispatch(Sum(part)));
        std::hint::black_box(sums.sum::<u64>());
    };
    BYTES as f64 / fastest(read)
}

struct Sum<'a>(&'a [u64]);

impl WithSimd for Sum<'_> {
    type Output = u64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> u64 {
        let mut sum = 0u64;
        for value in self.0 {
            sum = sum.wrapping_add(*value);
        }
        sum
    }
}

/// Floating-point operations per second of a product of large matrices in f32, on all threads: by the `gemm` crate, or by
/// our own kernel for weights in bf16, which a matrix unit makes faster.
pub fn product_rate() -> f64 {
    let mut highest = 0f64;
    for [count, in_features, out_features] in PRODUCTS {
        let (x, weight, mut y) = (
            vec![0.3; count * in_features],
            vec![0.5; in_features * out_features],
            vec![0.0; count * out_features],
        );
        let threads = ::gemm::Parallelism::Rayon(rayon::current_num_threads());
        let pairs = vec![0x3f4d_bf1d; in_features * out_features / 2];
        let by_us = fastest(|| bf16::add_product_transposed(&x, &pairs, in_features, &mut y));
        let by_gemm = fastest(|| {
            gemm(
                [count, in_features, out_features],
                (&x, in_features),
                (&weight, [out_features, 1]),
                (&mut y, out_features),
                threads,
            )
        });
        let operations = 2.0 * (count * in_features * out_features) as f64;
        highest = highest.max(operations / by_gemm.min(by_us));
        if by_gemm.max(by_us) > LONG {
            break;
        }
    }
    highest
}

/// Seconds of the fastest of a few tries.
pub fn fastest(mut work: impl FnMut()) -> f64 {
    let (begun, mut fastest) = (Instant::now(), f64::INFINITY);
    for _ in 0..TRIES {
        let start = Instant::now();
        work();
        fastest = fastest.min(start.elapsed().as_secs_f64());
        if begun.elapsed() >= ENOUGH {
            break;
        }
    }
    fastest
}
