//! Decoding of rows by the widest registers that a machine has, and by any machine: MXFP4 and bf16.

use pulp::{Arch, Scalar, Simd, WithSimd};

use super::mxfp4::{BLOCK_BYTES, CODES, SCALES};

/// Rows that are decoded side by side.
pub const LANES: usize = 16;

/// What is done with blocks. Not a closure: the compiler may leave that a function of its own, which has no wide
/// registers.
pub trait WithCodes {
    /// With what a machine has.
    fn with_codes<S: Codes>(self, simd: S);
}

/// Does it with the widest registers that the machine has.
pub fn dispatch(work: impl WithCodes) {
    match Arch::new() {
        #[cfg(target_arch = "x86_64")]
        Arch::V4(simd) => Simd::vectorize(simd, Work { simd, work }),
        #[cfg(target_arch = "x86_64")]
        Arch::V3(simd) => Simd::vectorize(simd, Work { simd, work }),
        _ => work.with_codes(Scalar),
    }
}

struct Work<S, W> {
    simd: S,
    work: W,
}

impl<S: Codes, W: WithCodes> WithSimd for Work<S, W> {
    type Output = ();

    #[inline(always)]
    fn with_simd<T: Simd>(self, _: T) {
        self.work.with_codes(self.simd);
    }
}

/// Processors that look up the codes of a whole block at once, and any other.
pub trait Codes: Simd {
    /// Registers that hold 16 values.
    type Half: AsRef<[Self::f32s]>;
    /// Registers that hold four bytes of each of 16 rows.
    type Words: Copy;

    /// What the low, and what the high nibbles of 16 bytes stand for.
    fn codes(self, block: &[u8; BLOCK_BYTES]) -> [Self::Half; 2];

    /// The same four bytes of all rows beside each other, four times.
    fn words(self, rows: [&[u8; BLOCK_BYTES]; LANES]) -> [Self::Words; BLOCK_BYTES / 4];

    /// What the lowest nibble of each word stands for, which is then shifted out.
    fn next_codes(self, words: &mut Self::Words) -> Self::Half;

    /// What both halves of each word stand for as bf16, the low one first.
    fn halves(self, words: Self::Words) -> [Self::Half; 2];

    /// What the lowest byte of each word stands for as a scale, which is then shifted out.
    fn next_scales(self, words: &mut Self::Words) -> Self::Half;
}

impl Codes for Scalar {
    type Half = [f32; 16];
    type Words = [u32; LANES];

    #[inline(always)]
    fn codes(self, block: &[u8; BLOCK_BYTES]) -> [[f32; 16]; 2] {
        [
            std::array::from_fn(|at| CODES[usize::from(block[at] & 15)]),
            std::array::from_fn(|at| CODES[usize::from(block[at] >> 4)]),
        ]
    }

    #[inline(always)]
    fn words(self, rows: [&[u8; BLOCK_BYTES]; LANES]) -> [[u32; LANES]; BLOCK_BYTES / 4] {
        let word = |row: &[u8; BLOCK_BYTES], at: usize| {
            u32::from_le_bytes(std::array::from_fn(|byte| row[4 * at + byte]))
        };
        std::array::from_fn(|at| std::array::from_fn(|row| word(rows[row], at)))
    }

    #[inline(always)]
    fn next_codes(self, words: &mut [u32; LANES]) -> [f32; 16] {
        let codes = words.map(|word| CODES[(word & 15) as usize]);
        *words = words.map(|word| word >> 4);
        codes
    }

    #[inline(always)]
    fn halves(self, words: [u32; LANES]) -> [[f32; 16]; 2] {
        [words.map(|word| f32::from_bits(word << 16)), words.map(|word| f32::from_bits(word & 0xffff_0000))]
    }

    #[inline(always)]
    fn next_scales(self, words: &mut [u32; LANES]) -> [f32; 16] {
        let scales = words.map(|word| SCALES[(word & 255) as usize]);
        *words = words.map(|word| word >> 8);
        scales
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{__m256i, __m512i};

    use pulp::x86::{V3, V4};
    use pulp::{cast, f32x8, f32x16};

    use super::super::mxfp4::{BLOCK_BYTES, CODES};
    use super::{Codes, LANES};

    impl Codes for V4 {
        type Half = [f32x16; 1];
        type Words = __m512i;

        #[inline(always)]
        fn codes(self, block: &[u8; BLOCK_BYTES]) -> [[f32x16; 1]; 2] {
            let table = cast(CODES);
            let bytes = self.avx512f._mm512_cvtepu8_epi32(cast(*block));
            // Only the lowest four bits of an index count.
            let low = self.avx512f._mm512_permutexvar_ps(bytes, table);
            let high = self.avx512f._mm512_permutexvar_ps(self.avx512f._mm512_srli_epi32::<4>(bytes), table);
            [[cast(low)], [cast(high)]]
        }

        #[inline(always)]
        fn words(self, rows: [&[u8; BLOCK_BYTES]; LANES]) -> [__m512i; 4] {
            let avx512f = self.avx512f;
            let [a, b, c, d] = every_fourth(&rows);
            let [a, b, c, d] = [beside(self, a), beside(self, b), beside(self, c), beside(self, d)];
            let low = [avx512f._mm512_unpacklo_epi32(a, b), avx512f._mm512_unpacklo_epi32(c, d)];
            let high = [avx512f._mm512_unpackhi_epi32(a, b), avx512f._mm512_unpackhi_epi32(c, d)];
            [
                avx512f._mm512_unpacklo_epi64(low[0], low[1]),
                avx512f._mm512_unpackhi_epi64(low[0], low[1]),
                avx512f._mm512_unpacklo_epi64(high[0], high[1]),
                avx512f._mm512_unpackhi_epi64(high[0], high[1]),
            ]
        }

        #[inline(always)]
        fn next_codes(self, words: &mut __m512i) -> [f32x16; 1] {
            // Only the lowest four bits of an index count.
            let codes = self.avx512f._mm512_permutexvar_ps(*words, cast(CODES));
            *words = self.avx512f._mm512_srli_epi32::<4>(*words);
            [cast(codes)]
        }

        #[inline(always)]
        fn halves(self, words: __m512i) -> [[f32x16; 1]; 2] {
            let high = self.avx512f._mm512_set1_epi32(!0xffff);
            [
                [cast(self.avx512f._mm512_slli_epi32::<16>(words))],
                [cast(self.avx512f._mm512_and_si512(words, high))],
            ]
        }

        #[inline(always)]
        fn next_scales(self, words: &mut __m512i) -> [f32x16; 1] {
            let byte = self.avx512f._mm512_and_si512(*words, self.avx512f._mm512_set1_epi32(255));
            *words = self.avx512f._mm512_srli_epi32::<8>(*words);
            let bits = self.avx512f._mm512_slli_epi32::<23>(byte);
            // The smallest is below f32's normal range.
            let subnormal = self.avx512f._mm512_set1_epi32(1 << 22);
            [cast(self.avx512f._mm512_max_epi32(bits, subnormal))]
        }
    }

    /// Rows as [`Codes::words`] takes them into registers: the words of four such registers change places within a
    /// quarter of each.
    fn every_fourth<T: Copy>(rows: &[T; LANES]) -> [[T; 4]; 4] {
        std::array::from_fn(|at| std::array::from_fn(|quarter| rows[4 * quarter + at]))
    }

    #[inline(always)]
    fn beside(simd: V4, rows: [&[u8; BLOCK_BYTES]; 4]) -> __m512i {
        let avx512f = simd.avx512f;
        let all = avx512f._mm512_castsi128_si512(cast(*rows[0]));
        let all = avx512f._mm512_inserti32x4::<1>(all, cast(*rows[1]));
        let all = avx512f._mm512_inserti32x4::<2>(all, cast(*rows[2]));
        avx512f._mm512_inserti32x4::<3>(all, cast(*rows[3]))
    }

    impl Codes for V3 {
        type Half = [f32x8; 2];
        type Words = [__m256i; 2];

        #[inline(always)]
        fn codes(self, block: &[u8; BLOCK_BYTES]) -> [[f32x8; 2]; 2] {
            // Codes are multiples of a half: twice of them fit a byte.
            let twice: [i8; 16] = CODES.map(|code| (2.0 * code) as i8);
            let bytes = cast(*block);
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
        fn words(self, rows: [&[u8; BLOCK_BYTES]; LANES]) -> [[__m256i; 2]; 4] {
            let rows = every_fourth(&rows);
            let [first, second] = [words_of_half(self, rows, 0), words_of_half(self, rows, 2)];
            std::array::from_fn(|at| [first[at], second[at]])
        }

        #[inline(always)]
        fn next_codes(self, words: &mut [__m256i; 2]) -> [f32x8; 2] {
            let [first, second] = words;
            [next_codes_of_half(self, first), next_codes_of_half(self, second)]
        }

        #[inline(always)]
        fn halves(self, [first, second]: [__m256i; 2]) -> [[f32x8; 2]; 2] {
            let high = self.avx._mm256_set1_epi32(!0xffff);
            let avx2 = self.avx2;
            [
                [cast(avx2._mm256_slli_epi32::<16>(first)), cast(avx2._mm256_slli_epi32::<16>(second))],
                [cast(avx2._mm256_and_si256(first, high)), cast(avx2._mm256_and_si256(second, high))],
            ]
        }

        #[inline(always)]
        fn next_scales(self, words: &mut [__m256i; 2]) -> [f32x8; 2] {
            let [first, second] = words;
            [next_scales_of_half(self, first), next_scales_of_half(self, second)]
        }
    }

    /// Words of eight rows, which begin with those of a quarter.
    #[inline(always)]
    fn words_of_half(simd: V3, rows: [[&[u8; BLOCK_BYTES]; 4]; 4], quarter: usize) -> [__m256i; 4] {
        let avx2 = simd.avx2;
        let [a, b, c, d] = [
            beside_in_half(simd, rows[0], quarter),
            beside_in_half(simd, rows[1], quarter),
            beside_in_half(simd, rows[2], quarter),
            beside_in_half(simd, rows[3], quarter),
        ];
        let low = [avx2._mm256_unpacklo_epi32(a, b), avx2._mm256_unpacklo_epi32(c, d)];
        let high = [avx2._mm256_unpackhi_epi32(a, b), avx2._mm256_unpackhi_epi32(c, d)];
        [
            avx2._mm256_unpacklo_epi64(low[0], low[1]),
            avx2._mm256_unpackhi_epi64(low[0], low[1]),
            avx2._mm256_unpacklo_epi64(high[0], high[1]),
            avx2._mm256_unpackhi_epi64(high[0], high[1]),
        ]
    }

    #[inline(always)]
    fn beside_in_half(simd: V3, rows: [&[u8; BLOCK_BYTES]; 4], quarter: usize) -> __m256i {
        let low = simd.avx._mm256_castsi128_si256(cast(*rows[quarter]));
        simd.avx2._mm256_inserti128_si256::<1>(low, cast(*rows[quarter + 1]))
    }

    #[inline(always)]
    fn next_codes_of_half(simd: V3, words: &mut __m256i) -> f32x8 {
        let mut positive = [0.0f32; 8];
        positive.copy_from_slice(&CODES[..8]);
        let sign = simd.avx2._mm256_slli_epi32::<31>(simd.avx._mm256_set1_epi32(1));
        // Only the lowest three bits of an index count; the fourth is the sign.
        let codes = simd.avx2._mm256_permutevar8x32_ps(cast(positive), *words);
        let signs = simd.avx2._mm256_and_si256(simd.avx2._mm256_slli_epi32::<28>(*words), sign);
        *words = simd.avx2._mm256_srli_epi32::<4>(*words);
        cast(simd.avx._mm256_or_ps(codes, cast(signs)))
    }

    #[inline(always)]
    fn next_scales_of_half(simd: V3, words: &mut __m256i) -> f32x8 {
        let byte = simd.avx2._mm256_and_si256(*words, simd.avx._mm256_set1_epi32(255));
        *words = simd.avx2._mm256_srli_epi32::<8>(*words);
        let bits = simd.avx2._mm256_slli_epi32::<23>(byte);
        // The smallest is below f32's normal range.
        cast(simd.avx2._mm256_max_epi32(bits, simd.avx._mm256_set1_epi32(1 << 22)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What one way to decode makes of every byte.
    fn decoded<S: Codes>(simd: S) -> Vec<f32> {
        let bytes: [[u8; BLOCK_BYTES]; LANES] =
            std::array::from_fn(|row| std::array::from_fn(|at| (LANES * row + at) as u8));
        let mut values = Vec::new();
        let mut keep = |half: S::Half| {
            half.as_ref()
                .iter()
                .for_each(|register| values.extend_from_slice(bytemuck::cast_slice(&[*register])));
        };
        for row in &bytes {
            simd.codes(row).into_iter().for_each(&mut keep);
        }
        for mut words in simd.words(bytes.each_ref()) {
            (0..8).for_each(|_| keep(simd.next_codes(&mut words)));
        }
        for words in simd.words(bytes.each_ref()) {
            simd.halves(words).into_iter().for_each(&mut keep);
        }
        for mut words in simd.words(bytes.each_ref()) {
            (0..4).for_each(|_| keep(simd.next_scales(&mut words)));
        }
        values
    }

    #[test]
    fn every_machine_decodes_alike() {
        let values = decoded(Scalar);
        // Byte 3 of row 5 is 83, or 0x53: places 6 and 7 of the row.
        assert_eq!(values[16 * (2 * LANES + 6) + 5], CODES[3]);
        assert_eq!(values[16 * (2 * LANES + 7) + 5], CODES[5]);
        let halves = 16 * (2 * LANES + 2 * BLOCK_BYTES);
        assert_eq!(values[halves + 16 + 5].to_bits(), 0x5352_0000);
        let scales = halves + 16 * BLOCK_BYTES / 2;
        assert_eq!(values[scales + 16 * 3 + 5], SCALES[83]);
        let same = |others: Vec<f32>| {
            // The last scale stands for NaN, and no checkpoint with it is loaded.
            let last = values.len() - 1;
            for (at, (other, value)) in others[..last].iter().zip(&values).enumerate() {
                // Zeros may differ in sign, and bf16 may be no number.
                let same = other == value || other.to_bits() == value.to_bits();
                assert!(same, "{at}: {other} is not {value}");
            }
        };
        #[cfg(target_arch = "x86_64")]
        {
            pulp::x86::V3::try_new().into_iter().for_each(|simd| same(decoded(simd)));
            pulp::x86::V4::try_new().into_iter().for_each(|simd| same(decoded(simd)));
        }
        same(decoded(Scalar));
    }
}
