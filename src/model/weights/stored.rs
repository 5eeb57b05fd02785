//! A tensor where it lies in its file.

use std::fmt;

use half::{bf16, f16};
use rayon::prelude::*;
use safetensors::tensor::Dtype;

use super::Bytes;
use crate::kernels::blocks::{self, BlockType};
use crate::model::ModelError;

/// How the values of a tensor are stored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// One by one.
    Plain(Dtype),
    /// In blocks, as GGUF files have them.
    Blocks(BlockType),
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(dtype) => write!(f, "{dtype:?}"),
            Self::Blocks(kind) => write!(f, "{kind}"),
        }
    }
}

/// A tensor where it lies in its file.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The file, for messages.
    pub file: String,
    /// How the values are stored.
    pub kind: Kind,
    /// Values along each axis.
    pub shape: Vec<usize>,
    /// The bytes of the values.
    pub bytes: Bytes,
}

impl Stored {
    /// The values in f32, unless they are of a type that is no plain number.
    pub fn floats(&self) -> Option<Vec<f32>> {
        let bytes = self.bytes.as_slice();
        match self.kind {
            Kind::Plain(Dtype::F64) => Some(widen(bytes, f64_value)),
            Kind::Plain(Dtype::F32) => Some(widen(bytes, f32::from_le_bytes)),
            Kind::Plain(Dtype::F16) => Some(widen(bytes, f16_value)),
            Kind::Plain(Dtype::BF16) => Some(widen(bytes, bf16_value)),
            Kind::Plain(_) => None,
            Kind::Blocks(kind) => Some(blocks::decode_all(kind, bytes)),
        }
    }

    /// Whether it is the same as another, byte for byte.
    pub fn is_same(&self, other: &Self) -> bool {
        let kind = |stored: &Self| (stored.kind, stored.shape.clone());
        kind(self) == kind(other) && self.bytes.as_slice() == other.bytes.as_slice()
    }

    /// Number of values, as they are stored.
    pub fn values(&self) -> u64 {
        self.shape.iter().product::<usize>() as u64
    }

    /// Number of weights they stand for: a byte of a block for two, a scale for none.
    pub fn weights(&self, name: &str) -> u64 {
        match name {
            name if name.ends_with("_blocks") => 2 * self.values(),
            name if name.ends_with("_scales") => 0,
            _ => self.values(),
        }
    }

    /// Whether all its values are numbers. Of blocks their scales are looked at, which decide that.
    ///
    /// # Errors
    /// If one is NaN or infinite, in f32 too.
    pub fn check_finite(&self, name: &str) -> Result<(), ModelError> {
        let bytes = self.bytes.as_slice();
        let broken = match self.kind {
            Kind::Plain(Dtype::F64) => find_broken(bytes, f64_value),
            Kind::Plain(Dtype::F32) => find_broken(bytes, f32::from_le_bytes),
            Kind::Plain(Dtype::F16) => find_broken(bytes, f16_value),
            Kind::Plain(Dtype::BF16) => find_broken(bytes, bf16_value),
            Kind::Plain(_) => None,
            Kind::Blocks(kind) => {
                return match blocks::first_broken(kind, bytes) {
                    Some(at) => {
                        let what = "has a scale that is no number";
                        Err(self.error(
                            name,
                            format!("{what}, in block {at}: the file is broken, fetch it again"),
                        ))
                    }
                    None => Ok(()),
                };
            }
        };
        match broken {
            Some((at, value)) => {
                Err(self.error(name, format!("holds {value} at element {at}: the checkpoint is broken")))
            }
            None => Ok(()),
        }
    }

    /// An error about it: a sentence that begins with its file and its `name`.
    pub fn error(&self, name: &str, what: impl std::fmt::Display) -> ModelError {
        ModelError::Invalid(format!("{}: tensor \"{name}\" {what}", self.file))
    }
}

/// \[rows, columns\] as \[columns, rows\].
pub fn transposed(values: &[f32], rows: usize) -> Vec<f32> {
    let columns = values.len() / rows;
    (0..columns).flat_map(|column| (0..rows).map(move |row| values[row * columns + column])).collect()
}

/// Whether values are packed in bytes rather than stored one by one.
pub fn is_packed(kind: Kind) -> bool {
    matches!(kind, Kind::Plain(Dtype::U8 | Dtype::F8_E8M0))
}

fn f64_value(bytes: [u8; 8]) -> f32 {
    f64::from_le_bytes(bytes) as f32
}

fn f16_value(bytes: [u8; 2]) -> f32 {
    f16::from_le_bytes(bytes).to_f32()
}

fn bf16_value(bytes: [u8; 2]) -> f32 {
    bf16::from_le_bytes(bytes).to_f32()
}

/// A value that is no number, and which one.
fn find_broken<const N: usize>(bytes: &[u8], read: impl Fn([u8; N]) -> f32 + Sync) -> Option<(usize, f32)> {
    const CHUNK: usize = 16 * 1024;
    let (values, _) = bytes.as_chunks::<N>();
    let chunks = values.par_chunks(CHUNK);
    // No early end within a chunk, so that the compiler can check several values at once.
    let chunk =
        chunks.position_any(|chunk| chunk.iter().fold(false, |any, v| any | !read(*v).is_finite()))?;
    let first = chunk * CHUNK;
    let at = first + values[first..].iter().position(|value| !read(*value).is_finite())?;
    Some((at, read(values[at])))
}

fn widen<const N: usize>(bytes: &[u8], read: impl Fn([u8; N]) -> f32 + Sync) -> Vec<f32> {
    bytes.as_chunks::<N>().0.par_iter().map(|value| read(*value)).collect()
}
