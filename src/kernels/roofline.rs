//! What this machine can do at best: peak memory bandwidth and peak FLOP/s. The kernels are measured against them.

use std::time::Instant;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::bf16;
use super::matmul::gemm;

/// Several times what the largest caches hold, so that nothing stays in them from one try to the next; less than anybody misses.
const BYTES: usize = 3 << 28;
const TRIES: usize = 3;

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
    let rates = [(512, 2048, 2048), (1024, 1024, 4096)].map(|(count, in_features, out_features)| {
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
        2.0 * (count * in_features * out_features) as f64 / by_gemm.min(by_us)
    });
    rates.into_iter().fold(0.0, f64::max)
}

/// Seconds of the fastest of a few tries.
pub fn fastest(mut work: impl FnMut()) -> f64 {
    let time = |_| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64()
    };
    (0..TRIES).map(time).fold(f64::INFINITY, f64::min)
}
