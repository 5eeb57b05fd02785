//! Numbers of 16 bits, without a branch, so that the compiler can take several at a time.

/// The value of an f16.
#[inline(always)]
pub(super) fn value(bytes: [u8; 2]) -> f32 {
    /// What the exponents of f16 are below those of f32.
    const SHIFT: i32 = (127 - 15) << 23;
    let bits = u16::from_le_bytes(bytes);
    let magnitude = i32::from(bits & 0x7fff);
    let sign = u32::from(bits & 0x8000) << 16;
    // Infinity and NaN have the largest exponent of f16, and get that of f32.
    let special = if magnitude >= 0x7c00 { SHIFT } else { 0 };
    let normal = f32::from_bits(((magnitude << 13) + SHIFT + special).cast_unsigned());
    // A product of numbers below the normal ones would be slow.
    let below = magnitude as f32 * (1.0 / 16_777_216.0);
    let value = if magnitude < 0x0400 { below } else { normal };
    f32::from_bits(value.to_bits() | sign)
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_number_is_that_of_the_half_crate() {
        for bits in 0..=u16::MAX {
            let (value, expected) = (super::value(bits.to_le_bytes()), half::f16::from_bits(bits).to_f32());
            assert!(value.to_bits() == expected.to_bits() || value.is_nan() && expected.is_nan(), "{bits:x}");
        }
    }
}
