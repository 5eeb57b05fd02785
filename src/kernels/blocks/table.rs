//! Blocks whose four bits name a number of a table. The low halves of bytes come first.

use super::lanes::Lanes;
use super::nibbles;
use super::row::{Block, part};

#[derive(Clone, Copy)]
pub(super) struct Iq4Nl;
#[derive(Clone, Copy)]
pub(super) struct Iq4Xs;
#[derive(Clone, Copy)]
pub(super) struct Mxfp4;

/// The numbers of the IQ4 types, closer to each other around zero.
const UNEVEN: [f32; 16] = [
    -127.0, -104.0, -83.0, -65.0, -49.0, -35.0, -22.0, -10.0, 1.0, 13.0, 25.0, 38.0, 53.0, 69.0, 89.0, 113.0,
];

/// Twice the numbers of FP4 (E2M1): a sign, two bits of exponent, one of fraction.
const TWICE_FP4: [f32; 16] =
    [0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, -0.0, -1.0, -2.0, -3.0, -4.0, -6.0, -8.0, -12.0];

/// scale · number, 32 values.
impl Block<18, 32> for Iq4Nl {
    #[inline(always)]
    fn decode<L: Lanes>(lanes: L, block: &[u8; 18], values: &mut [f32; 32]) {
        let table = nibbles::scaled(lanes, lanes.splat_half(*part(block, 0)), &UNEVEN);
        nibbles::write(lanes, table, part(block, 2), values);
    }
}

/// scale · (small scale - 32) · number, eight parts of 32 values.
impl Block<136, 256> for Iq4Xs {
    #[inline(always)]
    fn decode<L: Lanes>(lanes: L, block: &[u8; 136], values: &mut [f32; 256]) {
        let scale = lanes.splat_half(*part(block, 0));
        let high = u16::from_le_bytes([block[2], block[3]]);
        for (at, values) in values.as_chunks_mut().0.iter_mut().enumerate() {
            let low = block[4 + at / 2] >> (4 * (at % 2)) & 15;
            let small = i16::from(low) | (high >> (2 * at) & 3).cast_signed() << 4;
            let table =
                nibbles::scaled(lanes, lanes.multiply(scale, lanes.splat(f32::from(small - 32))), &UNEVEN);
            nibbles::write(lanes, table, part(block, 8 + 16 * at), values);
        }
    }
}

/// 2^(exponent - 127) · number, 32 values (OCP Microscaling, MXFP4). An exponent of 255 is NaN.
impl Block<17, 32> for Mxfp4 {
    #[inline(always)]
    fn decode<L: Lanes>(lanes: L, block: &[u8; 17], values: &mut [f32; 32]) {
        // Half of the scale, 2^(exponent - 128): the first two are below the smallest normal number.
        let half = match block[0] {
            255 => f32::NAN,
            exponent @ 0..=1 => f32::from_bits(0x0020_0000 << exponent),
            exponent => f32::from_bits(u32::from(exponent - 1) << 23),
        };
        nibbles::write(lanes, nibbles::scaled(lanes, lanes.splat(half), &TWICE_FP4), part(block, 1), values);
    }
}
