//! From a reference to the files of a model.

mod adapter;
mod consent;
mod disk;
mod embedded;
mod file;
mod folder;
mod foreign;
mod formats;
pub mod hub;
mod index;
mod locate;
mod model_files;
mod plan;
mod tokenizer;

pub use adapter::{ADAPTER_CONFIG, Adapter};
pub use consent::Consent;
pub use file::ModelFile;
pub use foreign::{foreign, pointer};
pub use hub::{CachedModel, Hub, HubError, HubSettings};
pub use locate::{cached, locate, locate_here, plan};
pub use model_files::ModelFiles;
pub use plan::DownloadPlan;
pub use tokenizer::{TOKENIZER_JSON, TokenizerFiles};
