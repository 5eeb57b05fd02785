//! The header of a file: keys and tensors, read in place.

use std::collections::BTreeMap;
use std::ops::Range;

use super::error::shown;
use super::reader::Reader;
use super::{GgufError, Value};
use crate::kernels::blocks::BlockType;

/// What a file of this format begins with.
pub const MAGIC: &[u8; 4] = b"GGUF";

/// Keys that a file may have. Real files have fewer than a hundred.
const MAX_KEYS: u64 = 1 << 16;
/// Tensors that a file may have. The largest real files have some ten thousand.
const MAX_TENSORS: u64 = 1 << 18;
/// Axes that a tensor may have.
const MAX_AXES: u32 = 4;
/// What the data of tensors is aligned to, unless the file says otherwise. Bytes.
const ALIGNMENT: u64 = 32;

/// The header of a file. It borrows the file's bytes.
#[derive(Debug)]
pub struct Header<'a> {
    keys: BTreeMap<&'a str, Value<'a>>,
    tensors: BTreeMap<&'a str, TensorInfo>,
}

/// Where a tensor lies in its file, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorInfo {
    /// The sizes of its axes, the rows' length last. (The file has them the other way round.)
    pub shape: Vec<usize>,
    /// How its values are stored.
    pub kind: BlockType,
    /// Its bytes, from the start of the file.
    pub bytes: Range<usize>,
}

impl<'a> Header<'a> {
    /// Reads the header of a whole file and checks that the data of each tensor lies within the file.
    ///
    /// # Errors
    /// If the file is of another format or version, is cut, names a key or a tensor twice, or holds a size or a type
    /// that cannot be.
    pub fn parse(file: &'a [u8]) -> Result<Self, GgufError> {
        Self::of_start(file, file.len() as u64)
    }

    /// The same of the first bytes of a file that has `length`.
    ///
    /// # Errors
    /// As [`parse`](Self::parse); [`Cut`](GgufError::Cut) or [`Count`](GgufError::Count), too, if the header goes on
    /// behind these bytes.
    pub fn of_start(start: &'a [u8], length: u64) -> Result<Self, GgufError> {
        let mut reader = Reader::new(start);
        if reader.bytes(4, "magic").ok() != Some(MAGIC) {
            return Err(GgufError::OtherFormat);
        }
        match reader.u32("version")? {
            2 | 3 => {}
            // Version 3 of a big-endian machine.
            0x0300_0000 | 0x0200_0000 => return Err(GgufError::BigEndian),
            version => return Err(GgufError::Version(version)),
        }
        let tensor_count = reader.u64("tensor count")?;
        let key_count = reader.u64("key count")?;
        reader.allows(tensor_count, 24, MAX_TENSORS, "tensors")?;
        reader.allows(key_count, 13, MAX_KEYS, "keys")?;

        let mut keys = BTreeMap::new();
        for _ in 0..key_count {
            let key = reader.string("the name of a key")?;
            let value = Value::read(&mut reader, key)?;
            if keys.insert(key, value).is_some() {
                return Err(GgufError::Twice { what: "key", name: shown(key) });
            }
        }
        let mut unplaced = Vec::new();
        for _ in 0..tensor_count {
            unplaced.push(Unplaced::read(&mut reader)?);
        }
        let alignment = match keys.get("general.alignment") {
            None => ALIGNMENT,
            Some(value) => {
                value.as_u64().filter(|bytes| bytes.is_power_of_two() && *bytes <= 1 << 20).ok_or_else(
                    || GgufError::value("general.alignment", value, "a power of two up to 1048576"),
                )?
            }
        };
        let data = (reader.position() as u64).next_multiple_of(alignment);
        let mut tensors = BTreeMap::new();
        for tensor in unplaced {
            let info = tensor.place(data, alignment, length)?;
            if tensors.insert(tensor.name, info).is_some() {
                return Err(GgufError::Twice { what: "tensor", name: shown(tensor.name) });
            }
        }
        check_apart(&tensors)?;
        Ok(Self { keys, tensors })
    }

    /// What a key holds.
    pub fn get(&self, key: &str) -> Option<&Value<'a>> {
        self.keys.get(key)
    }

    /// A tensor.
    pub fn tensor(&self, name: &str) -> Option<&TensorInfo> {
        self.tensors.get(name)
    }

    /// The tensors in the order of their names.
    pub fn tensors(&self) -> impl Iterator<Item = (&'a str, &TensorInfo)> {
        self.tensors.iter().map(|(name, tensor)| (*name, tensor))
    }
}

/// Checks that no byte belongs to two tensors.
fn check_apart(tensors: &BTreeMap<&str, TensorInfo>) -> Result<(), GgufError> {
    let mut places: Vec<_> = tensors.iter().map(|(name, tensor)| (tensor.bytes.clone(), *name)).collect();
    places.sort_by_key(|(bytes, _)| (bytes.start, bytes.end));
    match places.windows(2).find(|pair| pair[0].0.end > pair[1].0.start) {
        Some(pair) => {
            let why = format!("lies over tensor {}: the file is broken, fetch it again", shown(pair[0].1));
            Err(GgufError::Tensor { name: shown(pair[1].1), why })
        }
        None => Ok(()),
    }
}

/// A tensor as the header describes it, before it is known where the data begins.
struct Unplaced<'a> {
    name: &'a str,
    shape: Vec<usize>,
    kind: BlockType,
    /// From the start of the data.
    offset: u64,
}

impl<'a> Unplaced<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, GgufError> {
        let name = reader.string("the name of a tensor")?;
        let invalid = |why: String| GgufError::Tensor { name: shown(name), why };
        let axes = reader.u32("the number of axes of a tensor")?;
        if axes == 0 || axes > MAX_AXES {
            return Err(invalid(format!("has {axes} axes: 1 to {MAX_AXES} are possible")));
        }
        let mut shape = Vec::new();
        for _ in 0..axes {
            let size = reader.u64("the size of a tensor")?;
            let size = usize::try_from(size).ok().filter(|size| *size > 0);
            shape.push(
                size.ok_or_else(|| invalid("has an axis of size 0 or beyond this machine".to_owned()))?,
            );
        }
        let id = reader.u32("the type of a tensor")?;
        let kind = BlockType::from_id(id).ok_or_else(|| {
            invalid(format!("has type {id}, which is not supported: {}", BlockType::list()))
        })?;
        if shape[0] % kind.values() != 0 {
            return Err(invalid(format!(
                "has rows of {} values, but {kind} stores blocks of {}",
                shape[0],
                kind.values()
            )));
        }
        let offset = reader.u64("the offset of a tensor")?;
        shape.reverse();
        Ok(Self { name, shape, kind, offset })
    }

    fn place(&self, data: u64, alignment: u64, file: u64) -> Result<TensorInfo, GgufError> {
        let invalid = |why: String| GgufError::Tensor { name: shown(self.name), why };
        if !self.offset.is_multiple_of(alignment) {
            return Err(invalid(format!("begins at {}, which is no multiple of {alignment}", self.offset)));
        }
        let values = self.shape.iter().try_fold(1u64, |product, size| product.checked_mul(*size as u64));
        let bytes = values
            .map(|values| values / self.kind.values() as u64)
            .and_then(|blocks| blocks.checked_mul(self.kind.bytes() as u64));
        let start = data.checked_add(self.offset);
        let end = start.zip(bytes).and_then(|(start, bytes)| start.checked_add(bytes));
        match (start, end) {
            (Some(start), Some(end)) if end <= file => {
                // Both are at most the length of a file that is mapped or was.
                Ok(TensorInfo {
                    shape: self.shape.clone(),
                    kind: self.kind,
                    bytes: start as usize..end as usize,
                })
            }
            (_, Some(end)) => Err(GgufError::TensorCut { name: shown(self.name), end, file }),
            (_, None) => Err(invalid("has a size beyond any file".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests;
