//! MXFP4: 32 values of 4 bits share one power of two (OCP Microscaling Formats 1.0). Decoding is exact.

use std::ops::Range;

use pulp::{Arch, Scalar, Simd};

use super::matmul::{Rows, by_dots};

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
static SCALES: [f32; 256] = {
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

/// `y` \[n, to\] += `x` \[n, from\] · Wᵀ, the blocks being the rows of W. Nothing decoded leaves a core's cache.
///
/// # Panics
/// If the lengths don't belong together.
pub fn add_product(x: &[f32], blocks: &[u8], scales: &[u8], from: usize, y: &mut [f32]) {
    let groups = from / BLOCK;
    let (count, to) = (x.len() / from, scales.len() / groups);
    assert_eq!((blocks.len(), count * to), (scales.len() * BLOCK_BYTES, y.len()), "y is [n, to]");
    // Of a block the even places first, as the low nibbles of its bytes are.
    let split: Vec<f32> = x
        .chunks_exact(BLOCK)
        .flat_map(|x| x.iter().step_by(2).chain(x.iter().skip(1).step_by(2)).copied())
        .collect();
    let rows = |rows: Range<usize>, values: &mut [f32]| {
        let groups = rows.start * groups..rows.end * groups;
        decode(&blocks[groups.start * BLOCK_BYTES..groups.end * BLOCK_BYTES], &scales[groups], values);
    };
    by_dots([count, from, to], &split, y, Rows::Decoded(&rows));
}

/// What the machine does with blocks, by the widest registers it has.
macro_rules! dispatch {
    ($function:ident($($argument:expr),*)) => {
        match Arch::new() {
            #[cfg(target_arch = "x86_64")]
            Arch::V4(simd) => simd.vectorize(|| $function(simd, $($argument),*)),
            #[cfg(target_arch = "x86_64")]
            Arch::V3(simd) => simd.vectorize(|| $function(simd, $($argument),*)),
            _ => $function(Scalar, $($argument),*),
        }
    };
}

/// Decodes blocks into 32 values each, in each block those of the low nibbles first.
fn decode(blocks: &[u8], scales: &[u8], values: &mut [f32]) {
    dispatch!(decode_with(blocks, scales, values));
}

#[inline(always)]
fn decode_with<S: Codes>(simd: S, blocks: &[u8], scales: &[u8], values: &mut [f32]) {
    let blocks = blocks.chunks_exact(BLOCK_BYTES).zip(values.chunks_exact_mut(BLOCK));
    for ((block, values), &scale) in blocks.zip(scales) {
        let scale = simd.splat_f32s(SCALES[usize::from(scale)]);
        let [low, high] = simd.codes(block);
        let codes = low.as_ref().iter().chain(high.as_ref());
        for (value, &code) in S::as_mut_simd_f32s(values).0.iter_mut().zip(codes) {
            *value = simd.mul_f32s(code, scale);
        }
    }
}

/// Processors that look up the codes of a whole block at once, and any other.
trait Codes: Simd {
    /// Registers that hold 16 values.
    type Half: AsRef<[Self::f32s]>;

    /// What the low, and what the high nibbles of 16 bytes stand for.
    fn codes(self, block: &[u8]) -> [Self::Half; 2];
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
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use pulp::x86::{V3, V4};
    use pulp::{cast, f32x8, f32x16};

    use super::{BLOCK_BYTES, CODES, Codes};

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
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn low_nibble_first_and_scaled() {
        let mut blocks = [0u8; 16];
        blocks[0] = 0x2f; // low nibble 15: -6, high nibble 2: 1
        let mut values = [1.0; 32];
        decode(&blocks, &[128], &mut values);
        assert_eq!((values[0], values[16], values[1]), (-12.0, 2.0, 0.0));
    }

    #[test]
    fn products_of_few_and_many_are_those_of_the_decoded() {
        let (from, to) = (96, 37);
        let mut random = fastrand::Rng::with_seed(3);
        let blocks: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(to * from / 2).collect();
        let scales: Vec<u8> =
            std::iter::repeat_with(|| random.u8(120..130)).take(to * from / BLOCK).collect();
        let code = |at: usize| CODES[usize::from(blocks[at / 2] >> (at % 2 * 4) & 15)];
        let weight: Vec<f32> = (0..to * from).map(|at| code(at) * scale_value(scales[at / BLOCK])).collect();
        for count in [1, 2, 3, 4, 5, 7, 13] {
            let x: Vec<f32> = std::iter::repeat_with(|| random.f32() - 0.5).take(count * from).collect();
            let mut y = vec![1.0; count * to];
            add_product(&x, &blocks, &scales, from, &mut y);
            for (at, y) in y.iter().enumerate() {
                let products = x[at / to * from..][..from].iter().zip(&weight[at % to * from..][..from]);
                let exact = 1.0 + products.clone().map(|(x, w)| f64::from(x * w)).sum::<f64>();
                let size = products.map(|(x, w)| f64::from((x * w).abs())).sum::<f64>();
                assert!((f64::from(*y) - exact).abs() < 1e-6 * size, "{y}, not {exact}");
            }
        }
    }

    #[test]
    fn what_this_machine_has_decodes_as_any_other() {
        let blocks: Vec<u8> = (0..=255).collect();
        let scales = vec![126u8; blocks.len() / BLOCK_BYTES];
        let mut values = [vec![0.0; 2 * blocks.len()], vec![0.0; 2 * blocks.len()]];
        decode(&blocks, &scales, &mut values[0]);
        decode_with(Scalar, &blocks, &scales, &mut values[1]);
        assert_eq!(values[0], values[1]);
    }

    #[test]
    fn every_scale_is_its_power_of_two() {
        for byte in 0..NAN_SCALE {
            assert_eq!(f64::from(scale_value(byte)), 2.0f64.powi(i32::from(byte) - 127), "{byte}");
        }
        assert!(scale_value(NAN_SCALE).is_nan());
    }
}
