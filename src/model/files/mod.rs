//! From a reference to the files of a model.
//!
//! [`locate()`] takes a demo from the binary (`embedded`), a model from its `folder`, from a `gguf` file, or one from the [`hub`], which
//! keeps it in its cache. All give [`ModelFiles`]. [`plan()`] says what a download would take; [`Consent`] keeps what
//! somebody has agreed to. To add a place where models come from: a variant of `Reference`, a file here that gives
//! `ModelFiles`, and a line in each `match` of `locate`.

mod adapter;
mod consent;
mod disk;
mod embedded;
mod file;
mod folder;
mod foreign;
mod formats;
mod gguf;
mod gguf_name;
pub mod hub;
mod index;
mod limits;
mod locate;
mod lora;
mod model_files;
mod plan;
mod stores;
mod tokenizer;

pub use adapter::{ADAPTER_CONFIG, ADAPTER_WEIGHTS, Adapter};
pub use consent::Consent;
pub use file::ModelFile;
pub use foreign::{foreign, pointer};
pub use gguf::gguf_error;
pub use hub::{CachedModel, Hub, HubError, HubModel, HubSettings};
pub use limits::{LONGEST_CONFIG, LONGEST_TOKENIZER};
pub use locate::{cached, locate, locate_here, plan, stored};
pub use lora::{AdapterSettings, LoraFiles};
pub use model_files::ModelFiles;
pub use plan::DownloadPlan;
pub use tokenizer::{CHAT_TEMPLATE, GENERATION_CONFIG, TOKENIZER_JSON, TokenizerFiles};
