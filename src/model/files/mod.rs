//! From a reference to the files of a model.

use std::path::PathBuf;

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

/// The files a model is made of.
#[derive(Debug, Clone)]
pub struct ModelFiles {
    /// As it was asked for.
    pub name: String,
    /// The commit, if it came from the hub.
    pub revision: Option<String>,
    /// config.json
    pub config: ModelFile,
    /// tokenizer.json, if there is one.
    pub tokenizer: Option<ModelFile>,
    /// The safetensors files; several if sharded.
    pub weights: Vec<ModelFile>,
}
