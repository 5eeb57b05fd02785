//! Decoding with AVX-512 and with AVX2.

use std::arch::x86_64::{__m256i, __m512i};

use pulp::x86::{V3, V4};
use pulp::{cast, f32x8, f32x16};

use super::{Fp4Decoder, LANES};
use crate::kernels::mxfp4::{BLOCK_BYTES, CODES};

impl Fp4Decoder for V4 {
    type Half = [f32x16; 1];
    type Words = __m512i;

    #[inline(always)]
    fn zero(self) -> [f32x16; 1] {
        [cast([0.0f32; 16])]
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
    fn next_values(self, words: &mut __m512i) -> [f32x16; 1] {
        // Only the lowest four bits of an index count.
        let codes = self.avx512f._mm512_permutexvar_ps(*words, cast(CODES));
        *words = self.avx512f._mm512_srli_epi32::<4>(*words);
        [cast(codes)]
    }

    #[inline(always)]
    fn bits(self, words: __m512i) -> [u32; LANES] {
        cast(words)
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

/// Rows as [`Fp4Decoder::words`] takes them into registers: the words of four such registers change places within a
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

impl Fp4Decoder for V3 {
    type Half = [f32x8; 2];
    type Words = [__m256i; 2];

    #[inline(always)]
    fn zero(self) -> [f32x8; 2] {
        [cast([0.0f32; 8]); 2]
    }

    #[inline(always)]
    fn words(self, rows: [&[u8; BLOCK_BYTES]; LANES]) -> [[__m256i; 2]; 4] {
        let rows = every_fourth(&rows);
        let [first, second] = [words_of_half(self, rows, 0), words_of_half(self, rows, 2)];
        std::array::from_fn(|at| [first[at], second[at]])
    }

    #[inline(always)]
    fn next_values(self, words: &mut [__m256i; 2]) -> [f32x8; 2] {
        let [first, second] = words;
        [next_codes_of_half(self, first), next_codes_of_half(self, second)]
    }

    #[inline(always)]
    fn bits(self, words: [__m256i; 2]) -> [u32; LANES] {
        cast(words)
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
