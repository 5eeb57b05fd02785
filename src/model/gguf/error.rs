//! What can be wrong with a file.

use std::fmt::Display;

/// What is wrong with a file; each says what to do where something can be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GgufError {
    /// It does not begin as such a file does.
    #[error("is no GGUF file")]
    OtherFormat,
    /// It was written on a big-endian machine.
    #[error("is a big-endian GGUF file: convert it to little-endian")]
    BigEndian,
    /// Its version is unknown.
    #[error("is GGUF version {0}: versions 2 and 3 are supported")]
    Version(u32),
    /// It ends within its header.
    #[error("ends within {what}, at byte {at}: it was cut, fetch it again")]
    Cut {
        /// The part that was being read.
        what: String,
        /// Where, from the start of the file.
        at: usize,
    },
    /// It ends before the data of a tensor does.
    #[error(
        "has a tensor {name} that ends at byte {end}, but the file has {file}: it was cut, fetch it again"
    )]
    TensorCut {
        /// The tensor.
        name: String,
        /// Where its data ends, from the start of the file.
        end: u64,
        /// Bytes of the file.
        file: u64,
    },
    /// A count is larger than the file or the format allows.
    #[error("claims {count} {what}: more than such a file can hold")]
    Count {
        /// What is counted.
        what: String,
        /// The count.
        count: u64,
    },
    /// A text is not UTF-8.
    #[error("has {what} that is not UTF-8, at byte {at}")]
    Text {
        /// Which text.
        what: String,
        /// Where, from the start of the file.
        at: usize,
    },
    /// A name stands twice.
    #[error("has the {what} {name} twice")]
    Twice {
        /// A key or a tensor.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// A key's value can't be.
    #[error("{key} is {value}: {wanted} is wanted")]
    Value {
        /// Its name.
        key: String,
        /// What it is.
        value: String,
        /// What it may be.
        wanted: String,
    },
    /// It is one of more or fewer files than there are.
    #[error("is one of {count} files, and there are {files} of them: put all parts into one folder")]
    Parts {
        /// How many there should be.
        count: u64,
        /// How many there are.
        files: usize,
    },
    /// A key that is needed is not there.
    #[error("has no key {0}: it is no whole model")]
    Missing(String),
    /// A model that can't be run.
    #[error("is of architecture {name:?}, which is not supported; supported are {known}")]
    Architecture {
        /// As the file names it.
        name: String,
        /// Those that can.
        known: String,
    },
    /// A tokenizer that isn't known.
    #[error("has a tokenizer with {key} {name:?}, which is not known; known are {known}")]
    Tokenizer {
        /// What names it.
        key: &'static str,
        /// As the file names it.
        name: String,
        /// Those that are known.
        known: String,
    },
    /// A tensor can't be.
    #[error("tensor {name} {why}")]
    Tensor {
        /// Its name.
        name: String,
        /// Why not.
        why: String,
    },
}

/// Characters of a name that a message shows.
const SHOWN: usize = 80;

/// A name as a message shows it.
pub(super) fn shown(name: &str) -> String {
    match name.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

impl GgufError {
    /// A key names a tokenizer that isn't known.
    pub fn unknown_tokenizer(key: &'static str, name: &str, known: &[&str]) -> Self {
        Self::Tokenizer { key, name: name.chars().take(60).collect(), known: known.join(", ") }
    }

    /// A key holds something else than what is wanted of it.
    pub fn value(key: &str, value: &impl Display, wanted: &str) -> Self {
        Self::Value { key: shown(key), value: value.to_string(), wanted: wanted.to_owned() }
    }
}
