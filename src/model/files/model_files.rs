//! All files that a model is made of.

use super::{Adapter, LoraFiles, ModelFile, TokenizerFiles};
use crate::vocabulary::Rounding;

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
    /// An adapter of them, which is added if its files are those of LoRA.
    pub adapter: Option<Adapter>,
    /// What linear weights are rounded to.
    pub rounding: Option<Rounding>,
}

impl ModelFiles {
    /// Every file once: config, tokenizer, weights, and those of an adapter.
    pub fn all(&self) -> impl Iterator<Item = &ModelFile> {
        let tokenizer = self.tokenizer.iter().map(|(_, file)| file);
        let config = std::iter::once(&self.config).filter(|_| !self.is_gguf());
        let adapter = self.lora().into_iter().flat_map(|lora| [&lora.config, &lora.weights]);
        config.chain(tokenizer).chain(&self.weights).chain(adapter)
    }

    /// The adapter that is added to the weights.
    pub fn lora(&self) -> Option<&LoraFiles> {
        self.adapter.as_ref()?.lora.as_ref()
    }

    /// Whether it is all in GGUF files.
    pub fn is_gguf(&self) -> bool {
        self.config.is_gguf()
    }
}
