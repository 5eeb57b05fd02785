//! Products of a few vectors: the codes of some rows are decoded in registers, multiplied there, and never written.

use std::ops::Range;

use super::{BLOCK, BLOCK_BYTES, Packed};
use crate::kernels::codes::{Codes, LANES, WithCodes, dispatch};
use crate::kernels::matmul::by_columns;
use crate::kernels::panel::{LINE, fetch};

/// Places of a word.
const PLACES: usize = 8;
/// Groups of [`LANES`] rows that are read side by side, where there are registers for them.
const GROUPS: usize = 2;

/// `y` \[n, to\] += `x` \[n, from\] · Wᵀ for at most `VECTORS` vectors, each of whose sums is kept in `PARTS`, so that one
/// needn't wait for another.
pub fn by_tiles<const VECTORS: usize, const PARTS: usize>(
    [from, to]: [usize; 2],
    x: &[f32],
    packed: &Packed<'_>,
    y: &mut [f32],
) {
    let mut tile = vec![[0.0; VECTORS]; from];
    for (vector, x) in x.chunks_exact(from).enumerate() {
        x.iter().zip(tile.iter_mut()).for_each(|(x, tile)| tile[vector] = *x);
    }
    let width = GROUPS * LANES;
    let part = to.div_ceil(width).div_ceil(4 * rayon::current_num_threads()) * width;
    by_columns(part, to, y, |columns, out| {
        dispatch(Tiles::<VECTORS, PARTS> { x: &tile, packed, columns, out });
    });
}

/// `out` += x · some rows.
struct Tiles<'a, 'y, const VECTORS: usize, const PARTS: usize> {
    /// \[from, VECTORS\]
    x: &'a [[f32; VECTORS]],
    packed: &'a Packed<'a>,
    /// Rows of the weight.
    columns: Range<usize>,
    /// One row per vector, \[columns\].
    out: &'a mut [&'y mut [f32]],
}

impl<const VECTORS: usize, const PARTS: usize> WithCodes for Tiles<'_, '_, VECTORS, PARTS> {
    #[inline(always)]
    fn with_codes<S: Codes>(mut self, simd: S) {
        // Where a group's sums take a register for each vector, there are enough for two.
        match S::F32_LANES {
            LANES => self.rows::<S, GROUPS>(simd),
            _ => self.rows::<S, 1>(simd),
        }
    }
}

impl<const VECTORS: usize, const PARTS: usize> Tiles<'_, '_, VECTORS, PARTS> {
    /// All rows, `GROUPS` groups side by side.
    #[inline(always)]
    fn rows<S: Codes, const GROUPS: usize>(&mut self, simd: S) {
        for first in self.columns.clone().step_by(GROUPS * LANES) {
            // As many blocks as have their scales in a register.
            for start in (0..self.packed.groups).step_by(BLOCK_BYTES) {
                let blocks = start..(start + BLOCK_BYTES).min(self.packed.groups);
                self.blocks::<S, GROUPS>(simd, first, blocks);
            }
        }
    }

    #[inline(always)]
    fn blocks<S: Codes, const GROUPS: usize>(&mut self, simd: S, first: usize, blocks: Range<usize>) {
        let end = self.columns.end;
        let after = (first + GROUPS * LANES).min(end);
        let next = self.packed.blocks_of(after..(after + GROUPS * LANES).min(end));
        let lines = GROUPS * LANES * BLOCK_BYTES / LINE;
        let mut groups = [self.packed.lanes(first..end, blocks.clone()); GROUPS];
        let mut scales_of_all = [simd.words(groups[0].1.each_ref()); GROUPS];
        for (at, (group, scales)) in groups.iter_mut().zip(&mut scales_of_all).enumerate().skip(1) {
            *group = self.packed.lanes((first + at * LANES).min(end - 1)..end, blocks.clone());
            *scales = simd.words(group.1.each_ref());
        }
        let mut sums = [[[simd.zero(); PARTS]; GROUPS]; VECTORS];
        for (at, x) in self.x.as_chunks::<BLOCK>().0[blocks.clone()].iter().enumerate() {
            for line in 0..lines {
                fetch(next, ((blocks.start + at) * lines + line) * LINE);
            }
            let mut words = [simd.words(std::array::from_fn(|lane| &groups[0].0[lane][at])); GROUPS];
            let mut scales = [simd.next_scales(&mut scales_of_all[0][at / 4]); GROUPS];
            for group in 1..GROUPS {
                words[group] = simd.words(std::array::from_fn(|lane| &groups[group].0[lane][at]));
                scales[group] = simd.next_scales(&mut scales_of_all[group][at / 4]);
            }
            for (word, x) in x.as_chunks::<PLACES>().0.iter().enumerate() {
                for x in x.as_chunks::<PARTS>().0 {
                    for (part, x) in x.iter().enumerate() {
                        let mut weights = [simd.zero(); GROUPS];
                        for ((weights, words), scales) in weights.iter_mut().zip(&mut words).zip(&scales) {
                            *weights = simd.next_codes(&mut words[word]);
                            for (weight, &scale) in weights.as_mut().iter_mut().zip(scales.as_ref()) {
                                *weight = simd.mul_f32s(*weight, scale);
                            }
                        }
                        for (sums, &x) in sums.iter_mut().zip(x) {
                            let x = simd.splat_f32s(x);
                            for (sums, weights) in sums.iter_mut().zip(&weights) {
                                for (sum, &weight) in sums[part].as_mut().iter_mut().zip(weights.as_ref()) {
                                    *sum = simd.mul_add_f32s(x, weight, *sum);
                                }
                            }
                        }
                    }
                }
            }
        }
        let begin = first - self.columns.start;
        for (sums, out) in sums.iter().zip(self.out.iter_mut()) {
            for (sums, out) in sums.iter().zip(out[begin..].chunks_mut(LANES)) {
                let mut all = [0.0; LANES];
                for sums in sums {
                    let all = S::as_mut_simd_f32s(&mut all).0;
                    for (all, &sum) in all.iter_mut().zip(sums.as_ref()) {
                        *all = simd.add_f32s(*all, sum);
                    }
                }
                out.iter_mut().zip(all).for_each(|(out, sum)| *out += sum);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::codes::on_every_machine;
    use crate::kernels::mxfp4::{CODES, scale_value};

    #[derive(Clone, Copy)]
    struct Check<const VECTORS: usize, const PARTS: usize>;

    impl<const VECTORS: usize, const PARTS: usize> WithCodes for Check<VECTORS, PARTS> {
        fn with_codes<S: Codes>(self, simd: S) {
            // More blocks than have their scales in a register, and rows that are no whole groups.
            let (from, to) = (544, 37);
            let mut random = fastrand::Rng::with_seed(7);
            let blocks: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(to * from / 2).collect();
            let scales: Vec<u8> =
                std::iter::repeat_with(|| random.u8(120..130)).take(to * from / BLOCK).collect();
            let x: Vec<[f32; VECTORS]> =
                std::iter::repeat_with(|| std::array::from_fn(|_| random.f32() - 0.5)).take(from).collect();
            let mut y = vec![1.0; VECTORS * to];
            let mut out: Vec<&mut [f32]> = y.chunks_exact_mut(to).collect();
            let packed = Packed { blocks: &blocks, scales: &scales, groups: from / BLOCK };
            Tiles::<VECTORS, PARTS> { x: &x, packed: &packed, columns: 0..to, out: &mut out }
                .with_codes(simd);
            for (at, y) in y.iter().enumerate() {
                let (vector, row) = (at / to, at % to);
                let products = (0..from).map(|input| {
                    let place = row * from + input;
                    let code = CODES[usize::from(blocks[place / 2] >> (place % 2 * 4) & 15)];
                    f64::from(code * scale_value(scales[place / BLOCK])) * f64::from(x[input][vector])
                });
                let (sum, size) = products.fold((1.0, 1.0), |(sum, size), p| (sum + p, size + p.abs()));
                assert!((f64::from(*y) - sum).abs() < 1e-6 * size, "{y}, not {sum}");
            }
        }
    }

    #[test]
    fn every_machine_multiplies_alike() {
        on_every_machine(Check::<2, 2>);
        on_every_machine(Check::<4, 1>);
        on_every_machine(Check::<12, 1>);
    }
}
