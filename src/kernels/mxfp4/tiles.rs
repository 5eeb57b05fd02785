//! Products of small batches: the codes of 16 rows are decoded in registers, multiplied there and never written.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use super::format::{BLOCK, BLOCK_BYTES};
use super::packed::Packed;
use crate::kernels::cache::{LINE, fetch};
use crate::kernels::fp4_decoder::{Fp4Decoder, LANES, WithDecoder, dispatch};
use crate::kernels::parallel::by_columns;

/// Codes in a word.
const PLACES: usize = 8;
/// Registers that do not hold sums: codes, their values, scales, values of x.
const OTHERS: usize = 6;

/// The largest number of batch rows that this machine has registers for.
pub fn max_batch_rows() -> usize {
    Arch::new().dispatch(MaxBatchRows)
}

struct MaxBatchRows;

impl WithSimd for MaxBatchRows {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> usize {
        most::<S>()
    }
}

/// The number of batch rows that there are registers for, at least 3.
const fn most<S: Simd>() -> usize {
    let most = (S::REGISTER_COUNT - OTHERS) * S::F32_LANES / LANES;
    if most < 3 { 3 } else { most }
}

/// `y` \[BATCH_ROWS, out\] += `x` \[BATCH_ROWS, in\] · Wᵀ.
///
/// # Panics
/// If these are more than [`max_batch_rows`].
pub fn by_tiles<const BATCH_ROWS: usize>(
    [in_features, out_features]: [usize; 2],
    x: &[f32],
    packed: &Packed<'_>,
    y: &mut [f32],
) {
    let mut tile = vec![[0.0; BATCH_ROWS]; in_features];
    for (batch_row, x) in x.chunks_exact(in_features).enumerate() {
        x.iter().zip(tile.iter_mut()).for_each(|(x, tile)| tile[batch_row] = *x);
    }
    let part = out_features.div_ceil(LANES).div_ceil(4 * rayon::current_num_threads()) * LANES;
    by_columns(part, out_features, y, |columns, out| {
        dispatch(Tiles { x: &tile, packed, columns, out });
    });
}

/// `out` += x · some rows.
struct Tiles<'a, 'y, const BATCH_ROWS: usize> {
    /// \[in, BATCH_ROWS\]
    x: &'a [[f32; BATCH_ROWS]],
    packed: &'a Packed<'a>,
    /// Rows of the weight.
    columns: Range<usize>,
    /// One slice for each batch row, \[columns\].
    out: &'a mut [&'y mut [f32]],
}

impl<const BATCH_ROWS: usize> WithDecoder for Tiles<'_, '_, BATCH_ROWS> {
    #[inline(always)]
    fn with_decoder<S: Fp4Decoder>(mut self, simd: S) {
        // The compiler knows this, and makes no kernel for them.
        if const { BATCH_ROWS > most::<S>() } {
            panic!("{BATCH_ROWS} batch rows are too many for the registers of this machine");
        }
        // A sum waits for the one before it, so several are kept where half of the registers are enough for them.
        match S::REGISTER_COUNT * S::F32_LANES / (2 * LANES * BATCH_ROWS) {
            0 | 1 => self.rows::<S, 1>(simd),
            2 | 3 => self.rows::<S, 2>(simd),
            _ => self.rows::<S, 4>(simd),
        }
    }
}

impl<const BATCH_ROWS: usize> Tiles<'_, '_, BATCH_ROWS> {
    /// All rows; the sums of each batch row are kept in `PARTS`.
    #[inline(always)]
    fn rows<S: Fp4Decoder, const PARTS: usize>(&mut self, simd: S) {
        for first in self.columns.clone().step_by(LANES) {
            // The scales of so many blocks fit a register.
            for start in (0..self.packed.groups).step_by(BLOCK_BYTES) {
                let blocks = start..(start + BLOCK_BYTES).min(self.packed.groups);
                self.blocks::<S, PARTS>(simd, first, blocks);
            }
        }
    }

    #[inline(always)]
    fn blocks<S: Fp4Decoder, const PARTS: usize>(&mut self, simd: S, first: usize, blocks: Range<usize>) {
        let end = self.columns.end;
        let after = (first + LANES).min(end);
        let next = self.packed.blocks_of(after..(after + LANES).min(end));
        let lines = LANES * BLOCK_BYTES / LINE;
        let (rows, scales) = self.packed.lanes(first..end, blocks.clone());
        let mut scales = simd.words(scales.each_ref());
        let mut sums = [[simd.zero(); PARTS]; BATCH_ROWS];
        for (at, x) in self.x.as_chunks::<BLOCK>().0[blocks.clone()].iter().enumerate() {
            for line in 0..lines {
                fetch(next, ((blocks.start + at) * lines + line) * LINE);
            }
            let mut words = simd.words(std::array::from_fn(|lane| &rows[lane][at]));
            let scales = simd.next_scales(&mut scales[at / 4]);
            for (word, x) in words.iter_mut().zip(x.as_chunks::<PLACES>().0) {
                for x in x.as_chunks::<PARTS>().0 {
                    for (part, x) in x.iter().enumerate() {
                        let mut weights = simd.next_values(word);
                        for (weight, &scale) in weights.as_mut().iter_mut().zip(scales.as_ref()) {
                            *weight = simd.mul_f32s(*weight, scale);
                        }
                        for (sums, &x) in sums.iter_mut().zip(x) {
                            let x = simd.splat_f32s(x);
                            for (sum, &weight) in sums[part].as_mut().iter_mut().zip(weights.as_ref()) {
                                *sum = simd.mul_add_f32s(x, weight, *sum);
                            }
                        }
                    }
                }
            }
        }
        let begin = first - self.columns.start;
        for (sums, out) in sums.iter().zip(self.out.iter_mut()) {
            let mut all = [0.0; LANES];
            for sums in sums {
                let all = S::as_mut_simd_f32s(&mut all).0;
                for (all, &sum) in all.iter_mut().zip(sums.as_ref()) {
                    *all = simd.add_f32s(*all, sum);
                }
            }
            out[begin..].iter_mut().zip(all).for_each(|(out, sum)| *out += sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::fp4_decoder::on_every_machine;
    use crate::kernels::mxfp4::{CODES, scale_value};

    #[derive(Clone, Copy)]
    struct Check<const BATCH_ROWS: usize>;

    impl<const BATCH_ROWS: usize> WithDecoder for Check<BATCH_ROWS> {
        fn with_decoder<S: Fp4Decoder>(self, simd: S) {
            if BATCH_ROWS > most::<S>() {
                return;
            }
            // More blocks than have their scales in a register, and rows that are no whole groups.
            let (in_features, out_features) = (544, 37);
            let mut random = fastrand::Rng::with_seed(7);
            let blocks: Vec<u8> =
                std::iter::repeat_with(|| random.u8(..)).take(out_features * in_features / 2).collect();
            let scales: Vec<u8> = std::iter::repeat_with(|| random.u8(120..130))
                .take(out_features * in_features / BLOCK)
                .collect();
            let x: Vec<[f32; BATCH_ROWS]> =
                std::iter::repeat_with(|| std::array::from_fn(|_| random.f32() - 0.5))
                    .take(in_features)
                    .collect();
            let mut y = vec![1.0; BATCH_ROWS * out_features];
            let mut out: Vec<&mut [f32]> = y.chunks_exact_mut(out_features).collect();
            let packed = Packed { blocks: &blocks, scales: &scales, groups: in_features / BLOCK };
            Tiles { x: &x, packed: &packed, columns: 0..out_features, out: &mut out }.with_decoder(simd);
            for (at, y) in y.iter().enumerate() {
                let (batch_row, row) = (at / out_features, at % out_features);
                let products = (0..in_features).map(|input| {
                    let place = row * in_features + input;
                    let code = CODES[usize::from(blocks[place / 2] >> (place % 2 * 4) & 15)];
                    f64::from(code * scale_value(scales[place / BLOCK])) * f64::from(x[input][batch_row])
                });
                let (sum, size) = products.fold((1.0, 1.0), |(sum, size), p| (sum + p, size + p.abs()));
                assert!((f64::from(*y) - sum).abs() < 1e-6 * size, "{y}, not {sum}");
            }
        }
    }

    #[test]
    fn every_machine_multiplies_alike() {
        on_every_machine(Check::<3>);
        on_every_machine(Check::<5>);
        on_every_machine(Check::<24>);
    }
}
