//! AVX-512, and AVX2 with two registers.

use std::arch::x86_64::{__m128i, __m256, __m256i, __m512, __m512i};

use pulp::x86::{V3, V4};
use pulp::{Scalar, cast};

use super::{Lanes, WIDTH, binary16};

/// The number of each lane.
const NUMBERS: [i32; WIDTH] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

impl Lanes for V4 {
    type Ints = __m512i;
    type Floats = __m512;

    #[inline(always)]
    fn unsigned(self, bytes: &[u8; WIDTH]) -> __m512i {
        self.avx512f._mm512_cvtepu8_epi32(cast(*bytes))
    }

    #[inline(always)]
    fn signed(self, bytes: &[u8; WIDTH]) -> __m512i {
        self.avx512f._mm512_cvtepi8_epi32(cast(*bytes))
    }

    #[inline(always)]
    fn sixteens(self, mask: u16) -> __m512i {
        let all = self.avx512f._mm512_set1_epi32(i32::from(mask) << 4);
        self.and(self.avx512f._mm512_srlv_epi32(all, cast(NUMBERS)), 16)
    }

    #[inline(always)]
    fn shift_right(self, ints: __m512i, by: i32) -> __m512i {
        self.avx512f._mm512_srlv_epi32(ints, self.avx512f._mm512_set1_epi32(by))
    }

    #[inline(always)]
    fn shift_left(self, ints: __m512i, by: i32) -> __m512i {
        self.avx512f._mm512_sllv_epi32(ints, self.avx512f._mm512_set1_epi32(by))
    }

    #[inline(always)]
    fn and(self, ints: __m512i, mask: i32) -> __m512i {
        self.avx512f._mm512_and_si512(ints, self.avx512f._mm512_set1_epi32(mask))
    }

    #[inline(always)]
    fn or(self, one: __m512i, other: __m512i) -> __m512i {
        self.avx512f._mm512_or_si512(one, other)
    }

    #[inline(always)]
    fn minus(self, ints: __m512i, number: i32) -> __m512i {
        self.avx512f._mm512_sub_epi32(ints, self.avx512f._mm512_set1_epi32(number))
    }

    #[inline(always)]
    fn floats(self, ints: __m512i) -> __m512 {
        self.avx512f._mm512_cvtepi32_ps(ints)
    }

    #[inline(always)]
    fn look_up(self, table: __m512, ints: __m512i) -> __m512 {
        // Only the lowest four bits of an index count.
        self.avx512f._mm512_permutexvar_ps(ints, table)
    }

    #[inline(always)]
    fn load(self, values: &[f32; WIDTH]) -> __m512 {
        cast(*values)
    }

    #[inline(always)]
    fn halves(self, bytes: &[u8; 2 * WIDTH]) -> __m512 {
        self.avx512f._mm512_cvtph_ps(cast(*bytes))
    }

    #[inline(always)]
    fn splat_half(self, bytes: [u8; 2]) -> __m512 {
        self.avx512f._mm512_cvtph_ps(self.avx._mm256_set1_epi16(i16::from_le_bytes(bytes)))
    }

    #[inline(always)]
    fn splat(self, value: f32) -> __m512 {
        self.avx512f._mm512_set1_ps(value)
    }

    #[inline(always)]
    fn multiply(self, one: __m512, other: __m512) -> __m512 {
        self.avx512f._mm512_mul_ps(one, other)
    }

    #[inline(always)]
    fn add(self, one: __m512, other: __m512) -> __m512 {
        self.avx512f._mm512_add_ps(one, other)
    }

    #[inline(always)]
    fn subtract(self, one: __m512, other: __m512) -> __m512 {
        self.avx512f._mm512_sub_ps(one, other)
    }

    #[inline(always)]
    fn store(self, floats: __m512, values: &mut [f32; WIDTH]) {
        *values = cast(floats);
    }
}

impl Lanes for V3 {
    type Ints = [__m256i; 2];
    type Floats = [__m256; 2];

    #[inline(always)]
    fn unsigned(self, bytes: &[u8; WIDTH]) -> [__m256i; 2] {
        let [low, high] = halves(self, bytes);
        [self.avx2._mm256_cvtepu8_epi32(low), self.avx2._mm256_cvtepu8_epi32(high)]
    }

    #[inline(always)]
    fn signed(self, bytes: &[u8; WIDTH]) -> [__m256i; 2] {
        let [low, high] = halves(self, bytes);
        [self.avx2._mm256_cvtepi8_epi32(low), self.avx2._mm256_cvtepi8_epi32(high)]
    }

    #[inline(always)]
    fn sixteens(self, mask: u16) -> [__m256i; 2] {
        let all = self.avx._mm256_set1_epi32(i32::from(mask) << 4);
        let [low, high]: [__m256i; 2] = cast(NUMBERS);
        self.and([self.avx2._mm256_srlv_epi32(all, low), self.avx2._mm256_srlv_epi32(all, high)], 16)
    }

    #[inline(always)]
    fn shift_right(self, [low, high]: [__m256i; 2], by: i32) -> [__m256i; 2] {
        let by = self.avx._mm256_set1_epi32(by);
        [self.avx2._mm256_srlv_epi32(low, by), self.avx2._mm256_srlv_epi32(high, by)]
    }

    #[inline(always)]
    fn shift_left(self, [low, high]: [__m256i; 2], by: i32) -> [__m256i; 2] {
        let by = self.avx._mm256_set1_epi32(by);
        [self.avx2._mm256_sllv_epi32(low, by), self.avx2._mm256_sllv_epi32(high, by)]
    }

    #[inline(always)]
    fn and(self, [low, high]: [__m256i; 2], mask: i32) -> [__m256i; 2] {
        let mask = self.avx._mm256_set1_epi32(mask);
        [self.avx2._mm256_and_si256(low, mask), self.avx2._mm256_and_si256(high, mask)]
    }

    #[inline(always)]
    fn or(self, one: [__m256i; 2], other: [__m256i; 2]) -> [__m256i; 2] {
        [self.avx2._mm256_or_si256(one[0], other[0]), self.avx2._mm256_or_si256(one[1], other[1])]
    }

    #[inline(always)]
    fn minus(self, [low, high]: [__m256i; 2], number: i32) -> [__m256i; 2] {
        let number = self.avx._mm256_set1_epi32(number);
        [self.avx2._mm256_sub_epi32(low, number), self.avx2._mm256_sub_epi32(high, number)]
    }

    #[inline(always)]
    fn floats(self, [low, high]: [__m256i; 2]) -> [__m256; 2] {
        [self.avx._mm256_cvtepi32_ps(low), self.avx._mm256_cvtepi32_ps(high)]
    }

    #[inline(always)]
    fn look_up(self, table: [__m256; 2], [low, high]: [__m256i; 2]) -> [__m256; 2] {
        [look_up_half(self, table, low), look_up_half(self, table, high)]
    }

    #[inline(always)]
    fn load(self, values: &[f32; WIDTH]) -> [__m256; 2] {
        cast(*values)
    }

    #[inline(always)]
    fn halves(self, bytes: &[u8; 2 * WIDTH]) -> [__m256; 2] {
        cast(Scalar.halves(bytes))
    }

    #[inline(always)]
    fn splat_half(self, bytes: [u8; 2]) -> [__m256; 2] {
        self.splat(binary16::value(bytes))
    }

    #[inline(always)]
    fn splat(self, value: f32) -> [__m256; 2] {
        [self.avx._mm256_set1_ps(value); 2]
    }

    #[inline(always)]
    fn multiply(self, one: [__m256; 2], other: [__m256; 2]) -> [__m256; 2] {
        [self.avx._mm256_mul_ps(one[0], other[0]), self.avx._mm256_mul_ps(one[1], other[1])]
    }

    #[inline(always)]
    fn add(self, one: [__m256; 2], other: [__m256; 2]) -> [__m256; 2] {
        [self.avx._mm256_add_ps(one[0], other[0]), self.avx._mm256_add_ps(one[1], other[1])]
    }

    #[inline(always)]
    fn subtract(self, one: [__m256; 2], other: [__m256; 2]) -> [__m256; 2] {
        [self.avx._mm256_sub_ps(one[0], other[0]), self.avx._mm256_sub_ps(one[1], other[1])]
    }

    #[inline(always)]
    fn store(self, floats: [__m256; 2], values: &mut [f32; WIDTH]) {
        *values = cast(floats);
    }
}

/// The first eight bytes at the beginning of a register, and the other eight.
#[inline(always)]
fn halves(lanes: V3, bytes: &[u8; WIDTH]) -> [__m128i; 2] {
    let all: __m128i = cast(*bytes);
    [all, lanes.sse2._mm_srli_si128::<8>(all)]
}

/// The bit of an index that chooses between the halves of a table becomes the sign, which chooses between registers.
#[inline(always)]
fn look_up_half(lanes: V3, [low, high]: [__m256; 2], ints: __m256i) -> __m256 {
    let second = lanes.avx2._mm256_slli_epi32::<28>(ints);
    // Only the lowest three bits of an index count.
    let low = lanes.avx2._mm256_permutevar8x32_ps(low, ints);
    let high = lanes.avx2._mm256_permutevar8x32_ps(high, ints);
    lanes.avx._mm256_blendv_ps(low, high, cast(second))
}
