//! Nibbles, the low halves of bytes first. What they stand for in a part of a block is one of sixteen numbers, so that
//! these are computed once, and then looked up.

use super::lanes::{Lanes, WIDTH};

/// What nibbles are, where no table says otherwise.
const NUMBERS: [f32; 16] = [0., 1., 2., 3., 4., 5., 6., 7., 8., 9., 10., 11., 12., 13., 14., 15.];

/// The low and the high halves of 16 bytes.
#[inline(always)]
pub(super) fn nibbles<L: Lanes>(lanes: L, bytes: &[u8; WIDTH]) -> [L::Ints; 2] {
    let bytes = lanes.unsigned(bytes);
    [lanes.and(bytes, 15), lanes.shift_right(bytes, 4)]
}

/// Numbers, each times a scale.
#[inline(always)]
pub(super) fn scaled<L: Lanes>(lanes: L, scale: L::Floats, numbers: &[f32; 16]) -> L::Floats {
    lanes.multiply(scale, lanes.load(numbers))
}

/// scale · q + minimum for each q.
#[inline(always)]
pub(super) fn above<L: Lanes>(lanes: L, [scale, minimum]: [L::Floats; 2]) -> L::Floats {
    lanes.add(scaled(lanes, scale, &NUMBERS), minimum)
}

/// scale · q - minimum for each q.
#[inline(always)]
pub(super) fn below<L: Lanes>(lanes: L, [scale, minimum]: [L::Floats; 2]) -> L::Floats {
    lanes.subtract(scaled(lanes, scale, &NUMBERS), minimum)
}

/// Writes what the low halves of 16 bytes, and then what the high halves stand for.
#[inline(always)]
pub(super) fn write<L: Lanes>(lanes: L, table: L::Floats, bytes: &[u8; WIDTH], values: &mut [f32; 32]) {
    let bytes = lanes.unsigned(bytes);
    let [low, high] = halves(values);
    lanes.store(lanes.look_up(table, bytes), low);
    lanes.store(lanes.look_up(table, lanes.shift_right(bytes, 4)), high);
}

/// The first and the last 16 of 32 values.
#[inline(always)]
pub(super) fn halves(values: &mut [f32; 32]) -> [&mut [f32; WIDTH]; 2] {
    let (low, high) = values.split_at_mut(WIDTH);
    [&mut low.as_chunks_mut().0[0], &mut high.as_chunks_mut().0[0]]
}
