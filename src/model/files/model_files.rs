//! All files that a model is made of.

use super::{Adapter, LoraFiles, ModelFile, TokenizerFiles};

/// The files a model is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFiles {
    /// As it was asked for.
    pub name: String,
    /// The commit, if it came from the hub.
    pub revision: Option<String>,
    /// config.json
    pub config: ModelFile,
    /// What the tokenizer is read from; nothing if there is none.
    pub tokenizer: TokenizerFiles,
    /// The safetensors files; several if sharded.
    pub weights: Vec<ModelFile>,
    /// An adapter of them, which is added if its files are those of LoRA.
    pub adapter: Option<Adapter>,
}

impl ModelFiles {
    /// The adapter that is added to the weights.
    pub fn lora(&self) -> Option<&LoraFiles> {
        self.adapter.as_ref()?.lora.as_ref()
    }

    /// Every file: config, tokenizer, weights, and those of an adapter.
    pub fn all(&self) -> impl Iterator<Item = &ModelFile> {
        let tokenizer = self.tokenizer.iter().map(|(_, file)| file);
        let adapter = self.lora().into_iter().flat_map(|lora| [&lora.config, &lora.weights]);
        std::iter::once(&self.config).chain(tokenizer).chain(&self.weights).chain(adapter)
    }
}
