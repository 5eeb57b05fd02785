//! Decodes MXFP4 and bf16, 16 rows at a time, with the widest registers that a processor has.

#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_arch = "x86_64")]
mod x86;

use pulp::{Arch, Scalar, Simd, WithSimd};

use super::mxfp4::{BLOCK_BYTES, CODES, SCALES};

/// Rows that are decoded side by side.
pub const LANES: usize = 16;

/// Work that decodes blocks. Not a closure: the compiler may make a function of a closure, and that function would not
/// use wide registers. For the same reason the methods of [`Fp4Decoder`] are not called from closures.
pub trait WithDecoder {
    /// Runs with the registers of one kind of processor.
    fn with_decoder<S: Fp4Decoder>(self, simd: S);
}

/// Runs with the widest registers that this machine has.
pub fn dispatch(work: impl WithDecoder) {
    match Arch::new() {
        #[cfg(target_arch = "x86_64")]
        Arch::V4(simd) => Simd::vectorize(simd, Work { simd, work }),
        #[cfg(target_arch = "x86_64")]
        Arch::V3(simd) => Simd::vectorize(simd, Work { simd, work }),
        #[cfg(target_arch = "aarch64")]
        Arch::Neon(simd) => Simd::vectorize(simd, Work { simd, work }),
        _ => work.with_decoder(Scalar),
    }
}

/// Runs with every kind of registers that this machine has.
#[cfg(test)]
pub fn on_every_machine(work: impl WithDecoder + Copy) {
    work.with_decoder(Scalar);
    #[cfg(target_arch = "x86_64")]
    {
        pulp::x86::V3::try_new().into_iter().for_each(|simd| Simd::vectorize(simd, Work { simd, work }));
        pulp::x86::V4::try_new().into_iter().for_each(|simd| Simd::vectorize(simd, Work { simd, work }));
    }
    #[cfg(target_arch = "aarch64")]
    pulp::aarch64::Neon::try_new().into_iter().for_each(|simd| Simd::vectorize(simd, Work { simd, work }));
}

struct Work<S, W> {
    simd: S,
    work: W,
}

impl<S: Fp4Decoder, W: WithDecoder> WithSimd for Work<S, W> {
    type Output = ();

    #[inline(always)]
    fn with_simd<T: Simd>(self, _: T) {
        self.work.with_decoder(self.simd);
    }
}

/// A processor that looks up the codes of 16 rows at once; [`Scalar`] stands for any other.
pub trait Fp4Decoder: Simd {
    /// Registers that hold 16 values.
    type Half: Copy + AsRef<[Self::f32s]> + AsMut<[Self::f32s]>;
    /// Registers that hold four bytes of each of 16 rows.
    type Words: Copy;

    /// Nothing but zeros.
    fn zero(self) -> Self::Half;

    /// Four registers: each holds the same four bytes of all rows.
    fn words(self, rows: [&[u8; BLOCK_BYTES]; LANES]) -> [Self::Words; BLOCK_BYTES / 4];

    /// The value of the lowest code of each word, which is then shifted out.
    fn next_values(self, words: &mut Self::Words) -> Self::Half;

    /// The words as numbers.
    fn bits(self, words: Self::Words) -> [u32; LANES];

    /// Both halves of each word as bf16, the low one first.
    fn halves(self, words: Self::Words) -> [Self::Half; 2];

    /// The scale of the lowest byte of each word, which is then shifted out.
    fn next_scales(self, words: &mut Self::Words) -> Self::Half;
}

impl Fp4Decoder for Scalar {
    type Half = [f32; 16];
    type Words = [u32; LANES];

    #[inline(always)]
    fn zero(self) -> [f32; 16] {
        [0.0; 16]
    }

    #[inline(always)]
    fn words(self, rows: [&[u8; BLOCK_BYTES]; LANES]) -> [[u32; LANES]; BLOCK_BYTES / 4] {
        let word = |row: &[u8; BLOCK_BYTES], at: usize| {
            u32::from_le_bytes(std::array::from_fn(|byte| row[4 * at + byte]))
        };
        std::array::from_fn(|at| std::array::from_fn(|row| word(rows[row], at)))
    }

    #[inline(always)]
    fn next_values(self, words: &mut [u32; LANES]) -> [f32; 16] {
        let codes = words.map(|word| CODES[(word & 15) as usize]);
        *words = words.map(|word| word >> 4);
        codes
    }

    #[inline(always)]
    fn bits(self, words: [u32; LANES]) -> [u32; LANES] {
        words
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What one way to decode makes of every byte.
    fn decoded<S: Fp4Decoder>(simd: S) -> Vec<f32> {
        let bytes: [[u8; BLOCK_BYTES]; LANES] =
            std::array::from_fn(|row| std::array::from_fn(|at| (LANES * row + at) as u8));
        let mut values = Vec::new();
        let mut keep = |half: S::Half| {
            half.as_ref()
                .iter()
                .for_each(|register| values.extend_from_slice(bytemuck::cast_slice(&[*register])));
        };
        for mut words in simd.words(bytes.each_ref()) {
            (0..8).for_each(|_| keep(simd.next_values(&mut words)));
        }
        for words in simd.words(bytes.each_ref()) {
            values.extend(simd.bits(words).map(f32::from_bits));
        }
        let mut keep = |half: S::Half| {
            half.as_ref()
                .iter()
                .for_each(|register| values.extend_from_slice(bytemuck::cast_slice(&[*register])));
        };
        for words in simd.words(bytes.each_ref()) {
            simd.halves(words).into_iter().for_each(&mut keep);
        }
        for mut words in simd.words(bytes.each_ref()) {
            (0..4).for_each(|_| keep(simd.next_scales(&mut words)));
        }
        values
    }

    #[derive(Clone, Copy)]
    struct Same;

    impl WithDecoder for Same {
        fn with_decoder<S: Fp4Decoder>(self, simd: S) {
            let (values, others) = (decoded(Scalar), decoded(simd));
            assert_eq!(others.len(), values.len());
            // The last scale stands for NaN, and no checkpoint with it is loaded.
            let last = values.len() - 1;
            for (at, (other, value)) in others[..last].iter().zip(&values).enumerate() {
                // Zeros may differ in sign, and bf16 may be no number.
                let same = other == value || other.to_bits() == value.to_bits();
                assert!(same, "{at}: {other} is not {value}");
            }
        }
    }

    #[test]
    fn every_machine_decodes_alike() {
        let values = decoded(Scalar);
        // Byte 3 of row 5 is 83, or 0x53: places 6 and 7 of the row.
        assert_eq!(values[16 * 6 + 5], CODES[3]);
        assert_eq!(values[16 * 7 + 5], CODES[5]);
        let bits = 16 * 2 * BLOCK_BYTES;
        assert_eq!(values[bits + 5].to_bits(), 0x5352_5150);
        let halves = bits + 16 * BLOCK_BYTES / 4;
        assert_eq!(values[halves + 16 + 5].to_bits(), 0x5352_0000);
        let scales = halves + 16 * BLOCK_BYTES / 2;
        assert_eq!(values[scales + 16 * 3 + 5], SCALES[83]);
        on_every_machine(Same);
    }
}
