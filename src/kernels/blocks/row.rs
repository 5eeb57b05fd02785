//! Decodes rows of blocks, compiled for each kind of processor.

use std::marker::PhantomData;

use super::lanes::{Lanes, WithLanes, dispatch};

/// One way of storing `VALUES` values in `BYTES` bytes.
pub(super) trait Block<const BYTES: usize, const VALUES: usize> {
    /// Writes the values of a block. It must be `#[inline(always)]`, or it would not use wide registers.
    fn decode<L: Lanes>(lanes: L, block: &[u8; BYTES], values: &mut [f32; VALUES]);
}

/// Writes the values of blocks. The last one may be cut, if it is of numbers stored one by one.
pub(super) fn decode<B, const BYTES: usize, const VALUES: usize>(blocks: &[u8], values: &mut [f32])
where
    B: Block<BYTES, VALUES>,
{
    dispatch(Row { blocks, values, kind: PhantomData::<B> });
}

struct Row<'a, B, const BYTES: usize, const VALUES: usize> {
    blocks: &'a [u8],
    values: &'a mut [f32],
    kind: PhantomData<B>,
}

impl<B: Block<BYTES, VALUES>, const BYTES: usize, const VALUES: usize> WithLanes
    for Row<'_, B, BYTES, VALUES>
{
    #[inline(always)]
    fn with_lanes<L: Lanes>(self, lanes: L) {
        let (blocks, cut) = self.blocks.as_chunks::<BYTES>();
        let (values, rest) = self.values.as_chunks_mut::<VALUES>();
        for (block, values) in blocks.iter().zip(values) {
            B::decode(lanes, block, values);
        }
        if !cut.is_empty() {
            let (mut block, mut values) = ([0; BYTES], [0.0; VALUES]);
            block[..cut.len()].copy_from_slice(cut);
            B::decode(lanes, &block, &mut values);
            rest.copy_from_slice(&values[..rest.len()]);
        }
    }
}

/// A part of a block: its length is known, and so no place is beyond its end.
#[inline(always)]
pub(super) fn part<const N: usize>(block: &[u8], from: usize) -> &[u8; N] {
    &block[from..].as_chunks().0[0]
}

#[cfg(test)]
mod tests {
    use super::super::{large, plain, small, table};
    use super::*;
    use crate::kernels::blocks::lanes::on_every_machine;

    #[derive(Clone, Copy)]
    struct Same<'a, B, const BYTES: usize, const VALUES: usize> {
        block: &'a [u8; BYTES],
        kind: PhantomData<B>,
    }

    impl<B: Block<BYTES, VALUES>, const BYTES: usize, const VALUES: usize> WithLanes
        for Same<'_, B, BYTES, VALUES>
    {
        fn with_lanes<L: Lanes>(self, lanes: L) {
            let [mut one, mut other] = [[0.0; VALUES]; 2];
            B::decode(pulp::Scalar, self.block, &mut one);
            B::decode(lanes, self.block, &mut other);
            // NaN, too, of which a random block may be full.
            assert_eq!(one.map(f32::to_bits), other.map(f32::to_bits));
        }
    }

    fn check<B: Block<BYTES, VALUES> + Copy, const BYTES: usize, const VALUES: usize>() {
        let mut random = fastrand::Rng::with_seed(5);
        for _ in 0..200 {
            let block: [u8; BYTES] = std::array::from_fn(|_| random.u8(..0x70));
            on_every_machine(Same::<B, BYTES, VALUES> { block: &block, kind: PhantomData });
        }
    }

    #[test]
    fn every_machine_decodes_alike() {
        check::<plain::F16, 32, 16>();
        check::<small::Q4_0, 18, 32>();
        check::<small::Q4_1, 20, 32>();
        check::<small::Q5_0, 22, 32>();
        check::<small::Q5_1, 24, 32>();
        check::<small::Q8_0, 34, 32>();
        check::<large::Q2K, 84, 256>();
        check::<large::Q3K, 110, 256>();
        check::<large::Q4K, 144, 256>();
        check::<large::Q5K, 176, 256>();
        check::<large::Q6K, 210, 256>();
        check::<table::Iq4Nl, 18, 32>();
        check::<table::Iq4Xs, 136, 256>();
        check::<table::Mxfp4, 17, 32>();
    }
}
