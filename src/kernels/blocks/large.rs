//! Blocks of 256 values with a scale, whose parts of 16 or 32 values have small scales of their own ("K" types).

use super::lanes::{Lanes, WIDTH};
use super::nibbles::{self, nibbles};
use super::row::{Block, part};

#[derive(Clone, Copy)]
pub(super) struct Q2K;
#[derive(Clone, Copy)]
pub(super) struct Q3K;
#[derive(Clone, Copy)]
pub(super) struct Q4K;
#[derive(Clone, Copy)]
pub(super) struct Q5K;
#[derive(Clone, Copy)]
pub(super) struct Q6K;

/// Writes scale · q - minimum.
#[inline(always)]
fn below<L: Lanes>(lanes: L, [scale, minimum]: [L::Floats; 2], q: L::Ints, values: &mut [f32; WIDTH]) {
    lanes.store(lanes.subtract(lanes.multiply(scale, lanes.floats(q)), minimum), values);
}

/// Writes scale · (q - offset).
#[inline(always)]
fn scaled<L: Lanes>(lanes: L, scale: L::Floats, offset: i32, q: L::Ints, values: &mut [f32; WIDTH]) {
    lanes.store(lanes.multiply(scale, lanes.floats(lanes.minus(q, offset))), values);
}

/// The scale of a block times the small one of a part.
#[inline(always)]
fn times<L: Lanes>(lanes: L, scale: L::Floats, small: impl Into<f32>) -> L::Floats {
    lanes.multiply(scale, lanes.splat(small.into()))
}

/// Moves the bit at one place to another.
#[inline(always)]
fn shifted<L: Lanes>(lanes: L, ints: L::Ints, from: i32, to: i32) -> L::Ints {
    if from < to { lanes.shift_left(ints, to - from) } else { lanes.shift_right(ints, from - to) }
}

/// 16 parts of 16 values, two bits each: scale · small scale · q - minimum · small minimum. A byte holds the bits of
/// four parts, of every second one.
impl Block<84, 256> for Q2K {
    #[inline(always)]
    fn decode<L: Lanes>(lanes: L, block: &[u8; 84], values: &mut [f32; 256]) {
        let (scale, minimum) = (lanes.splat_half(*part(block, 80)), lanes.splat_half(*part(block, 82)));
        let parts = values.as_chunks_mut().0;
        for column in 0..4 {
            let bytes = lanes.unsigned(part(block, 16 + 16 * column));
            for quarter in 0..4 {
                let at = 8 * (column / 2) + 2 * quarter + column % 2;
                let scales = [times(lanes, scale, block[at] & 15), times(lanes, minimum, block[at] >> 4)];
                let q = lanes.and(lanes.shift_right(bytes, 2 * quarter as i32), 3);
                below(lanes, scales, q, &mut parts[at]);
            }
        }
    }
}

/// 16 parts of 16 values, three bits each: scale · (small scale - 32) · (q - 4). Two bits lie as in [`Q2K`]; the third
/// ones of eight parts are in a byte.
impl Block<110, 256> for Q3K {
    #[inline(always)]
    fn decode<L: Lanes>(lanes: L, block: &[u8; 110], values: &mut [f32; 256]) {
        let (scales, scale) = (&block[96..108], lanes.splat_half(*part(block, 108)));
        let parts = values.as_chunks_mut().0;
        for column in 0..4 {
            let bytes = lanes.unsigned(part(block, 32 + 16 * column));
            let thirds = lanes.unsigned(part(block, 16 * (column % 2)));
            for quarter in 0..4 {
                let at = 8 * (column / 2) + 2 * quarter + column % 2;
                let low = scales[at % 8] >> (4 * (at / 8)) & 15;
                let small = low | (scales[8 + at % 4] >> (2 * (at / 4)) & 3) << 4;
                let third = lanes.and(shifted(lanes, thirds, (at / 2) as i32, 2), 4);
                let q = lanes.and(lanes.shift_right(bytes, 2 * quarter as i32), 3);
                let q = lanes.or(q, third);
                scaled(lanes, times(lanes, scale, small.cast_signed() - 32), 4, q, &mut parts[at]);
            }
        }
    }
}

/// Scale and minimum of one of eight parts: six bits of each, packed into twelve bytes, times those of the block.
#[inline(always)]
fn six_bits<L: Lanes>(lanes: L, scales: [L::Floats; 2], block: &[u8], part: usize) -> [L::Floats; 2] {
    let packed = &block[4..16];
    let (scale, minimum) = match part < 4 {
        true => (packed[part] & 63, packed[part + 4] & 63),
        false => (
            packed[part + 4] & 15 | packed[part - 4] >> 6 << 4,
            packed[part + 4] >> 4 | packed[part] >> 6 << 4,
        ),
    };
    [times(lanes, scales[0], scale), times(lanes, scales[1], minimum)]
}

/// Eight parts of 32 values, four bits each: scale · small scale · q - minimum · small minimum. The bytes of two parts
/// are the same.
impl Block<144, 256> for Q4K {
    #[inline(always)]
    fn decode<L: Lanes>(lanes: L, block: &[u8; 144], values: &mut [f32; 256]) {
        let scales = [lanes.splat_half(*part(block, 0)), lanes.splat_half(*part(block, 2))];
        for (pair, values) in values.as_chunks_mut::<64>().0.iter_mut().enumerate() {
            let first = nibbles::below(lanes, six_bits(lanes, scales, block, 2 * pair));
            let second = nibbles::below(lanes, six_bits(lanes, scales, block, 2 * pair + 1));
            let values = values.as_chunks_mut().0;
            for half in 0..2 {
                let bytes = lanes.unsigned(part(block, 16 + 32 * pair + WIDTH * half));
                lanes.store(lanes.look_up(first, bytes), &mut values[half]);
                lanes.store(lanes.look_up(second, lanes.shift_right(bytes, 4)), &mut values[2 + half]);
            }
        }
    }
}

/// As [`Q4K`], with a fifth bit of each value apart.
impl Block<176, 256> for Q5K {
    #[inline(always)]
    fn decode<L: Lanes>(lanes: L, block: &[u8; 176], values: &mut [f32; 256]) {
        let scales = [lanes.splat_half(*part(block, 0)), lanes.splat_half(*part(block, 2))];
        for (pair, values) in values.as_chunks_mut::<64>().0.iter_mut().enumerate() {
            let first = six_bits(lanes, scales, block, 2 * pair);
            let second = six_bits(lanes, scales, block, 2 * pair + 1);
            let values = values.as_chunks_mut().0;
            for half in 0..2 {
                let fifths = lanes.unsigned(part(block, 16 + WIDTH * half));
                let [low, high] = nibbles(lanes, part(block, 48 + 32 * pair + WIDTH * half));
                let at = 2 * pair as i32;
                let low = lanes.or(low, lanes.and(shifted(lanes, fifths, at, 4), 16));
                let high = lanes.or(high, lanes.and(shifted(lanes, fifths, at + 1, 4), 16));
                below(lanes, first, low, &mut values[half]);
                below(lanes, second, high, &mut values[2 + half]);
            }
        }
    }
}

/// 16 parts of 16 values, six bits each: scale · small scale · (q - 32). The low four bits of two parts are in a byte,
/// the others of four parts.
impl Block<210, 256> for Q6K {
    #[inline(always)]
    fn decode<L: Lanes>(lanes: L, block: &[u8; 210], values: &mut [f32; 256]) {
        let scale = lanes.splat_half(*part(block, 208));
        let parts = values.as_chunks_mut().0;
        for column in 0..4 {
            let (big, lane) = (column / 2, column % 2);
            let high = lanes.unsigned(part(block, 128 + 16 * column));
            let [first, third] = nibbles(lanes, part(block, 64 * big + 16 * lane));
            let [second, fourth] = nibbles(lanes, part(block, 64 * big + 32 + 16 * lane));
            for (quarter, low) in [first, second, third, fourth].into_iter().enumerate() {
                let at = 8 * big + 2 * quarter + lane;
                let bits = lanes.and(shifted(lanes, high, 2 * quarter as i32, 4), 0x30);
                let q = lanes.or(low, bits);
                scaled(lanes, times(lanes, scale, block[192 + at].cast_signed()), 32, q, &mut parts[at]);
            }
        }
    }
}
