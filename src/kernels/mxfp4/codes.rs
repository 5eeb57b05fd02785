//! Decoding by the widest registers that a machine has, and by any machine.

use pulp::{Scalar, Simd};

use super::{BLOCK_BYTES, CODES, SCALES};

/// Rows that are decoded side by side.
pub const LANES: usize = 16;

/// What the machine does with blocks, by the widest registers it has.
macro_rules! dispatch {
    ($function:ident($($argument:expr),*)) => {
        match pulp::Arch::new() {
            #[cfg(target_arch = "x86_64")]
            pulp::Arch::V4(simd) => simd.vectorize(|| $function(simd, $($argument),*)),
            #[cfg(target_arch = "x86_64")]
            pulp::Arch::V3(simd) => simd.vectorize(|| $function(simd, $($argument),*)),
            _ => $function(pulp::Scalar, $($argument),*),
        }
    };
}
pub(super) use dispatch;

/// Processors that look up the codes of a whole block at once, and any other.
pub trait Codes: Simd {
    /// Registers that hold 16 values.
    type Half: AsRef<[Self::f32s]>;

    /// What the low, and what the high nibbles of 16 bytes stand for.
    fn codes(self, block: &[u8]) -> [Self::Half; 2];

    /// What 16 bytes stand for as scales.
    fn scales(self, bytes: &[u8; LANES]) -> Self::Half;

    /// Columns as rows.
    fn transpose(self, bytes: [[u8; BLOCK_BYTES]; LANES]) -> [[u8; LANES]; BLOCK_BYTES];
}

impl Codes for Scalar {
    type Half = [f32; 16];

    #[inline(always)]
    fn codes(self, block: &[u8]) -> [[f32; 16]; 2] {
        [
            std::array::from_fn(|at| CODES[usize::from(block[at] & 15)]),
            std::array::from_fn(|at| CODES[usize::from(block[at] >> 4)]),
        ]
    }

    #[inline(always)]
    fn scales(self, bytes: &[u8; LANES]) -> [f32; 16] {
        bytes.map(|byte| SCALES[usize::from(byte)])
    }

    #[inline(always)]
    fn transpose(self, bytes: [[u8; BLOCK_BYTES]; LANES]) -> [[u8; LANES]; BLOCK_BYTES] {
        std::array::from_fn(|column| std::array::from_fn(|row| bytes[row][column]))
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::__m128i;

    use pulp::x86::{V3, V4};
    use pulp::{cast, f32x8, f32x16};

    use super::super::{BLOCK_BYTES, CODES};
    use super::{Codes, LANES};

    /// Taking turns between both halves of the rows four times brings every byte to its place.
    macro_rules! transpose {
        ($simd:expr, $bytes:expr) => {{
            let mut rows: [__m128i; LANES] = cast($bytes);
            for _ in 0..4 {
                let before = rows;
                for at in 0..LANES / 2 {
                    let (a, b) = (before[at], before[at + LANES / 2]);
                    rows[2 * at] = $simd.sse2._mm_unpacklo_epi8(a, b);
                    rows[2 * at + 1] = $simd.sse2._mm_unpackhi_epi8(a, b);
                }
            }
            cast(rows)
        }};
    }

    impl Codes for V4 {
        type Half = [f32x16; 1];

        #[inline(always)]
        fn codes(self, block: &[u8]) -> [[f32x16; 1]; 2] {
            let mut bytes = [0u8; BLOCK_BYTES];
            bytes.copy_from_slice(block);
            let table = cast(CODES);
            let bytes = self.avx512f._mm512_cvtepu8_epi32(cast(bytes));
            // Only the lowest four bits of an index count.
            let low = self.avx512f._mm512_permutexvar_ps(bytes, table);
            let high = self.avx512f._mm512_permutexvar_ps(self.avx512f._mm512_srli_epi32::<4>(bytes), table);
            [[cast(low)], [cast(high)]]
        }

        #[inline(always)]
        fn scales(self, bytes: &[u8; LANES]) -> [f32x16; 1] {
            let bytes = self.avx512f._mm512_cvtepu8_epi32(cast(*bytes));
            let bits = self.avx512f._mm512_slli_epi32::<23>(bytes);
            // The smallest is below f32's normal range.
            let subnormal = self.avx512f._mm512_set1_epi32(1 << 22);
            [cast(self.avx512f._mm512_max_epi32(bits, subnormal))]
        }

        #[inline(always)]
        fn transpose(self, bytes: [[u8; BLOCK_BYTES]; LANES]) -> [[u8; LANES]; BLOCK_BYTES] {
            transpose!(self, bytes)
        }
    }

    impl Codes for V3 {
        type Half = [f32x8; 2];

        #[inline(always)]
        fn codes(self, block: &[u8]) -> [[f32x8; 2]; 2] {
            // Codes are multiples of a half: twice of them fit a byte.
            let twice: [i8; 16] = CODES.map(|code| (2.0 * code) as i8);
            let mut bytes = [0u8; BLOCK_BYTES];
            bytes.copy_from_slice(block);
            let bytes = cast(bytes);
            let nibble = self.sse2._mm_set1_epi8(15);
            let half = self.avx._mm256_set1_ps(0.5);
            [
                self.sse2._mm_and_si128(bytes, nibble),
                self.sse2._mm_and_si128(self.sse2._mm_srli_epi16::<4>(bytes), nibble),
            ]
            .map(|nibbles| {
                let codes = self.ssse3._mm_shuffle_epi8(cast(twice), nibbles);
                [codes, self.sse2._mm_unpackhi_epi64(codes, codes)].map(|codes| {
                    let codes = self.avx._mm256_cvtepi32_ps(self.avx2._mm256_cvtepi8_epi32(codes));
                    cast(self.avx._mm256_mul_ps(codes, half))
                })
            })
        }

        #[inline(always)]
        fn scales(self, bytes: &[u8; LANES]) -> [f32x8; 2] {
            let bytes = cast(*bytes);
            let subnormal = self.avx._mm256_set1_epi32(1 << 22);
            [bytes, self.sse2._mm_unpackhi_epi64(bytes, bytes)].map(|bytes| {
                let bits = self.avx2._mm256_slli_epi32::<23>(self.avx2._mm256_cvtepu8_epi32(bytes));
                cast(self.avx2._mm256_max_epi32(bits, subnormal))
            })
        }

        #[inline(always)]
        fn transpose(self, bytes: [[u8; BLOCK_BYTES]; LANES]) -> [[u8; LANES]; BLOCK_BYTES] {
            transpose!(self, bytes)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What one way to decode makes of every byte.
    fn decoded<S: Codes>(simd: S) -> (Vec<f32>, [[u8; LANES]; BLOCK_BYTES]) {
        let bytes: [[u8; BLOCK_BYTES]; LANES] =
            std::array::from_fn(|row| std::array::from_fn(|at| (LANES * row + at) as u8));
        let mut values = Vec::new();
        for row in &bytes {
            let [low, high] = simd.codes(row);
            let scales = simd.scales(row);
            let all = [low.as_ref(), high.as_ref(), scales.as_ref()].concat();
            all.iter().for_each(|register| values.extend_from_slice(bytemuck::cast_slice(&[*register])));
        }
        (values, simd.transpose(bytes))
    }

    #[test]
    fn every_machine_decodes_alike() {
        let (values, transposed) = decoded(Scalar);
        assert_eq!(transposed[3][5], (5 * LANES + 3) as u8);
        let same = |(others, turned): (Vec<f32>, _)| {
            // The last scale stands for NaN, and no checkpoint with it is loaded.
            let last = values.len() - 1;
            assert_eq!((&others[..last], turned), (&values[..last], transposed));
        };
        #[cfg(target_arch = "x86_64")]
        {
            pulp::x86::V3::try_new().into_iter().for_each(|simd| same(decoded(simd)));
            pulp::x86::V4::try_new().into_iter().for_each(|simd| same(decoded(simd)));
        }
        same(decoded(Scalar));
    }
}
