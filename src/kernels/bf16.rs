//! Products with a weight in bf16. Two values lie in each `u32`, the first in its low half.
//!
//! For a small batch the values are widened in registers, multiplied there and never written. For a large batch they
//! are decoded into panels.

use std::ops::Range;

use pulp::{Arch, Scalar, Simd, WithSimd};

use super::amx::tile::{TILES, Tile};
use super::amx::weight::Tiled;
use super::cache::{LINE, fetch};
use super::decoded::{self, Decoded};
use super::fp4_decoder::{Fp4Decoder, LANES, WithDecoder, dispatch};
use super::matmul::gemm;
use super::panel::PANEL;
use super::parallel::{by_rows, sizes};

/// Values that are taken from a row at a time.
const VALUES: usize = 8;
/// Rows that are widened to f32 at a time, and stay in a core's cache.
const PANEL_ROWS: usize = 64;

/// `y` \[n, out\] += `x` \[n, in\] · W, the weight being \[in, out\].
///
/// # Panics
/// If the lengths don't belong together, or rows don't begin with a `u32`.
pub fn add_product(x: &[f32], weight: &[u32], in_features: usize, y: &mut [f32]) {
    let (count, out_features) = sizes(x, 2 * weight.len(), in_features, y);
    assert!(out_features.is_multiple_of(2), "two values in each u32");
    let threads = ::gemm::Parallelism::Rayon(rayon::current_num_threads());
    let mut panel = vec![0.0; PANEL_ROWS * out_features];
    for (at, pairs) in weight.chunks(PANEL_ROWS * out_features / 2).enumerate() {
        let panel = &mut panel[..2 * pairs.len()];
        widen(pairs, panel);
        let x = &x[at * PANEL_ROWS..];
        gemm(
            [count, panel.len() / out_features, out_features],
            (x, in_features),
            (panel, [out_features, 1]),
            (y, out_features),
            threads,
        );
    }
}

/// `y` \[n, out\] += `x` \[n, in\] · Wᵀ, the weight being \[out, in\].
///
/// # Panics
/// If the lengths don't belong together, or rows don't begin with a `u32`.
pub fn add_product_transposed(x: &[f32], weight: &[u32], in_features: usize, y: &mut [f32]) {
    assert!(in_features.is_multiple_of(2), "two values in each u32");
    let (count, out_features) = sizes(x, 2 * weight.len(), in_features, y);
    match count {
        1 => few::<1>(x, weight, in_features, y),
        2 => few::<2>(x, weight, in_features, y),
        3 => few::<3>(x, weight, in_features, y),
        4 => few::<4>(x, weight, in_features, y),
        5 => few::<5>(x, weight, in_features, y),
        _ => decoded::add_product([in_features, out_features], x, &Halves { pairs: weight, in_features }, y),
    }
}

/// Widens bf16 values to f32.
pub fn widen(pairs: &[u32], values: &mut [f32]) {
    Arch::new().dispatch(Widen { pairs, values });
}

struct Widen<'a> {
    pairs: &'a [u32],
    values: &'a mut [f32],
}

impl WithSimd for Widen<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (pair, out) in self.pairs.iter().zip(self.values.chunks_exact_mut(2)) {
            out[0] = f32::from_bits(pair << 16);
            out[1] = f32::from_bits(pair & 0xffff_0000);
        }
    }
}

/// A weight in bf16; each row belongs to an output.
struct Halves<'a> {
    /// \[out, in / 2\]
    pairs: &'a [u32],
    /// Values of a row.
    in_features: usize,
}

impl Decoded for Halves<'_> {
    fn decode(&self, outputs: Range<usize>, inputs: Range<usize>, panel: &mut [f32]) {
        dispatch(AsPanel { weight: self, outputs, inputs, panel });
    }

    fn bytes(&self, outputs: Range<usize>) -> &[u8] {
        bytemuck::cast_slice(
            &self.pairs[outputs.start * self.in_features / 2..outputs.end * self.in_features / 2],
        )
    }
}

impl Tiled for Halves<'_> {
    const PARTS: usize = 1;

    fn decode_tiles(&self, outputs: Range<usize>, inputs: Range<usize>, tiles: &mut [[Tile; TILES]]) {
        dispatch(AsTiles { weight: self, outputs, inputs, tiles });
    }
}

struct AsPanel<'a> {
    weight: &'a Halves<'a>,
    outputs: Range<usize>,
    inputs: Range<usize>,
    panel: &'a mut [f32],
}

impl WithDecoder for AsPanel<'_> {
    #[inline(always)]
    fn with_decoder<S: Fp4Decoder>(self, simd: S) {
        let Self { weight, outputs, inputs, panel } = self;
        for (column, first) in (0..PANEL).step_by(LANES).zip(outputs.clone().step_by(LANES)) {
            let rows: [&[u32]; LANES] = std::array::from_fn(|lane| {
                let row = (first + lane).min(outputs.end - 1) * weight.in_features;
                &weight.pairs[(row + inputs.start) / 2..(row + inputs.end) / 2]
            });
            let values = rows.map(|row| bytemuck::cast_slice::<u32, u8>(row).as_chunks().0);
            let (whole, rest) = panel.split_at_mut(values[0].len() * VALUES * PANEL);
            for (at, panel) in whole.chunks_exact_mut(VALUES * PANEL).enumerate() {
                let words = simd.words(std::array::from_fn(|lane| &values[lane][at]));
                for (words, panel) in words.into_iter().zip(panel.chunks_exact_mut(2 * PANEL)) {
                    for (half, panel) in simd.halves(words).iter().zip(panel.chunks_exact_mut(PANEL)) {
                        let out = S::as_mut_simd_f32s(&mut panel[column..column + LANES]).0;
                        out.copy_from_slice(half.as_ref());
                    }
                }
            }
            for (at, panel) in rest.chunks_exact_mut(2 * PANEL).enumerate() {
                let words = rows.map(|row| row[values[0].len() * VALUES / 2 + at]);
                for (half, panel) in Scalar.halves(words).iter().zip(panel.chunks_exact_mut(PANEL)) {
                    panel[column..column + LANES].copy_from_slice(half);
                }
            }
        }
    }
}

/// Pairs of a row become a column of a tile; no value is looked at.
struct AsTiles<'a> {
    weight: &'a Halves<'a>,
    outputs: Range<usize>,
    inputs: Range<usize>,
    tiles: &'a mut [[Tile; TILES]],
}

/// Bytes from what is read to what is asked for.
const AHEAD: usize = 8 * LINE;

impl WithDecoder for AsTiles<'_> {
    #[inline(always)]
    fn with_decoder<S: Fp4Decoder>(self, simd: S) {
        let Self { weight, outputs, inputs, tiles } = self;
        let row_bytes = 2 * weight.in_features;
        for (column, first) in (0..TILES).zip(outputs.clone().step_by(LANES)) {
            let bytes: &[u8] = bytemuck::cast_slice(weight.pairs);
            let starts: [usize; LANES] = std::array::from_fn(|lane| {
                (first + lane).min(outputs.end - 1) * row_bytes + 2 * inputs.start
            });
            let rows = starts.map(|start| &bytes[start..start + 2 * inputs.len()]);
            let quarters = rows.map(|row| row.as_chunks().0);
            for (step, tile) in tiles.iter_mut().enumerate() {
                starts.iter().for_each(|start| fetch(bytes, start + AHEAD + step * LINE));
                for (quarter, pairs) in tile[column].chunks_exact_mut(4 * LANES).enumerate() {
                    let at = 4 * step + quarter;
                    if at < quarters[0].len() {
                        let words = simd.words(std::array::from_fn(|lane| &quarters[lane][at]));
                        for (words, pairs) in words.into_iter().zip(pairs.as_chunks_mut::<LANES>().0) {
                            *pairs = simd.bits(words);
                        }
                    } else {
                        pairs.fill(0);
                        let rest = rows.map(|row| &row[(16 * at).min(row.len())..]);
                        for (lane, row) in rest.into_iter().enumerate() {
                            for (at, pair) in row.as_chunks().0.iter().enumerate() {
                                pairs[at * LANES + lane] = u32::from_ne_bytes(*pair);
                            }
                        }
                    }
                }
            }
        }
    }
}

/// `y` \[N, out\] += `x` \[N, in\] · Wᵀ, the weight being \[out, in\].
fn few<const N: usize>(x: &[f32], weight: &[u32], in_features: usize, y: &mut [f32]) {
    let halves: [[Vec<f32>; 2]; N] = std::array::from_fn(|at| {
        let x = &x[at * in_features..][..in_features];
        [0, 1].map(|odd| x.iter().skip(odd).step_by(2).copied().collect())
    });
    let x: [[&[f32]; 2]; N] = std::array::from_fn(|at| [&halves[at][0][..], &halves[at][1][..]]);
    let arch = Arch::new();
    by_rows(2 * weight.len() / in_features, y, |rows, sums| {
        let weight = &weight[rows.start * in_features / 2..rows.end * in_features / 2];
        arch.dispatch(Few { x, weight, pairs: in_features / 2, sums });
    });
}

/// `sums` \[rows\]\[N\] = x · some rows.
struct Few<'a, const N: usize> {
    /// Even and odd values of each batch row.
    x: [[&'a [f32]; 2]; N],
    /// \[rows, pairs\]
    weight: &'a [u32],
    pairs: usize,
    sums: &'a mut [[f32; N]],
}

impl<const N: usize> WithSimd for Few<'_, N> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // As many sums as there are registers for, of 32 or of 16.
        match S::REGISTER_COUNT {
            32 => self.rows::<S, 4>(simd),
            _ => self.rows::<S, 2>(simd),
        }
    }
}

impl<const N: usize> Few<'_, N> {
    /// All rows, `ROWS` at a time, so that no sum has to wait for the one before it.
    #[inline(always)]
    fn rows<S: Simd, const ROWS: usize>(self, simd: S) {
        let Self { x, weight, pairs, sums } = self;
        let whole = pairs / S::U32_LANES;
        let x_whole = x.map(|halves| halves.map(|half| &S::as_simd_f32s(half).0[..whole]));
        let high = simd.splat_u32s(0xffff_0000);
        let sixteen = simd.splat_u32s(16);
        let rows = sums.len();
        for (group, sums) in sums.chunks_mut(ROWS).enumerate() {
            let row = |at: usize| &weight[(group * ROWS + at).min(rows - 1) * pairs..][..pairs];
            let row: [&[u32]; ROWS] = std::array::from_fn(row);
            let row_whole = row.map(|row| &S::as_simd_u32s(row).0[..whole]);
            let next: &[u8] = bytemuck::cast_slice(&weight[weight.len().min((group + 1) * ROWS * pairs)..]);
            let lines = (ROWS * pairs * size_of::<u32>()).div_ceil(LINE * whole.max(1));
            let mut all = [[simd.splat_f32s(0.0); N]; ROWS];
            for at in 0..whole {
                (0..lines).for_each(|line| fetch(next, (at * lines + line) * LINE));
                for (all, row) in all.iter_mut().zip(&row_whole) {
                    let even = simd.transmute_f32s_u32s(simd.wrapping_dyn_shl_u32s(row[at], sixteen));
                    let odd = simd.transmute_f32s_u32s(simd.and_u32s(row[at], high));
                    for (sum, x) in all.iter_mut().zip(&x_whole) {
                        *sum = simd.mul_add_f32s(x[0][at], even, *sum);
                        *sum = simd.mul_add_f32s(x[1][at], odd, *sum);
                    }
                }
            }
            let rest = whole * S::U32_LANES..pairs;
            for ((sums, all), row) in sums.iter_mut().zip(all).zip(row) {
                for ((out, sum), x) in sums.iter_mut().zip(all).zip(&x) {
                    *out = simd.reduce_sum_f32s(sum) + rest_of(row, x, rest.clone());
                }
            }
        }
    }
}

/// The products of some pairs, summed.
fn rest_of(row: &[u32], x: &[&[f32]; 2], pairs: Range<usize>) -> f32 {
    let product = |at: usize| {
        f32::from_bits(row[at] << 16) * x[0][at] + f32::from_bits(row[at] & 0xffff_0000) * x[1][at]
    };
    pairs.map(product).sum()
}
