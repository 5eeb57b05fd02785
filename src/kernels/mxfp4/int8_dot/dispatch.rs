//! Compiles work for each kind of processor that multiplies bytes, and picks one when the program runs.

use pulp::{Arch, NullaryFnOnce, Scalar};

use super::simd::Int8Simd;

/// Work that needs products of bytes. Not a closure, for the reason that `WithDecoder` gives.
pub trait WithInt8 {
    /// Runs with the instructions of one kind of processor.
    fn with_int8<B: Int8Simd>(self, int8: B);
}

/// Runs with the best instructions that this machine has.
pub fn dispatch(work: impl WithInt8) {
    match Arch::new() {
        #[cfg(target_arch = "x86_64")]
        Arch::V4(simd) => match super::x86::Vnni::new(simd) {
            Some(int8) => int8.vectorize(Work { int8, work }),
            None => simd.vectorize(Work { int8: *simd, work }),
        },
        #[cfg(target_arch = "x86_64")]
        Arch::V3(simd) => simd.vectorize(Work { int8: simd, work }),
        #[cfg(target_arch = "aarch64")]
        Arch::Neon(simd) => simd.vectorize(Work { int8: simd, work }),
        _ => work.with_int8(Scalar),
    }
}

/// Runs with every kind of instructions that this machine has.
#[cfg(test)]
pub fn on_every_machine(work: impl WithInt8 + Copy) {
    work.with_int8(Scalar);
    #[cfg(target_arch = "x86_64")]
    {
        use pulp::x86::{V3, V4};
        V3::try_new().into_iter().for_each(|int8| int8.vectorize(Work { int8, work }));
        V4::try_new()
            .and_then(super::x86::Vnni::new)
            .into_iter()
            .for_each(|int8| int8.vectorize(Work { int8, work }));
    }
    #[cfg(target_arch = "aarch64")]
    pulp::aarch64::Neon::try_new().into_iter().for_each(|int8| int8.vectorize(Work { int8, work }));
}

struct Work<B, W> {
    int8: B,
    work: W,
}

impl<B: Int8Simd, W: WithInt8> NullaryFnOnce for Work<B, W> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.work.with_int8(self.int8);
    }
}

#[cfg(test)]
mod tests {
    use super::super::values::{BLOCKS, BYTES, VALUES, Values};
    use super::*;
    use crate::kernels::fp4_decoder::Fp4Decoder;

    /// Scales and products of four blocks, lane by lane.
    fn lanes<B: Int8Simd>(int8: B, blocks: &[u8; BYTES], scales: [u8; BLOCKS], x: &Values) -> [Vec<f32>; 2] {
        let half = |half: <B::Simd as Fp4Decoder>::Half| -> Vec<f32> {
            half.as_ref().iter().flat_map(|register| bytemuck::cast_slice(&[*register]).to_vec()).collect()
        };
        [half(int8.scales(&scales)), half(int8.products(int8.twice_codes(blocks), x))]
    }

    #[derive(Clone, Copy)]
    struct Same<'a> {
        blocks: &'a [u8; BYTES],
        scales: [u8; BLOCKS],
        x: &'a Values,
    }

    impl WithInt8 for Same<'_> {
        fn with_int8<B: Int8Simd>(self, int8: B) {
            let Self { blocks, scales, x } = self;
            assert_eq!(lanes(int8, blocks, scales, x), lanes(Scalar, blocks, scales, x));
        }
    }

    /// With the largest of codes and of values too: no sum is too large for its bits.
    #[test]
    fn every_machine_finds_the_same_sums() {
        let mut random = fastrand::Rng::with_seed(11);
        for round in 0..400 {
            let mut blocks = std::array::from_fn(|_| random.u8(..));
            let mut x: [f32; VALUES] = std::array::from_fn(|_| random.f32() - 0.5);
            if round % 4 > 0 {
                let codes = [0x77, 0xff, 0x7f][round % 4 - 1];
                blocks.fill(codes);
                // The highest digit and the others at their largest, of either sign.
                x = std::array::from_fn(|at| [1.984, -1.984][if round % 8 < 4 { 0 } else { at % 2 }]);
            }
            let scales = std::array::from_fn(|_| random.u8(..255));
            on_every_machine(Same { blocks: &blocks, scales, x: &Values::new(&x) });
        }
    }

    #[test]
    fn sums_are_whole_numbers_in_their_lane() {
        let mut blocks = [0; BYTES];
        // Byte 9 belongs to lane 2, its high nibble to place 19: a code of 6, and a value of 0.5.
        blocks[9] = 0x70;
        let mut x = [0.0; VALUES];
        x[19] = 0.5;
        let [scales, products] = lanes(Scalar, &blocks, [128, 127, 127, 126], &Values::new(&x));
        assert_eq!(products[2], 12.0 * 2.0f32.powi(22));
        assert!(products.iter().enumerate().all(|(lane, product)| lane == 2 || *product == 0.0));
        assert_eq!(scales, [[2.0; 4], [1.0; 4], [1.0; 4], [0.5; 4]].concat());
    }
}
