//! Products of bytes with NEON. Tested under emulation; nobody has timed it.

use std::arch::aarch64::int8x16_t;

use pulp::aarch64::Neon;
use pulp::{Simd, cast, f32x4};

use super::simd::{Int8Simd, TWICE};
use super::values::{BLOCKS, BYTES, Values};
use crate::kernels::mxfp4::format::{BLOCK_BYTES, SCALES};

impl Int8Simd for Neon {
    type Simd = Self;
    type TwiceCodes = [[int8x16_t; 2]; BLOCKS];

    #[inline(always)]
    fn simd(self) -> Self {
        self
    }

    #[inline(always)]
    fn twice_codes(self, blocks: &[u8; BYTES]) -> [[int8x16_t; 2]; BLOCKS] {
        let neon = self.neon;
        let table = cast(TWICE);
        let mut codes = [[table; 2]; BLOCKS];
        for (codes, block) in codes.iter_mut().zip(blocks.as_chunks::<BLOCK_BYTES>().0) {
            let bytes = cast(*block);
            codes[0] = cast(neon.vqtbl1q_u8(cast(table), neon.vandq_u8(bytes, cast([15u8; 16]))));
            codes[1] = cast(neon.vqtbl1q_u8(cast(table), neon.vshrq_n_u8::<4>(bytes)));
        }
        codes
    }

    #[inline(always)]
    fn scales(self, &[a, b, c, d]: &[u8; BLOCKS]) -> [f32x4; BLOCKS] {
        let scale = |byte: u8| SCALES[usize::from(byte)];
        [
            self.splat_f32s(scale(a)),
            self.splat_f32s(scale(b)),
            self.splat_f32s(scale(c)),
            self.splat_f32s(scale(d)),
        ]
    }

    #[inline(always)]
    fn products(self, codes: [[int8x16_t; 2]; BLOCKS], x: &Values) -> [f32x4; BLOCKS] {
        let neon = self.neon;
        let mut products = [self.splat_f32s(0.0); BLOCKS];
        for (block, ([low, high], product)) in codes.into_iter().zip(&mut products).enumerate() {
            let mut sums = cast([0i32; 4]);
            for digits in &x.digits {
                let even = cast(digits[0].as_chunks::<BLOCK_BYTES>().0[block]);
                let odd = cast(digits[1].as_chunks::<BLOCK_BYTES>().0[block]);
                // At most 4 · 12 · 128: 16 bits are enough.
                let first = neon.vmull_s8(neon.vget_low_s8(low), neon.vget_low_s8(even));
                let first = neon.vmlal_s8(first, neon.vget_low_s8(high), neon.vget_low_s8(odd));
                let second = neon.vmlal_high_s8(neon.vmull_high_s8(low, even), high, odd);
                let pairs = neon.vpaddq_s16(first, second);
                sums = neon.vpadalq_s16(neon.vshlq_n_s32::<8>(sums), pairs);
            }
            *product = cast(neon.vcvtq_f32_s32(sums));
        }
        products
    }
}
