//! A model, from its name to a captured pass.
//!
//! `reference` names it, `files` finds it, `spec` says how it is built, `family` knows its config.json and
//! tensor names, `weights` reads them, `decoder` runs, `recorder` keeps what is looked at.

mod catalogue;
mod compute;
mod control;
mod decoder;
mod device;
mod error;
mod family;
mod footprint;
mod generate;
mod host;
mod json;
mod lens;
mod memory;
mod options;
mod profile;
mod prompt;
mod prompt_limit;
mod recorder;
mod reference;
mod repeated;
mod resident;
mod roofline;
mod run;
mod spec;
mod tokenizer;
mod weights;

pub mod files;

pub use catalogue::{
    Catalogue, ConfiguredPair, Download, KnownModel, LoadEstimate, MemoryFit, Place, Published, catalogue,
    estimate,
};
pub use compute::limit_threads;
pub use control::{Cancel, Control, LoadProgress};
pub use decoder::{Hooks, ResidualPoint};
pub use device::{CudaDevice, cuda_devices, free_bytes, label as device_label, open as open_device};
pub use error::ModelError;
pub use footprint::Footprint;
pub use generate::{Sampling, greedy};
pub use lens::ResidualStream;
pub use memory::ProcessMemory;
pub use options::{DeviceChoice, Engine, LoadOptions, Precision};
pub use profile::Profile;
pub use reference::{DemoModel, Reference, ReferenceError};
pub use repeated::RepeatRun;
pub use resident::Model;
pub use roofline::Roofline;
