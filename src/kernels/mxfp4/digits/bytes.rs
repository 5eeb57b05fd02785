//! Products of codes and digits by what a machine has for bytes, and by any machine.

use pulp::{Arch, NullaryFnOnce, Scalar};

use super::{BLOCKS, BYTES, Values};
use crate::kernels::codes::{Codes, LANES};
use crate::kernels::mxfp4::{CODES, SCALES};

/// Twice what the codes stand for: codes are multiples of a half.
pub(super) const TWICE: [i8; 16] = {
    let mut twice = [0; 16];
    let mut at = 0;
    while at < 16 {
        twice[at] = (2.0 * CODES[at]) as i8;
        at += 1;
    }
    twice
};

/// What is done with bytes. Not a closure, for the reason that is told of `WithCodes`.
pub trait WithBytes {
    /// With what a machine has.
    fn with_bytes<B: Bytes>(self, bytes: B);
}

/// Does it with the best that the machine has.
pub fn dispatch(work: impl WithBytes) {
    match Arch::new() {
        #[cfg(target_arch = "x86_64")]
        Arch::V4(simd) => match super::x86::Vnni::new(simd) {
            Some(bytes) => bytes.vectorize(Work { bytes, work }),
            None => simd.vectorize(Work { bytes: *simd, work }),
        },
        #[cfg(target_arch = "x86_64")]
        Arch::V3(simd) => simd.vectorize(Work { bytes: simd, work }),
        #[cfg(target_arch = "aarch64")]
        Arch::Neon(simd) => simd.vectorize(Work { bytes: simd, work }),
        _ => work.with_bytes(Scalar),
    }
}

/// Does it in every way that this machine can.
#[cfg(test)]
pub fn on_every_machine(work: impl WithBytes + Copy) {
    work.with_bytes(Scalar);
    #[cfg(target_arch = "x86_64")]
    {
        use pulp::x86::{V3, V4};
        V3::try_new().into_iter().for_each(|bytes| bytes.vectorize(Work { bytes, work }));
        V4::try_new()
            .and_then(super::x86::Vnni::new)
            .into_iter()
            .for_each(|bytes| bytes.vectorize(Work { bytes, work }));
    }
    #[cfg(target_arch = "aarch64")]
    pulp::aarch64::Neon::try_new().into_iter().for_each(|bytes| bytes.vectorize(Work { bytes, work }));
}

struct Work<B, W> {
    bytes: B,
    work: W,
}

impl<B: Bytes, W: WithBytes> NullaryFnOnce for Work<B, W> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.work.with_bytes(self.bytes);
    }
}

/// Processors that multiply bytes, and sum the products that belong to a lane.
pub trait Bytes: Copy {
    /// What they have for f32s.
    type Simd: Codes;
    /// Registers that hold twice what the low, and what the high nibbles of four blocks stand for, perhaps with an
    /// offset.
    type TwiceCodes: Copy;

    /// What they have for f32s.
    fn simd(self) -> Self::Simd;

    /// Twice what the nibbles of four blocks stand for.
    fn twice_codes(self, blocks: &[u8; BYTES]) -> Self::TwiceCodes;

    /// The scale of each lane: four belong to a block.
    fn scales(self, scales: &[u8; BLOCKS]) -> <Self::Simd as Codes>::Half;

    /// For each lane the sum of its eight products, exact but for the rounding to f32.
    fn products(self, codes: Self::TwiceCodes, x: &Values) -> <Self::Simd as Codes>::Half;
}

impl Bytes for Scalar {
    type Simd = Self;
    type TwiceCodes = [[i8; BYTES]; 2];

    #[inline(always)]
    fn simd(self) -> Self {
        self
    }

    #[inline(always)]
    fn twice_codes(self, blocks: &[u8; BYTES]) -> [[i8; BYTES]; 2] {
        [blocks.map(|byte| TWICE[usize::from(byte & 15)]), blocks.map(|byte| TWICE[usize::from(byte >> 4)])]
    }

    #[inline(always)]
    fn scales(self, scales: &[u8; BLOCKS]) -> [f32; LANES] {
        std::array::from_fn(|lane| SCALES[usize::from(scales[lane * BLOCKS / LANES])])
    }

    #[inline(always)]
    fn products(self, codes: [[i8; BYTES]; 2], x: &Values) -> [f32; LANES] {
        std::array::from_fn(|lane| {
            let bytes = lane * BYTES / LANES..(lane + 1) * BYTES / LANES;
            let [high, middle, low] = x.digits.each_ref().map(|digits| {
                let product =
                    |place: usize, at: usize| i32::from(codes[place][at]) * i32::from(digits[place][at]);
                bytes.clone().map(|at| product(0, at) + product(1, at)).sum::<i32>()
            });
            ((high * 256 + middle) * 256 + low) as f32
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::VALUES;
    use super::*;

    /// Scales and products of four blocks, lane by lane.
    fn lanes<B: Bytes>(bytes: B, blocks: &[u8; BYTES], scales: [u8; BLOCKS], x: &Values) -> [Vec<f32>; 2] {
        let half = |half: <B::Simd as Codes>::Half| -> Vec<f32> {
            half.as_ref().iter().flat_map(|register| bytemuck::cast_slice(&[*register]).to_vec()).collect()
        };
        [half(bytes.scales(&scales)), half(bytes.products(bytes.twice_codes(blocks), x))]
    }

    #[derive(Clone, Copy)]
    struct Same<'a> {
        blocks: &'a [u8; BYTES],
        scales: [u8; BLOCKS],
        x: &'a Values,
    }

    impl WithBytes for Same<'_> {
        fn with_bytes<B: Bytes>(self, bytes: B) {
            let Self { blocks, scales, x } = self;
            assert_eq!(lanes(bytes, blocks, scales, x), lanes(Scalar, blocks, scales, x));
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
