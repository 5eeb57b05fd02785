//! A model, from its name to a captured pass.
//!
//! # How it works
//! [`Model::load`] goes through these in order:
//! 1. `reference` reads the name: a demo, a folder, or a repository of the hub.
//! 2. [`files`] finds the files, and downloads what is missing.
//! 3. `family` reads config.json into a `spec`, which says how the decoder is built; of a GGUF file, `gguf` makes the
//!    config.json first.
//! 4. `tokenizer` reads the vocabulary, `chat` the template of conversations.
//! 5. `weights` maps the checkpoint; `family` names its tensors and builds the `decoder` from them.
//! 6. `cuda` uploads the decoder, where a GPU is to compute.
//!
//! [`Model::run`] sends a prompt through the decoder, and `recorder` collects a `LayerCapture` of each layer. `kept` holds
//! the newest passes: of a prompt that begins like one of them only what is new is computed. Who wants to look into the pass, or to change it, hands in [`Hooks`]: `lens` keeps the residual stream in this way, `patch` puts parts of another pass in its place, and `push` looks at the pass of one token.
//!
//! # How to add
//! - An architecture of GGUF files: a row in `gguf/architecture.rs`.
//! - A family of models: one file in `family`, one variant of `spec::Family`. The decoder knows no family.
//! - A step of a pass to look at: a hook in `decoder/hooks.rs`, and its golden in `tests/golden/steps.py`.
//! - A format of weights: a variant of `weights::Matrix` or of `weights::ExpertMatrices`.

mod activations;
mod catalogue;
mod chat;
mod compute;
mod continuation;
mod control;
mod cuda;
mod decoder;
mod described;
mod device;
mod end_tokens;
mod error;
mod family;
mod footprint;
mod generate;
mod gguf;
mod hide;
mod host;
mod json;
mod kept;
mod lens;
mod memory;
mod next_token;
mod options;
mod patch;
mod profile;
mod prompt;
mod prompt_limit;
mod push;
mod recorder;
mod reference;
mod repeated;
mod resident;
mod roofline;
mod run;
mod sweep;
mod tokenizer;
mod weights;

pub mod files;
pub mod spec;

pub use crate::vocabulary::{DeviceChoice, Engine, Precision};
pub use catalogue::{
    Catalogue, ConfiguredPair, Download, KnownModel, LoadEstimate, MemoryFit, Place, Published, catalogue,
    estimate,
};
pub use compute::limit_threads;
pub use continuation::Choice;
pub use control::{Cancel, Control, LoadProgress};
pub use decoder::{Hooks, ResidualPoint};
pub use device::{CudaDevice, Place as ComputePlace, cuda_devices, open as open_device};
pub use error::ModelError;
pub use family::{FAMILIES, Family};
pub use footprint::Footprint;
pub use generate::{Sampling, greedy};
pub use lens::ResidualStream;
pub use memory::ProcessMemory;
pub use options::LoadOptions;
pub use patch::{Patch, PatchSource};
pub use profile::Profile;
pub use prompt_limit::MOST_BYTES as MOST_PROMPT_BYTES;
pub use push::TokenPass;
pub use reference::{DemoModel, Reference, ReferenceError};
pub use repeated::RepeatRun;
pub use resident::Model;
pub use roofline::Roofline;
pub use sweep::Sweep;
