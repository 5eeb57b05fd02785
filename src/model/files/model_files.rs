//! All files that a model is made of.

use super::{Adapter, ModelFile, TokenizerFiles};

/// The files a model is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFiles {
    /// As it was asked for.
    pub name: String,
    /// The commit, if it came from the hub.
    pub revision: Option<String>,
    /// config.json; the first file of a GGUF model, which has it in itself.
    pub config: ModelFile,
    /// What the tokenizer is read from; nothing if there is none.
    pub tokenizer: TokenizerFiles,
    /// The safetensors or GGUF files; several if sharded.
    pub weights: Vec<ModelFile>,
    /// An adapter beside them, which is not applied.
    pub adapter: Option<Adapter>,
}

impl ModelFiles {
    /// Every file once: config, tokenizer, weights.
    pub fn all(&self) -> impl Iterator<Item = &ModelFile> {
        let tokenizer = self.tokenizer.iter().map(|(_, file)| file);
        let config = std::iter::once(&self.config).filter(|_| !self.is_gguf());
        config.chain(tokenizer).chain(&self.weights)
    }

    /// Whether it is all in GGUF files.
    pub fn is_gguf(&self) -> bool {
        self.config.is_gguf()
    }
}
