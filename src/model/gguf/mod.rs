//! GGUF, the file format of llama.cpp: keys that describe a model, its vocabulary, and tensors in blocks.
//!
//! # How it works
//! - `reader` walks over the bytes of a file and believes no number that the file's length does not allow; `value` is
//!   what a key holds; `header` is all keys and tensors of a file; [`Parts`] those of all files of a model.
//! - [`config()`] makes of the keys the config.json that the same model has on the hub, `architecture` by architecture:
//!   the families read that. What the file doesn't store is taken from the architecture, and said in a note.
//! - [`Vocabulary`] is what the keys say of the tokenizer.
//!
//! # How to add an architecture
//! A row in `architecture::ARCHITECTURES`, with a function that gives the keys of its config.json.
//!
//! Sources: the GGUF specification of ggml, versions 2 and 3, and llama.cpp, of what is not in a file.

mod architecture;
mod common;
mod config;
mod error;
#[cfg(test)]
pub mod fixture;
mod header;
mod keys;
mod parts;
mod reader;
mod value;
mod vocabulary;

#[cfg(test)]
pub use architecture::names as architectures;
pub use config::{Described, config};
pub use error::GgufError;
pub use header::Header;
#[cfg(test)]
use header::MAGIC;
pub use parts::Parts;
pub use value::{Array, Value};
pub use vocabulary::{TokenKind, Vocabulary};
