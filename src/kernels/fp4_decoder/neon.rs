//! Decoding with NEON. Tested under emulation; nobody has timed it.

use std::arch::aarch64::uint32x4_t;

use pulp::aarch64::Neon;
use pulp::{cast, f32x4};

use super::{Fp4Decoder, LANES};
use crate::kernels::mxfp4::BLOCK_BYTES;

/// Registers that hold a value of each row.
const REGISTERS: usize = LANES / 4;

impl Fp4Decoder for Neon {
    type Half = [f32x4; REGISTERS];
    type Words = [uint32x4_t; REGISTERS];

    #[inline(always)]
    fn zero(self) -> [f32x4; REGISTERS] {
        [cast([0.0f32; 4]); REGISTERS]
    }

    #[inline(always)]
    fn words(self, rows: [&[u8; BLOCK_BYTES]; LANES]) -> [[uint32x4_t; REGISTERS]; BLOCK_BYTES / 4] {
        let mut words = [[cast([0u32; 4]); REGISTERS]; BLOCK_BYTES / 4];
        for (register, rows) in rows.as_chunks::<4>().0.iter().enumerate() {
            let [a, b, c, d] = words_of_four(self, rows);
            words[0][register] = a;
            words[1][register] = b;
            words[2][register] = c;
            words[3][register] = d;
        }
        words
    }

    #[inline(always)]
    fn next_values(self, words: &mut [uint32x4_t; REGISTERS]) -> [f32x4; REGISTERS] {
        let neon = self.neon;
        let mut codes = self.zero();
        for (code, word) in codes.iter_mut().zip(words) {
            // The bits of a code are the lowest of an exponent, and the highest of what follows it, in f32 too: as
            // such it is 2^126 times too small.
            let size = neon.vandq_u32(neon.vshlq_n_u32::<22>(*word), cast([7u32 << 22; 4]));
            let sign = neon.vshlq_n_u32::<28>(*word);
            let value = neon.vbslq_u32(cast([1u32 << 31; 4]), sign, size);
            *code = cast(neon.vmulq_n_f32(cast(value), f32::from_bits((126 + 127) << 23)));
            *word = neon.vshrq_n_u32::<4>(*word);
        }
        codes
    }

    #[inline(always)]
    fn bits(self, words: [uint32x4_t; REGISTERS]) -> [u32; LANES] {
        cast(words)
    }

    #[inline(always)]
    fn halves(self, words: [uint32x4_t; REGISTERS]) -> [[f32x4; REGISTERS]; 2] {
        let mut halves = [self.zero(); 2];
        for (at, word) in words.into_iter().enumerate() {
            halves[0][at] = cast(self.neon.vshlq_n_u32::<16>(word));
            halves[1][at] = cast(self.neon.vandq_u32(word, cast([0xffff_0000u32; 4])));
        }
        halves
    }

    #[inline(always)]
    fn next_scales(self, words: &mut [uint32x4_t; REGISTERS]) -> [f32x4; REGISTERS] {
        let neon = self.neon;
        let mut scales = self.zero();
        for (scale, word) in scales.iter_mut().zip(words) {
            let byte = neon.vandq_u32(*word, cast([255u32; 4]));
            // The smallest is below f32's normal range.
            *scale = cast(neon.vmaxq_u32(neon.vshlq_n_u32::<23>(byte), cast([1u32 << 22; 4])));
            *word = neon.vshrq_n_u32::<8>(*word);
        }
        scales
    }
}

/// The same four bytes of four rows beside each other, four times.
#[inline(always)]
fn words_of_four(simd: Neon, rows: &[&[u8; BLOCK_BYTES]; 4]) -> [uint32x4_t; 4] {
    let neon = simd.neon;
    let [a, b, c, d] = [cast(*rows[0]), cast(*rows[1]), cast(*rows[2]), cast(*rows[3])];
    let even = [cast(neon.vtrn1q_u32(a, b)), cast(neon.vtrn1q_u32(c, d))];
    let odd = [cast(neon.vtrn2q_u32(a, b)), cast(neon.vtrn2q_u32(c, d))];
    [
        cast(neon.vtrn1q_u64(even[0], even[1])),
        cast(neon.vtrn1q_u64(odd[0], odd[1])),
        cast(neon.vtrn2q_u64(even[0], even[1])),
        cast(neon.vtrn2q_u64(odd[0], odd[1])),
    ]
}
