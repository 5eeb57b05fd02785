//! Numbers stored one by one.

use super::lanes::Lanes;
use super::row::Block;

#[derive(Clone, Copy)]
pub(super) struct F32;
#[derive(Clone, Copy)]
pub(super) struct F16;
#[derive(Clone, Copy)]
pub(super) struct Bf16;

impl Block<4, 1> for F32 {
    #[inline(always)]
    fn decode<L: Lanes>(_: L, block: &[u8; 4], values: &mut [f32; 1]) {
        values[0] = f32::from_le_bytes(*block);
    }
}

/// So many at a time as there are instructions for.
impl Block<32, 16> for F16 {
    #[inline(always)]
    fn decode<L: Lanes>(lanes: L, block: &[u8; 32], values: &mut [f32; 16]) {
        lanes.store(lanes.halves(block), values);
    }
}

impl Block<2, 1> for Bf16 {
    #[inline(always)]
    fn decode<L: Lanes>(_: L, block: &[u8; 2], values: &mut [f32; 1]) {
        values[0] = f32::from_bits(u32::from(u16::from_le_bytes(*block)) << 16);
    }
}
