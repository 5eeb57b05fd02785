//! Products of bytes with AVX-512 VNNI, and with AVX2.

#![allow(unsafe_code)]

use std::arch::x86_64::{__m256i, __m512i, _mm512_dpbusd_epi32};

use pulp::x86::{V3, V4};
use pulp::{NullaryFnOnce, cast, f32x8, f32x16};

use super::simd::{Int8Simd, TWICE};
use super::values::{BLOCKS, BYTES, OFFSET, Values};

pulp::simd_type! {
    /// The features of pulp's V4, and VNNI, for which pulp has no name.
    struct Features {
        avx512f: "avx512f",
        avx512bw: "avx512bw",
        avx512cd: "avx512cd",
        avx512dq: "avx512dq",
        avx512vl: "avx512vl",
        avx512vnni: "avx512vnni",
    }
}

/// A processor that has AVX-512's "vector neural network instructions".
#[derive(Clone, Copy)]
pub struct Vnni {
    simd: V4,
    features: Features,
}

impl Vnni {
    /// `None` if this processor hasn't got the instructions.
    pub fn new(simd: V4) -> Option<Self> {
        Features::try_new().map(|features| Self { simd, features })
    }

    /// Runs `work`, compiled with all of its instructions.
    #[inline(always)]
    pub fn vectorize(self, work: impl NullaryFnOnce<Output = ()>) {
        self.features.vectorize(work);
    }

    /// `sums` += the products of codes with a digit of each value.
    #[inline(always)]
    fn add_dots(self, sums: __m512i, [low, high]: [__m512i; 2], digits: &[[i8; BYTES]; 2]) -> __m512i {
        // SAFETY: there are `Features` only where the processor has the instruction.
        let sums = unsafe { _mm512_dpbusd_epi32(sums, low, cast(digits[0])) };
        // SAFETY: as above.
        unsafe { _mm512_dpbusd_epi32(sums, high, cast(digits[1])) }
    }
}

/// Twice the codes as unsigned bytes.
const UNSIGNED: [u8; 16] = {
    let mut unsigned = [0; 16];
    let mut at = 0;
    while at < 16 {
        unsigned[at] = (TWICE[at] as i32 + OFFSET) as u8;
        at += 1;
    }
    unsigned
};

/// Indices for a byte shuffle, so that each scale is the highest byte of its four lanes, and the others are zero.
const fn spread<const N: usize>() -> [u8; N] {
    let mut spread = [0x80; N];
    let mut at = 3;
    while at < N {
        spread[at] = (at / 16) as u8;
        at += 4;
    }
    spread
}

impl Int8Simd for Vnni {
    type Simd = V4;
    type TwiceCodes = [__m512i; 2];

    #[inline(always)]
    fn simd(self) -> V4 {
        self.simd
    }

    #[inline(always)]
    fn twice_codes(self, blocks: &[u8; BYTES]) -> [__m512i; 2] {
        let (avx512f, avx512bw) = (self.simd.avx512f, self.simd.avx512bw);
        let table = avx512f._mm512_broadcast_i32x4(cast(UNSIGNED));
        let nibble = avx512f._mm512_set1_epi32(0x0f0f_0f0f);
        let low = cast(*blocks);
        let high = avx512f._mm512_srli_epi32::<4>(low);
        [
            avx512bw._mm512_shuffle_epi8(table, avx512f._mm512_and_si512(low, nibble)),
            avx512bw._mm512_shuffle_epi8(table, avx512f._mm512_and_si512(high, nibble)),
        ]
    }

    #[inline(always)]
    fn scales(self, scales: &[u8; BLOCKS]) -> [f32x16; 1] {
        let (avx512f, avx512bw) = (self.simd.avx512f, self.simd.avx512bw);
        let all = avx512f._mm512_set1_epi32(i32::from_le_bytes(*scales));
        let bits = avx512bw._mm512_shuffle_epi8(all, cast(spread::<64>()));
        // The smallest is below f32's normal range.
        let subnormal = avx512f._mm512_set1_epi32(1 << 22);
        [cast(avx512f._mm512_max_epi32(avx512f._mm512_srli_epi32::<1>(bits), subnormal))]
    }

    #[inline(always)]
    fn products(self, codes: [__m512i; 2], x: &Values) -> [f32x16; 1] {
        let avx512f = self.simd.avx512f;
        let [high, middle, low] = &x.digits;
        let sums = self.add_dots(avx512f._mm512_setzero_si512(), codes, high);
        let sums = self.add_dots(avx512f._mm512_slli_epi32::<8>(sums), codes, middle);
        let sums = self.add_dots(avx512f._mm512_slli_epi32::<8>(sums), codes, low);
        [cast(avx512f._mm512_cvtepi32_ps(avx512f._mm512_add_epi32(sums, cast(x.offsets))))]
    }
}

impl Int8Simd for V3 {
    type Simd = Self;
    type TwiceCodes = [[__m256i; 2]; 2];

    #[inline(always)]
    fn simd(self) -> Self {
        self
    }

    #[inline(always)]
    fn twice_codes(self, blocks: &[u8; BYTES]) -> [[__m256i; 2]; 2] {
        let [first, second] = cast(*blocks);
        [twice_codes_of_half(self, first), twice_codes_of_half(self, second)]
    }

    #[inline(always)]
    fn scales(self, &[a, b, c, d]: &[u8; BLOCKS]) -> [f32x8; 2] {
        [scales_of_half(self, [a, b]), scales_of_half(self, [c, d])]
    }

    #[inline(always)]
    fn products(self, [first, second]: [[__m256i; 2]; 2], x: &Values) -> [f32x8; 2] {
        [products_of_half(self, first, x, 0), products_of_half(self, second, x, 1)]
    }
}

/// Twice what the low, and what the high nibbles of two blocks stand for.
#[inline(always)]
fn twice_codes_of_half(simd: V3, low: __m256i) -> [__m256i; 2] {
    let avx2 = simd.avx2;
    let table = cast([UNSIGNED; 2]);
    let nibble = simd.avx._mm256_set1_epi8(15);
    let high = avx2._mm256_srli_epi32::<4>(low);
    [
        avx2._mm256_shuffle_epi8(table, avx2._mm256_and_si256(low, nibble)),
        avx2._mm256_shuffle_epi8(table, avx2._mm256_and_si256(high, nibble)),
    ]
}

#[inline(always)]
fn scales_of_half(simd: V3, scales: [u8; 2]) -> f32x8 {
    let (avx, avx2) = (simd.avx, simd.avx2);
    let all = avx._mm256_set1_epi16(i16::from_le_bytes(scales));
    let bits = avx2._mm256_srli_epi32::<1>(avx2._mm256_shuffle_epi8(all, cast(spread::<32>())));
    // The smallest is below f32's normal range.
    cast(avx2._mm256_max_epi32(bits, avx._mm256_set1_epi32(1 << 22)))
}

#[inline(always)]
fn products_of_half(simd: V3, [low, high]: [__m256i; 2], x: &Values, half: usize) -> f32x8 {
    let (avx, avx2) = (simd.avx, simd.avx2);
    let mut sums = [avx._mm256_setzero_si256(); 3];
    for (sums, digits) in sums.iter_mut().zip(&x.digits) {
        let [even, odd] = digits.each_ref().map(|digits| cast(digits.as_chunks::<32>().0[half]));
        // At most 4 · 24 · 128: 16 bits are enough.
        *sums =
            avx2._mm256_add_epi16(avx2._mm256_maddubs_epi16(low, even), avx2._mm256_maddubs_epi16(high, odd));
    }
    let one = avx._mm256_set1_epi16(1);
    let highest = avx2._mm256_madd_epi16(sums[0], avx._mm256_set1_epi16(256));
    let two = avx2._mm256_add_epi32(highest, avx2._mm256_madd_epi16(sums[1], one));
    let all = avx2._mm256_add_epi32(avx2._mm256_slli_epi32::<8>(two), avx2._mm256_madd_epi16(sums[2], one));
    let offsets = cast(x.offsets.as_chunks::<8>().0[half]);
    cast(avx._mm256_cvtepi32_ps(avx2._mm256_add_epi32(all, offsets)))
}
