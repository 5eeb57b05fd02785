//! The ways of storing values, in a table.

use std::fmt;

use super::{large, plain, row, small, table};

/// How the values of a tensor are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, non_camel_case_types)]
pub enum BlockType {
    F32,
    F16,
    Bf16,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q2_K,
    Q3_K,
    Q4_K,
    Q5_K,
    Q6_K,
    Iq4Nl,
    Iq4Xs,
    Mxfp4,
}

/// One way of storing values.
struct Layout {
    kind: BlockType,
    /// As a GGUF file names it.
    id: u32,
    name: &'static str,
    /// Values of a block.
    values: usize,
    /// Bytes of a block.
    bytes: usize,
    /// Where a block has its scales, each an f16. That of MXFP4 is an exponent of a byte.
    scales: &'static [usize],
    /// Writes the values of blocks.
    decode: fn(&[u8], &mut [f32]),
}

use BlockType::*;

/// All of them, in the order of the enum.
#[rustfmt::skip]
const TYPES: [Layout; 16] = [
    Layout { kind: F32, id: 0, name: "F32", values: 1, bytes: 4, scales: &[], decode: row::decode::<plain::F32, 4, 1> },
    Layout { kind: F16, id: 1, name: "F16", values: 1, bytes: 2, scales: &[0], decode: row::decode::<plain::F16, 32, 16> },
    Layout { kind: Bf16, id: 30, name: "BF16", values: 1, bytes: 2, scales: &[], decode: row::decode::<plain::Bf16, 2, 1> },
    Layout { kind: Q4_0, id: 2, name: "Q4_0", values: 32, bytes: 18, scales: &[0], decode: row::decode::<small::Q4_0, 18, 32> },
    Layout { kind: Q4_1, id: 3, name: "Q4_1", values: 32, bytes: 20, scales: &[0, 2], decode: row::decode::<small::Q4_1, 20, 32> },
    Layout { kind: Q5_0, id: 6, name: "Q5_0", values: 32, bytes: 22, scales: &[0], decode: row::decode::<small::Q5_0, 22, 32> },
    Layout { kind: Q5_1, id: 7, name: "Q5_1", values: 32, bytes: 24, scales: &[0, 2], decode: row::decode::<small::Q5_1, 24, 32> },
    Layout { kind: Q8_0, id: 8, name: "Q8_0", values: 32, bytes: 34, scales: &[0], decode: row::decode::<small::Q8_0, 34, 32> },
    Layout { kind: Q2_K, id: 10, name: "Q2_K", values: 256, bytes: 84, scales: &[80, 82], decode: row::decode::<large::Q2K, 84, 256> },
    Layout { kind: Q3_K, id: 11, name: "Q3_K", values: 256, bytes: 110, scales: &[108], decode: row::decode::<large::Q3K, 110, 256> },
    Layout { kind: Q4_K, id: 12, name: "Q4_K", values: 256, bytes: 144, scales: &[0, 2], decode: row::decode::<large::Q4K, 144, 256> },
    Layout { kind: Q5_K, id: 13, name: "Q5_K", values: 256, bytes: 176, scales: &[0, 2], decode: row::decode::<large::Q5K, 176, 256> },
    Layout { kind: Q6_K, id: 14, name: "Q6_K", values: 256, bytes: 210, scales: &[208], decode: row::decode::<large::Q6K, 210, 256> },
    Layout { kind: Iq4Nl, id: 20, name: "IQ4_NL", values: 32, bytes: 18, scales: &[0], decode: row::decode::<table::Iq4Nl, 18, 32> },
    Layout { kind: Iq4Xs, id: 23, name: "IQ4_XS", values: 256, bytes: 136, scales: &[0], decode: row::decode::<table::Iq4Xs, 136, 256> },
    Layout { kind: Mxfp4, id: 39, name: "MXFP4", values: 32, bytes: 17, scales: &[], decode: row::decode::<table::Mxfp4, 17, 32> },
];

impl BlockType {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        TYPES.iter().map(|layout| layout.kind)
    }

    /// The type with a GGUF file's id.
    pub fn from_id(id: u32) -> Option<Self> {
        TYPES.iter().find(|layout| layout.id == id).map(|layout| layout.kind)
    }

    /// The id that a GGUF file has for it.
    pub fn id(self) -> u32 {
        self.layout().id
    }

    /// The names of all types, for an error.
    pub fn list() -> String {
        TYPES.map(|layout| layout.name).join(", ")
    }

    fn layout(self) -> &'static Layout {
        &TYPES[self as usize]
    }

    /// Its name: `Q4_K`.
    pub fn name(self) -> &'static str {
        self.layout().name
    }

    /// Values of a block.
    pub fn values(self) -> usize {
        self.layout().values
    }

    /// Bytes of a block.
    pub fn bytes(self) -> usize {
        self.layout().bytes
    }

    /// Bytes of a row of so many values, which are whole blocks.
    pub fn row_bytes(self, values: usize) -> usize {
        values / self.values() * self.bytes()
    }

    /// Values of so many bytes, which are whole blocks.
    pub(super) fn row_values(self, bytes: usize) -> usize {
        bytes / self.bytes() * self.values()
    }

    /// Writes the values of some blocks.
    ///
    /// # Panics
    /// If these are not whole blocks, or there is not room for just their values.
    pub fn decode(self, blocks: &[u8], values: &mut [f32]) {
        let Layout { values: width, bytes, decode, .. } = *self.layout();
        assert!(blocks.len().is_multiple_of(bytes) && values.len() == blocks.len() / bytes * width);
        decode(blocks, values);
    }

    /// Whether the scales of a block are numbers, and with them all its values, whatever its bits are. Of f32 and bf16
    /// it is the value itself.
    pub(super) fn is_finite(self, block: &[u8]) -> bool {
        match self {
            F32 => f32::from_le_bytes([block[0], block[1], block[2], block[3]]).is_finite(),
            Bf16 => block[1] & 0x7f != 0x7f || block[0] & 0x80 == 0,
            // Of 254 the largest numbers are beyond f32.
            Mxfp4 => block[0] < 253,
            _ => self.layout().scales.iter().all(|at| block[at + 1] & 0x7c != 0x7c),
        }
    }
}

impl fmt::Display for BlockType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
