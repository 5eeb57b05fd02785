//! A model, from its name to a captured pass.

mod control;
mod error;
mod reference;

pub mod files;

pub use control::{Cancel, Control, LoadProgress};
pub use error::ModelError;
pub use reference::{DemoModel, Reference, ReferenceError};

use std::sync::Arc;

use crate::attention::{Capture, ModelCard, Token};

/// Where a model is placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeviceChoice {
    /// A CUDA or Metal device if this build and machine have one, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// The CUDA device of that number.
    Cuda(usize),
    /// The Metal device.
    Metal,
}

/// How dense weights are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// f32 on the CPU; on a GPU as the checkpoint holds them.
    #[default]
    Auto,
    /// 32 bits, exact for every checkpoint.
    F32,
    /// bfloat16; for GPUs.
    Bf16,
    /// IEEE half; for GPUs.
    F16,
}

/// Which code computes attention and experts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Engine {
    /// Our kernels on the CPU, tensor operations elsewhere.
    #[default]
    Auto,
    /// Tensor operations everywhere: what a GPU runs, on any device.
    Generic,
}

/// How to load a model.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    /// Where to.
    pub device: DeviceChoice,
    /// How dense weights are held.
    pub precision: Precision,
    /// Which code runs it.
    pub engine: Engine,
    /// Never ask the hub, use what is in its cache.
    pub offline: bool,
}

/// A resident model.
pub struct Model {
    card: Arc<ModelCard>,
}

impl Model {
    /// Finds, checks and places a model.
    ///
    /// # Errors
    /// If a file is missing or broken, the model is unsupported or too large, or `control` was cancelled.
    pub fn load(
        _reference: &Reference,
        _options: &LoadOptions,
        _control: &mut Control<'_>,
    ) -> Result<Self, ModelError> {
        unimplemented!()
    }

    /// What it is.
    pub fn card(&self) -> &Arc<ModelCard> {
        &self.card
    }

    /// A prompt as this model reads it: encoded as Hugging Face does, special tokens included, never trimmed.
    ///
    /// # Errors
    /// If the prompt is empty, too long, or the model came without a tokenizer.
    pub fn tokenize(&self, _prompt: &str) -> Result<Vec<Token>, ModelError> {
        unimplemented!()
    }

    /// Tokens given by number; no tokenizer is needed, but is used to name them where there is one.
    ///
    /// # Errors
    /// If there are none, too many, or one is beyond the vocabulary.
    pub fn tokens_from_ids(&self, _ids: &[u32]) -> Result<Vec<Token>, ModelError> {
        unimplemented!()
    }

    /// Runs tokens through the model. Reports finished layers and stops between layers when cancelled.
    ///
    /// # Errors
    /// If `cancel` was raised or the device failed.
    pub fn run(
        &self,
        _tokens: Vec<Token>,
        _cancel: &Cancel,
        _on_layer: &mut dyn FnMut(usize),
    ) -> Result<Capture, ModelError> {
        unimplemented!()
    }
}
