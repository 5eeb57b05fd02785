//! One file of a model: on disk, or in the binary.

use std::borrow::Cow;
use std::path::PathBuf;

use super::formats::other_formats;
use super::gguf_name::is_gguf;
use super::limits::unreadable;
use crate::bounded;
use crate::model::ModelError;

/// One file of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelFile {
    /// On disk.
    Path(PathBuf),
    /// In the binary.
    Embedded {
        /// For messages: `demo:gpt2/config.json`.
        name: &'static str,
        /// Its content.
        bytes: &'static [u8],
    },
}

impl ModelFile {
    /// Its name, for messages.
    pub fn name(&self) -> Cow<'_, str> {
        match self {
            Self::Path(path) => path.to_string_lossy(),
            Self::Embedded { name, .. } => Cow::Borrowed(name),
        }
    }

    /// Whether it is a GGUF file, by its name. Ollama names its files by what is in them.
    pub fn is_gguf(&self) -> bool {
        is_gguf(&self.name()) || self.base_name().starts_with("sha256-")
    }

    /// Its content, of at most `most` bytes. For small files: weights are mapped.
    ///
    /// # Errors
    /// If it can't be read, or is longer.
    pub fn read(&self, most: u64) -> Result<Cow<'static, [u8]>, ModelError> {
        match self {
            Self::Path(path) => {
                bounded::read(path, most).map(Cow::Owned).map_err(|source| unreadable(path, source))
            }
            Self::Embedded { bytes, .. } => Ok(Cow::Borrowed(bytes)),
        }
    }

    /// Its size in bytes.
    ///
    /// # Errors
    /// If it isn't there.
    pub fn size(&self) -> Result<u64, ModelError> {
        match self {
            Self::Path(path) => {
                std::fs::metadata(path).map(|data| data.len()).map_err(|source| ModelError::io(path, source))
            }
            Self::Embedded { bytes, .. } => Ok(bytes.len() as u64),
        }
    }

    /// Files beside it that hold weights in a format that isn't read.
    pub fn other_formats(&self) -> Vec<String> {
        match self {
            Self::Path(path) => path.parent().map(other_formats).unwrap_or_default(),
            Self::Embedded { .. } => Vec::new(),
        }
    }

    /// Its name without the folder.
    pub(super) fn base_name(&self) -> String {
        let name = self.name();
        name.rsplit(['/', '\\']).next().unwrap_or_default().to_owned()
    }
}
