//! What a key holds.

use std::fmt;

use super::error::{GgufError, shown};
use super::reader::Reader;

/// The value of a key.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// Any of the unsigned types.
    Unsigned(u64),
    /// Any of the signed types.
    Signed(i64),
    /// Either of the types with a fraction.
    Float(f64),
    /// Yes or no.
    Bool(bool),
    /// A text.
    Text(&'a str),
    /// Many of one type.
    Array(Array<'a>),
}

/// Values of one type, as they lie in the file: checked, but not copied.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Array<'a> {
    kind: u32,
    count: usize,
    bytes: &'a [u8],
}

const STRING: u32 = 8;
const ARRAY: u32 = 9;

/// Bytes of a number of a type, by the type's id.
fn size_of(kind: u32) -> Option<usize> {
    match kind {
        0 | 1 | 7 => Some(1),
        2 | 3 => Some(2),
        4..=6 => Some(4),
        10..=12 => Some(8),
        _ => None,
    }
}

impl<'a> Value<'a> {
    pub(super) fn read(reader: &mut Reader<'a>, key: &str) -> Result<Self, GgufError> {
        match reader.u32(key)? {
            ARRAY => Array::read(reader, key).map(Self::Array),
            kind => Self::read_one(reader, kind, key),
        }
    }

    fn read_one(reader: &mut Reader<'a>, kind: u32, key: &str) -> Result<Self, GgufError> {
        Ok(match kind {
            0 => Self::Unsigned(u8::from_le_bytes(reader.array(key)?).into()),
            1 => Self::Signed(i8::from_le_bytes(reader.array(key)?).into()),
            2 => Self::Unsigned(u16::from_le_bytes(reader.array(key)?).into()),
            3 => Self::Signed(i16::from_le_bytes(reader.array(key)?).into()),
            4 => Self::Unsigned(reader.u32(key)?.into()),
            5 => Self::Signed(i32::from_le_bytes(reader.array(key)?).into()),
            6 => Self::Float(f32::from_le_bytes(reader.array(key)?).into()),
            7 => Self::Bool(reader.array::<1>(key)? != [0]),
            STRING => Self::Text(reader.string(key)?),
            10 => Self::Unsigned(reader.u64(key)?),
            11 => Self::Signed(i64::from_le_bytes(reader.array(key)?)),
            12 => Self::Float(f64::from_le_bytes(reader.array(key)?)),
            kind => {
                return Err(GgufError::Value {
                    key: shown(key),
                    value: format!("of type {kind}"),
                    wanted: "a type from 0 to 12".to_owned(),
                });
            }
        })
    }

    /// As a number that counts something.
    pub fn as_u64(&self) -> Option<u64> {
        match *self {
            Self::Unsigned(value) => Some(value),
            Self::Signed(value) => u64::try_from(value).ok(),
            _ => None,
        }
    }

    /// As a number.
    pub fn as_f64(&self) -> Option<f64> {
        match *self {
            Self::Unsigned(value) => Some(value as f64),
            Self::Signed(value) => Some(value as f64),
            Self::Float(value) => Some(value),
            _ => None,
        }
    }

    /// As yes or no.
    pub fn as_bool(&self) -> Option<bool> {
        match *self {
            Self::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// As a text.
    pub fn as_str(&self) -> Option<&'a str> {
        match *self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// As many values.
    pub fn as_array(&self) -> Option<Array<'a>> {
        match *self {
            Self::Array(array) => Some(array),
            _ => None,
        }
    }
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsigned(value) => write!(f, "{value}"),
            Self::Signed(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value}"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Text(text) => match text.char_indices().nth(60) {
                Some((end, _)) => write!(f, "{:?}…", &text[..end]),
                None => write!(f, "{text:?}"),
            },
            Self::Array(array) => write!(f, "an array of {}", array.len()),
        }
    }
}

impl<'a> Array<'a> {
    fn read(reader: &mut Reader<'a>, key: &str) -> Result<Self, GgufError> {
        let kind = reader.u32(key)?;
        let count = reader.u64(key)?;
        // A text has its length in front.
        let least = if kind == STRING { 8 } else { size_of(kind).unwrap_or(1) as u64 };
        reader.allows(count, least, u64::MAX, key)?;
        let count = count as usize;
        let bytes = match size_of(kind) {
            Some(size) => reader.bytes(count * size, key)?,
            None if kind == STRING => {
                let mut ahead = reader.ahead();
                for _ in 0..count {
                    ahead.string(key)?;
                }
                reader.bytes(ahead.position() - reader.position(), key)?
            }
            None => {
                return Err(GgufError::Value {
                    key: shown(key),
                    value: format!("an array of type {kind}"),
                    wanted: "an array of numbers or texts".to_owned(),
                });
            }
        };
        Ok(Self { kind, count, bytes })
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// The values in order.
    pub fn iter(&self) -> impl Iterator<Item = Value<'a>> + use<'a> {
        let (kind, mut reader) = (self.kind, Reader::new(self.bytes));
        // They were read once when the array was checked.
        (0..self.count).map_while(move |_| Value::read_one(&mut reader, kind, "").ok())
    }

    /// The values, if they are texts.
    pub fn texts(&self) -> Option<impl Iterator<Item = &'a str> + use<'a>> {
        (self.kind == STRING).then(|| self.iter().filter_map(|value| value.as_str()))
    }
}
