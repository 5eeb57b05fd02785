//! MXFP4: 32 values of 4 bits share one power of two (OCP Microscaling Formats 1.0). Decoding is exact.

use rayon::prelude::*;

use super::attention::dot;

/// Values that share a scale.
pub const BLOCK: usize = 32;
/// Bytes a block's values take: two in a byte, the low nibble first.
pub const BLOCK_BYTES: usize = BLOCK / 2;
/// What the 16 codes stand for, before scaling; bit 3 is the sign.
pub const CODES: [f32; 16] =
    [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, -0.0, -0.5, -1.0, -1.5, -2.0, -3.0, -4.0, -6.0];
/// The scale that the format reserves for "not a number".
pub const NAN_SCALE: u8 = 255;

/// The power of two that a scale byte stands for: 2^(byte − 127); NaN for [`NAN_SCALE`].
pub fn scale_value(byte: u8) -> f32 {
    match byte {
        NAN_SCALE => f32::NAN,
        // 2^-127 is below f32's normal range: its bits are those of a subnormal.
        0 => f32::from_bits(1 << 22),
        _ => f32::from_bits(u32::from(byte) << 23),
    }
}

/// Decodes blocks into 32 values each.
///
/// # Panics
/// If the lengths don't belong together.
pub fn decode(blocks: &[u8], scales: &[u8], values: &mut [f32]) {
    assert_eq!(blocks.len(), scales.len() * BLOCK_BYTES, "16 bytes per scale");
    assert_eq!(values.len(), scales.len() * BLOCK, "32 values per scale");
    let rows = blocks.chunks_exact(BLOCK_BYTES).zip(values.chunks_exact_mut(BLOCK));
    for ((block, out), &scale) in rows.zip(scales) {
        let scale = scale_value(scale);
        let table = CODES.map(|code| code * scale);
        for (byte, pair) in block.iter().zip(out.chunks_exact_mut(2)) {
            pair[0] = table[usize::from(byte & 15)];
            pair[1] = table[usize::from(byte >> 4)];
        }
    }
}

/// x W^T: `x` is \[tokens, from\], the blocks are the rows of W, the result is \[tokens, rows\]. A row is
/// decoded once for all tokens and never leaves the cache.
///
/// # Panics
/// If the lengths don't belong together.
pub fn matmul(x: &[f32], blocks: &[u8], scales: &[u8], from: usize) -> Vec<f32> {
    let groups = from / BLOCK;
    let (tokens, rows) = (x.len() / from, scales.len() / groups);
    let mut by_row = vec![0.0; rows * tokens];
    by_row.par_chunks_mut(tokens).enumerate().for_each_init(
        || vec![0.0; from],
        |weights, (row, out)| {
            let blocks = &blocks[row * groups * BLOCK_BYTES..][..groups * BLOCK_BYTES];
            decode(blocks, &scales[row * groups..][..groups], weights);
            for (out, x) in out.iter_mut().zip(x.chunks_exact(from)) {
                *out = dot(x, weights);
            }
        },
    );
    (0..tokens * rows).map(|at| by_row[at % rows * tokens + at / rows]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn low_nibble_first_and_scaled() {
        let mut blocks = [0u8; 16];
        blocks[0] = 0x2f; // low nibble 15: -6, high nibble 2: 1
        let mut values = [0.0; 32];
        decode(&blocks, &[128], &mut values);
        assert_eq!(values[..3], [-12.0, 2.0, 0.0]);
    }

    #[test]
    fn every_scale_is_its_power_of_two() {
        for byte in 0..NAN_SCALE {
            assert_eq!(f64::from(scale_value(byte)), 2.0f64.powi(i32::from(byte) - 127), "{byte}");
        }
        assert!(scale_value(NAN_SCALE).is_nan());
    }
}
