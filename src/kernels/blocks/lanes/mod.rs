//! Sixteen values at a time, in the widest registers that a processor has.

#[cfg(target_arch = "x86_64")]
mod x86;

use pulp::{Arch, Scalar};

use super::binary16;

/// Values that are decoded side by side.
pub(super) const WIDTH: usize = 16;

/// Work on [`WIDTH`] values at a time. Not a closure: the compiler may make a function of a closure, and that function
/// would not use wide registers.
pub(super) trait WithLanes {
    /// Runs with the registers of one kind of processor.
    fn with_lanes<L: Lanes>(self, lanes: L);
}

/// Runs with the widest registers that this machine has.
pub(super) fn dispatch(work: impl WithLanes) {
    match Arch::new() {
        #[cfg(target_arch = "x86_64")]
        Arch::V4(lanes) => lanes.vectorize(Work { lanes, work }),
        #[cfg(target_arch = "x86_64")]
        Arch::V3(lanes) => lanes.vectorize(Work { lanes, work }),
        _ => work.with_lanes(Scalar),
    }
}

/// Runs with every kind of registers that this machine has.
#[cfg(test)]
pub(super) fn on_every_machine(work: impl WithLanes + Copy) {
    work.with_lanes(Scalar);
    #[cfg(target_arch = "x86_64")]
    {
        use pulp::x86::{V3, V4};
        V3::try_new().into_iter().for_each(|lanes| lanes.vectorize(Work { lanes, work }));
        V4::try_new().into_iter().for_each(|lanes| lanes.vectorize(Work { lanes, work }));
    }
}

#[cfg(target_arch = "x86_64")]
struct Work<L, W> {
    lanes: L,
    work: W,
}

#[cfg(target_arch = "x86_64")]
impl<L: Lanes, W: WithLanes> pulp::NullaryFnOnce for Work<L, W> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.work.with_lanes(self.lanes);
    }
}

/// Registers of [`WIDTH`] values.
pub(super) trait Lanes: Copy {
    /// Whole numbers of 32 bits.
    type Ints: Copy;
    /// f32.
    type Floats: Copy;

    /// Bytes as numbers from 0 to 255.
    fn unsigned(self, bytes: &[u8; WIDTH]) -> Self::Ints;
    /// Bytes as numbers from -128 to 127.
    fn signed(self, bytes: &[u8; WIDTH]) -> Self::Ints;
    /// 16 in the lanes whose bit of a mask is set, else 0.
    fn sixteens(self, mask: u16) -> Self::Ints;
    /// Each shifted down; none is negative.
    fn shift_right(self, ints: Self::Ints, by: i32) -> Self::Ints;
    /// Each shifted up.
    fn shift_left(self, ints: Self::Ints, by: i32) -> Self::Ints;
    /// The bits of each that a mask has, too.
    fn and(self, ints: Self::Ints, mask: i32) -> Self::Ints;
    /// The bits of both.
    fn or(self, one: Self::Ints, other: Self::Ints) -> Self::Ints;
    /// Each less a number.
    fn minus(self, ints: Self::Ints, number: i32) -> Self::Ints;
    /// As f32.
    fn floats(self, ints: Self::Ints) -> Self::Floats;
    /// The number of a table that the lowest four bits of each name.
    fn look_up(self, table: Self::Floats, ints: Self::Ints) -> Self::Floats;
    /// Reads them.
    fn load(self, values: &[f32; WIDTH]) -> Self::Floats;
    /// The values of numbers of 16 bits.
    fn halves(self, bytes: &[u8; 2 * WIDTH]) -> Self::Floats;
    /// The value of a number of 16 bits in each lane.
    fn splat_half(self, bytes: [u8; 2]) -> Self::Floats;
    /// The same number in each lane.
    fn splat(self, value: f32) -> Self::Floats;
    /// One times the other, rounded.
    fn multiply(self, one: Self::Floats, other: Self::Floats) -> Self::Floats;
    /// Their sum.
    fn add(self, one: Self::Floats, other: Self::Floats) -> Self::Floats;
    /// One less the other.
    fn subtract(self, one: Self::Floats, other: Self::Floats) -> Self::Floats;
    /// Writes them.
    fn store(self, floats: Self::Floats, values: &mut [f32; WIDTH]);
}

impl Lanes for Scalar {
    type Ints = [i32; WIDTH];
    type Floats = [f32; WIDTH];

    #[inline(always)]
    fn unsigned(self, bytes: &[u8; WIDTH]) -> [i32; WIDTH] {
        bytes.map(i32::from)
    }

    #[inline(always)]
    fn signed(self, bytes: &[u8; WIDTH]) -> [i32; WIDTH] {
        bytes.map(|byte| i32::from(byte.cast_signed()))
    }

    #[inline(always)]
    fn sixteens(self, mask: u16) -> [i32; WIDTH] {
        std::array::from_fn(|lane| i32::from(mask >> lane & 1) << 4)
    }

    #[inline(always)]
    fn shift_right(self, ints: [i32; WIDTH], by: i32) -> [i32; WIDTH] {
        ints.map(|int| int >> by)
    }

    #[inline(always)]
    fn shift_left(self, ints: [i32; WIDTH], by: i32) -> [i32; WIDTH] {
        ints.map(|int| int << by)
    }

    #[inline(always)]
    fn and(self, ints: [i32; WIDTH], mask: i32) -> [i32; WIDTH] {
        ints.map(|int| int & mask)
    }

    #[inline(always)]
    fn or(self, one: [i32; WIDTH], other: [i32; WIDTH]) -> [i32; WIDTH] {
        std::array::from_fn(|lane| one[lane] | other[lane])
    }

    #[inline(always)]
    fn minus(self, ints: [i32; WIDTH], number: i32) -> [i32; WIDTH] {
        ints.map(|int| int - number)
    }

    #[inline(always)]
    fn floats(self, ints: [i32; WIDTH]) -> [f32; WIDTH] {
        ints.map(|int| int as f32)
    }

    #[inline(always)]
    fn look_up(self, table: [f32; WIDTH], ints: [i32; WIDTH]) -> [f32; WIDTH] {
        ints.map(|int| table[(int & 15) as usize])
    }

    #[inline(always)]
    fn load(self, values: &[f32; WIDTH]) -> [f32; WIDTH] {
        *values
    }

    #[inline(always)]
    fn halves(self, bytes: &[u8; 2 * WIDTH]) -> [f32; WIDTH] {
        std::array::from_fn(|lane| binary16::value([bytes[2 * lane], bytes[2 * lane + 1]]))
    }

    #[inline(always)]
    fn splat_half(self, bytes: [u8; 2]) -> [f32; WIDTH] {
        [binary16::value(bytes); WIDTH]
    }

    #[inline(always)]
    fn splat(self, value: f32) -> [f32; WIDTH] {
        [value; WIDTH]
    }

    #[inline(always)]
    fn multiply(self, one: [f32; WIDTH], other: [f32; WIDTH]) -> [f32; WIDTH] {
        std::array::from_fn(|lane| one[lane] * other[lane])
    }

    #[inline(always)]
    fn add(self, one: [f32; WIDTH], other: [f32; WIDTH]) -> [f32; WIDTH] {
        std::array::from_fn(|lane| one[lane] + other[lane])
    }

    #[inline(always)]
    fn subtract(self, one: [f32; WIDTH], other: [f32; WIDTH]) -> [f32; WIDTH] {
        std::array::from_fn(|lane| one[lane] - other[lane])
    }

    #[inline(always)]
    fn store(self, floats: [f32; WIDTH], values: &mut [f32; WIDTH]) {
        *values = floats;
    }
}
