//! MXFP4: 32 values of 4 bits share one power of two (OCP Microscaling Formats 1.0). Decoding is exact.

mod digits;
mod panels;
mod tiles;

use std::ops::Range;

use super::codes::LANES;
use super::decoded::by_panels;
use digits::{BLOCKS, by_digits};
use tiles::{by_tiles, most_vectors};

/// Values that share a scale.
pub const BLOCK: usize = 32;
/// Bytes a block's values take: two in a byte, the low nibble first.
pub const BLOCK_BYTES: usize = BLOCK / 2;
/// What the 16 codes stand for, before scaling; bit 3 is the sign.
pub const CODES: [f32; 16] =
    [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, -0.0, -0.5, -1.0, -1.5, -2.0, -3.0, -4.0, -6.0];
/// The scale that the format reserves for "not a number".
pub const NAN_SCALE: u8 = 255;

/// [`scale_value`] of every byte.
pub(super) static SCALES: [f32; 256] = {
    let mut scales = [0.0; 256];
    let mut byte = 0;
    while byte < 256 {
        scales[byte] = scale_value(byte as u8);
        byte += 1;
    }
    scales
};

/// The power of two that a scale byte stands for: 2^(byte − 127); NaN for [`NAN_SCALE`].
pub const fn scale_value(byte: u8) -> f32 {
    match byte {
        NAN_SCALE => f32::NAN,
        // 2^-127 is below f32's normal range: its bits are those of a subnormal.
        0 => f32::from_bits(1 << 22),
        _ => f32::from_bits((byte as u32) << 23),
    }
}

/// `y` \[n, to\] += `x` \[n, from\] · Wᵀ, the blocks being the rows of W. Nothing decoded leaves a core's cache.
///
/// # Panics
/// If the lengths don't belong together.
pub fn add_product(x: &[f32], blocks: &[u8], scales: &[u8], from: usize, y: &mut [f32]) {
    let packed = Packed { blocks, scales, groups: from / BLOCK };
    let (count, to) = (x.len() / from, scales.len() / packed.groups);
    assert_eq!((blocks.len(), count * to), (scales.len() * BLOCK_BYTES, y.len()), "y is [n, to]");
    let most = most_vectors();
    // Each number of vectors has a kernel of its own; one or two are multiplied bytewise.
    macro_rules! products {
        ($($vectors:literal)*) => {
            match count {
                0 => {}
                1 if packed.groups >= BLOCKS => by_digits::<1>([from, to], x, &packed, y),
                2 if packed.groups >= BLOCKS => by_digits::<2>([from, to], x, &packed, y),
                $($vectors if $vectors <= most => by_tiles::<$vectors>([from, to], x, &packed, y),)*
                _ => by_panels([from, to], x, &packed, y),
            }
        };
    }
    products!(3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24);
}

/// The rows of a weight, each of `groups` blocks.
struct Packed<'a> {
    blocks: &'a [u8],
    scales: &'a [u8],
    groups: usize,
}

impl Packed<'_> {
    /// Blocks and scales of a row.
    fn row(&self, row: usize) -> (&[u8], &[u8]) {
        (self.blocks_of(row..row + 1), &self.scales[row * self.groups..][..self.groups])
    }

    /// Blocks and scales of [`LANES`] rows, of which those beyond the last of `rows` repeat it.
    #[inline(always)]
    fn lanes(
        &self,
        rows: Range<usize>,
        blocks: Range<usize>,
    ) -> ([&[[u8; BLOCK_BYTES]]; LANES], [[u8; BLOCK_BYTES]; LANES]) {
        let start = |lane: usize| (rows.start + lane).min(rows.end - 1) * self.groups + blocks.start;
        let codes = |lane: usize| &self.blocks[start(lane) * BLOCK_BYTES..].as_chunks().0[..blocks.len()];
        // Later ones are not looked at.
        let scales = |lane: usize| match self.scales[start(lane)..].first_chunk() {
            Some(scales) => *scales,
            None => filled_up(&self.scales[start(lane)..]),
        };
        (std::array::from_fn(codes), std::array::from_fn(scales))
    }

    /// Blocks of some rows.
    fn blocks_of(&self, rows: Range<usize>) -> &[u8] {
        &self.blocks[rows.start * self.groups * BLOCK_BYTES..rows.end * self.groups * BLOCK_BYTES]
    }
}

/// The last scales of a weight.
#[cold]
#[inline(never)]
fn filled_up(rest: &[u8]) -> [u8; BLOCK_BYTES] {
    let mut scales = [0; BLOCK_BYTES];
    scales[..rest.len()].copy_from_slice(rest);
    scales
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn low_nibble_first_and_scaled() {
        let mut blocks = [0u8; 16];
        blocks[0] = 0x2f; // low nibble 15: -6, high nibble 2: 1
        for count in [1, 2, 25] {
            for (place, value) in [(0, -12.0), (1, 2.0), (2, 0.0)] {
                let mut x = vec![0.0; count * BLOCK];
                x[place] = 1.0;
                let mut y = vec![0.0; count];
                add_product(&x, &blocks, &[128], BLOCK, &mut y);
                assert_eq!(y[0], value);
            }
        }
    }

    #[test]
    fn products_of_few_and_many_are_those_of_the_decoded() {
        // More blocks than have their scales in a register, and rows that are no whole groups.
        let (from, to) = (544, 53);
        let mut random = fastrand::Rng::with_seed(3);
        let blocks: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(to * from / 2).collect();
        let scales: Vec<u8> =
            std::iter::repeat_with(|| random.u8(120..130)).take(to * from / BLOCK).collect();
        let code = |at: usize| CODES[usize::from(blocks[at / 2] >> (at % 2 * 4) & 15)];
        let weight: Vec<f32> = (0..to * from).map(|at| code(at) * scale_value(scales[at / BLOCK])).collect();
        for count in (1..=26).chain([40]) {
            let x: Vec<f32> = std::iter::repeat_with(|| random.f32() - 0.5).take(count * from).collect();
            let mut y = vec![1.0; count * to];
            add_product(&x, &blocks, &scales, from, &mut y);
            for (at, y) in y.iter().enumerate() {
                let products = x[at / to * from..][..from].iter().zip(&weight[at % to * from..][..from]);
                let exact = 1.0 + products.clone().map(|(x, w)| f64::from(x * w)).sum::<f64>();
                let size = products.map(|(x, w)| f64::from((x * w).abs())).sum::<f64>();
                assert!((f64::from(*y) - exact).abs() < 1e-6 * size, "{y}, not {exact}");
            }
        }
    }

    #[test]
    fn every_scale_is_its_power_of_two() {
        for byte in 0..NAN_SCALE {
            assert_eq!(f64::from(scale_value(byte)), 2.0f64.powi(i32::from(byte) - 127), "{byte}");
        }
        assert!(scale_value(NAN_SCALE).is_nan());
    }
}
