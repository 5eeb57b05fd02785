//! Models from the hub, by way of its cache.
//!
//! # How it works
//! `lookup` looks for a model in the `cache`; one that is whole there needs no request. Otherwise it asks the hub through
//! `client`: the first answer pins the revision to a commit, and only what a model needs is asked for (config.json, the
//! tokenizer's files, and model.safetensors or the shards that its index names; of a `gguf` model its parts). `download` fetches each file into a
//! `.part` file, resumes what an earlier call has left, and checks it by `checksum`.
//!
//! `settings` reads the environment as Python's `huggingface_hub` does, with `proxy`, `token` and `trust`. `wait` keeps
//! requests cancellable and retries them. `failure` says what a server answered, `error` what the user reads;
//! `explain` makes the one of the other.

mod address;
mod answer;
mod asked;
mod cache;
mod checksum;
mod client;
mod connector;
mod download;
mod error;
mod expand;
mod explain;
mod failure;
mod gguf;
mod listing;
mod lookup;
mod proxy;
mod settings;
mod sound;
mod token;
mod trust;
mod wait;

pub use asked::HubModel;
pub use error::HubError;
pub use listing::CachedModel;
pub use proxy::Proxies;
pub use settings::HubSettings;
pub use token::Token;
pub use trust::Trust;

use super::{Adapter, DownloadPlan, ModelFiles, disk};
use crate::model::{Control, ModelError};
use cache::is_read_only;
use lookup::{Found, Lookup};

/// The hub and its cache.
#[derive(Debug, Clone)]
pub struct Hub {
    settings: HubSettings,
}

impl Hub {
    /// With settings from elsewhere than the environment.
    pub fn new(settings: HubSettings) -> Self {
        Self { settings }
    }

    /// As the environment says; see [`HubSettings::from_env`].
    ///
    /// # Errors
    /// If there is no place for a cache.
    pub fn from_env(offline: bool) -> Result<Self, ModelError> {
        let lookup = |name: &str| match std::env::var(name) {
            Ok(value) => Some(value),
            // As Python does, which asks the system's list of users where HOME doesn't say.
            Err(_) if name == "HOME" => std::env::home_dir()?.into_os_string().into_string().ok(),
            Err(_) => None,
        };
        let mut settings = HubSettings::from_env(lookup)?;
        settings.offline |= offline;
        Ok(Self::new(settings))
    }

    /// The files of a model, downloading what is missing, up to `limit` bytes. Resumes what an earlier call has left.
    ///
    /// # Errors
    /// If the model isn't there, can't be had, is larger than the limit or the disk, or `control` was cancelled.
    pub fn locate(
        &self,
        model: HubModel<'_>,
        limit: u64,
        control: &mut Control<'_>,
    ) -> Result<ModelFiles, ModelError> {
        control.cancel.check()?;
        let lookup = Lookup::new(&self.settings, model);
        match lookup.find(control)? {
            Found::Here(files) => Ok(files),
            Found::OnHub(survey) => match lookup.download(&survey, limit, control) {
                // What is missing can't be written, but what is here will do.
                Err(ModelError::Io { source, .. })
                    if is_read_only(&source) && lookup.cached(true).is_ok() =>
                {
                    lookup.cached(true).map_err(|lack| lookup.not_here(lack))
                }
                done => done,
            },
        }
    }

    /// An adapter, downloading what is missing, up to `limit` bytes.
    ///
    /// # Errors
    /// As [`locate`](Self::locate), or if it is none.
    pub fn locate_adapter(
        &self,
        model: HubModel<'_>,
        limit: u64,
        control: &mut Control<'_>,
    ) -> Result<Adapter, ModelError> {
        control.cancel.check()?;
        Lookup::new(&self.settings, model).adapter(limit, control)
    }

    /// What [`Hub::locate`] would download. Fetches sizes and, if the model is sharded, the list of shards.
    ///
    /// # Errors
    /// If the model isn't there or can't be had, or `control` was cancelled.
    pub fn plan(&self, model: HubModel<'_>, control: &mut Control<'_>) -> Result<DownloadPlan, ModelError> {
        let lookup = Lookup::new(&self.settings, model);
        match lookup.find(control)? {
            Found::Here(files) => DownloadPlan::of_present(&files, &self.settings.cache),
            Found::OnHub(survey) => Ok(DownloadPlan {
                missing_bytes: lookup.missing_bytes(&survey),
                files: survey.files.into_iter().map(|file| (file.name, file.size)).collect(),
                cache_dir: self.settings.cache.clone(),
                free_disk_bytes: disk::free_bytes(&self.settings.cache),
            }),
        }
    }

    /// The models that the cache holds, by name.
    pub fn cached(&self) -> Vec<CachedModel> {
        listing::models(&self.settings.cache)
    }
}
