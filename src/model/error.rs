//! Everything that can go wrong with a model, each with what, where and what to do.

use std::path::{Path, PathBuf};

use crate::attention::escape_controls;

/// Why a model could not be loaded or run.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// Somebody called [`Cancel::cancel`](super::Cancel::cancel).
    #[error("cancelled")]
    Cancelled,
    /// What was asked for is no name of a model.
    #[error(transparent)]
    Reference(#[from] super::ReferenceError),
    /// A file could not be read.
    #[error("{}: {source}", escape_controls(&path.display().to_string()))]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The device refused an operation.
    #[error("computing failed: {0}")]
    Device(#[from] candle_core::Error),
    /// The hub or its cache did not give it.
    #[error(transparent)]
    Hub(#[from] super::files::HubError),
    /// A GPU did not run it.
    #[error(transparent)]
    Gpu(#[from] crate::gpu::GpuError),
    /// There is not enough memory for it, in one sentence: for what, how much, what to do.
    #[error("{}", escape_controls(.0))]
    OutOfMemory(String),
    /// Anything else, in one sentence: what, where, what to do.
    #[error("{}", escape_controls(.0))]
    Invalid(String),
}

impl ModelError {
    /// What the system said of the file or folder at `path`.
    pub fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }
}
