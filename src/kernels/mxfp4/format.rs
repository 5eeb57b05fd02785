//! The format: what a code and a scale stand for.

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
pub static SCALES: [f32; 256] = {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scale_is_its_power_of_two() {
        for byte in 0..NAN_SCALE {
            assert_eq!(f64::from(scale_value(byte)), 2.0f64.powi(i32::from(byte) - 127), "{byte}");
        }
        assert!(scale_value(NAN_SCALE).is_nan());
    }
}
