//! What the files of a model say of it, before its tensors are placed.

use super::ModelError;
use super::chat::{self, ChatTemplate};
use super::end_tokens;
use super::family::{self, Read};
use super::files::{self, ModelFiles, gguf_error};
use super::gguf::{self, Parts};
use super::tokenizer::{Opened, PromptTokenizer};
use super::weights::Bytes;

/// What the files of a model say of it.
pub struct Described {
    /// How its decoder is built.
    pub read: Read,
    /// `Err` says why there is none.
    pub tokenizer: Result<Box<PromptTokenizer>, String>,
    /// `Err` says why there is none.
    pub chat: Result<ChatTemplate, String>,
    /// The tokens that end a text.
    pub ends: Vec<u32>,
    /// What was taken for something that no file says, a sentence each.
    pub notes: Vec<String>,
}

impl Described {
    /// Reads config and vocabulary, whatever they are in.
    ///
    /// # Errors
    /// If they can't be read, or are of a model that isn't supported.
    pub fn of(files: &ModelFiles) -> Result<Self, ModelError> {
        if files.is_gguf() {
            return with_parts(files, |read, parts, described| {
                let name = files.config.name();
                let tokenizer = ready(PromptTokenizer::from_gguf(parts, &name)?);
                let chat = chat::of_gguf(parts, &name, tokenizer.as_deref().ok());
                let ends = end_tokens::of_gguf(parts, tokenizer.as_deref().ok());
                Ok(Self { read, tokenizer, chat, ends, notes: described.notes })
            });
        }
        let read = self::read(files)?;
        let tokenizer = ready(PromptTokenizer::open(&files.tokenizer, &files.config, read.spec.family)?);
        let chat = chat::read(&files.tokenizer, tokenizer.as_deref().ok());
        let (ends, note) = end_tokens::read(files, tokenizer.as_deref().ok());
        Ok(Self { read, tokenizer, chat, ends, notes: note.into_iter().collect() })
    }
}

/// How the decoder of a model is built.
///
/// # Errors
/// As [`Described::of`].
pub fn read(files: &ModelFiles) -> Result<Read, ModelError> {
    if files.is_gguf() {
        return with_parts(files, |read, _, _| Ok(read));
    }
    family::read(&files.config.read(files::LONGEST_CONFIG)?, &files.config.name())
}

/// What `make` makes of GGUF files, and of what they say of the decoder.
fn with_parts<T>(
    files: &ModelFiles,
    make: impl FnOnce(Read, &Parts<'_>, gguf::Described) -> Result<T, ModelError>,
) -> Result<T, ModelError> {
    let mapped = files.weights.iter().map(Bytes::open).collect::<Result<Vec<_>, _>>()?;
    let slices: Vec<&[u8]> = mapped.iter().map(Bytes::as_slice).collect();
    let invalid = |(at, error): (usize, gguf::GgufError)| gguf_error(&files.weights[at], slices[at], &error);
    let parts = Parts::parse(&slices).map_err(invalid)?;
    let described = gguf::config(&parts).map_err(|error| invalid((0, error)))?;
    make(family::read_gguf(&described, &parts, &files.config.name())?, &parts, described)
}

fn ready(opened: Opened) -> Result<Box<PromptTokenizer>, String> {
    match opened {
        Opened::Ready(tokenizer) => Ok(tokenizer),
        Opened::Missing(why) => Err(why),
    }
}
