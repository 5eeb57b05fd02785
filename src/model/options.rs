//! How to load a model.

use std::path::PathBuf;

use super::files::Consent;
use crate::vocabulary::{DeviceChoice, Engine, Precision};

/// How to load a model.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    /// Where to.
    pub device: DeviceChoice,
    /// How dense weights are held.
    pub precision: Precision,
    /// Which code runs it.
    pub engine: Engine,
    /// Compute every prompt from its first token on, whatever is known of it.
    pub no_cache: bool,
    /// Where it is kept which GPUs compute what the CPU computes; without it, that is found out each time.
    pub checked_gpus: Option<PathBuf>,
    /// Never ask the hub, use what is in its cache.
    pub offline: bool,
    /// Folders of models that are listed beside those of the hub's cache.
    pub folders: Vec<PathBuf>,
    /// How much may be downloaded.
    pub consent: Consent,
}
