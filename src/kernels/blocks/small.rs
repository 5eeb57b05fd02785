//! Blocks of 32 values with a scale, and some with a minimum. Of four bits each, the low halves of bytes come first.

use super::lanes::{Lanes, WIDTH};
use super::nibbles::{self, halves, nibbles};
use super::row::{Block, part};

#[derive(Clone, Copy)]
pub(super) struct Q4_0;
#[derive(Clone, Copy)]
pub(super) struct Q4_1;
#[derive(Clone, Copy)]
pub(super) struct Q5_0;
#[derive(Clone, Copy)]
pub(super) struct Q5_1;
#[derive(Clone, Copy)]
pub(super) struct Q8_0;

/// What nibbles are in [`Q4_0`].
const AROUND_ZERO: [f32; 16] = [-8., -7., -6., -5., -4., -3., -2., -1., 0., 1., 2., 3., 4., 5., 6., 7.];

/// Writes scale · (q - offset) for two registers of q.
#[inline(always)]
fn scaled<L: Lanes>(lanes: L, scale: L::Floats, offset: i32, both: [L::Ints; 2], values: &mut [f32; 32]) {
    for (ints, values) in both.into_iter().zip(halves(values)) {
        lanes.store(lanes.multiply(scale, lanes.floats(lanes.minus(ints, offset))), values);
    }
}

/// Writes scale · q + minimum for two registers of q.
#[inline(always)]
fn above<L: Lanes>(lanes: L, [scale, minimum]: [L::Floats; 2], both: [L::Ints; 2], values: &mut [f32; 32]) {
    for (ints, values) in both.into_iter().zip(halves(values)) {
        lanes.store(lanes.add(lanes.multiply(scale, lanes.floats(ints)), minimum), values);
    }
}

/// Five bits of each value: four of a nibble, and the fifth of a mask.
#[inline(always)]
fn five_bits<L: Lanes>(lanes: L, mask: &[u8; 4], bytes: &[u8; WIDTH]) -> [L::Ints; 2] {
    let [low, high] = nibbles(lanes, bytes);
    let first = lanes.sixteens(u16::from_le_bytes([mask[0], mask[1]]));
    let second = lanes.sixteens(u16::from_le_bytes([mask[2], mask[3]]));
    [lanes.or(low, first), lanes.or(high, second)]
}

/// scale · (q - 8)
impl Block<18, 32> for Q4_0 {
    #[inline(always)]
    fn decode<L: Lanes>(lanes: L, block: &[u8; 18], values: &mut [f32; 32]) {
        let table = nibbles::scaled(lanes, lanes.splat_half(*part(block, 0)), &AROUND_ZERO);
        nibbles::write(lanes, table, part(block, 2), values);
    }
}

/// scale · q + minimum
impl Block<20, 32> for Q4_1 {
    #[inline(always)]
    fn decode<L: Lanes>(lanes: L, block: &[u8; 20], values: &mut [f32; 32]) {
        let table =
            nibbles::above(lanes, [lanes.splat_half(*part(block, 0)), lanes.splat_half(*part(block, 2))]);
        nibbles::write(lanes, table, part(block, 4), values);
    }
}

/// scale · (q - 16)
impl Block<22, 32> for Q5_0 {
    #[inline(always)]
    fn decode<L: Lanes>(lanes: L, block: &[u8; 22], values: &mut [f32; 32]) {
        let both = five_bits(lanes, part(block, 2), part(block, 6));
        scaled(lanes, lanes.splat_half(*part(block, 0)), 16, both, values);
    }
}

/// scale · q + minimum
impl Block<24, 32> for Q5_1 {
    #[inline(always)]
    fn decode<L: Lanes>(lanes: L, block: &[u8; 24], values: &mut [f32; 32]) {
        let scales = [lanes.splat_half(*part(block, 0)), lanes.splat_half(*part(block, 2))];
        above(lanes, scales, five_bits(lanes, part(block, 4), part(block, 8)), values);
    }
}

/// scale · q
impl Block<34, 32> for Q8_0 {
    #[inline(always)]
    fn decode<L: Lanes>(lanes: L, block: &[u8; 34], values: &mut [f32; 32]) {
        let both = [lanes.signed(part(block, 2)), lanes.signed(part(block, 18))];
        scaled(lanes, lanes.splat_half(*part(block, 0)), 0, both, values);
    }
}
