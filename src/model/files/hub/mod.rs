//! Models from the hub, by way of its cache.
//!
//! A model that is whole in the cache is used without a request. Otherwise the revision is pinned to a commit with
//! the first answer, and only what a model needs is asked for: config.json, the tokenizer's files, and
//! model.safetensors or the shards that its index names.

mod cache;
mod client;
mod download;
mod error;
mod lookup;
mod settings;

pub use cache::CachedModel;
pub use error::HubError;
pub use settings::HubSettings;

use super::{DownloadPlan, ModelFiles, disk};
use crate::model::{Cancel, Control, ModelError};
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
        let mut settings = HubSettings::from_env(|name| std::env::var(name).ok())?;
        settings.offline |= offline;
        Ok(Self::new(settings))
    }

    /// The files of a model, downloading what is missing. Resumes what an earlier call has left.
    ///
    /// # Errors
    /// If the model isn't there, can't be had, doesn't fit on the disk, or `control` was cancelled.
    pub fn locate(
        &self,
        repository: &str,
        revision: Option<&str>,
        control: &mut Control<'_>,
    ) -> Result<ModelFiles, ModelError> {
        control.cancel.check()?;
        let lookup = Lookup::new(&self.settings, repository, revision);
        match lookup.find(control)? {
            Found::Here(files) => Ok(files),
            Found::OnHub(client, survey) => lookup.download(&client, &survey, control),
        }
    }

    /// What [`Hub::locate`] would download. Fetches sizes and, if the model is sharded, the list of shards.
    ///
    /// # Errors
    /// If the model isn't there or can't be had.
    pub fn plan(&self, repository: &str, revision: Option<&str>) -> Result<DownloadPlan, ModelError> {
        let lookup = Lookup::new(&self.settings, repository, revision);
        let mut control = Control { cancel: Cancel::new(), progress: &mut |_| {} };
        match lookup.find(&mut control)? {
            Found::Here(files) => DownloadPlan::of_present(&files, &self.settings.cache),
            Found::OnHub(_, survey) => Ok(DownloadPlan {
                missing_bytes: lookup.missing_bytes(&survey),
                files: survey.files.into_iter().map(|file| (file.name, file.size)).collect(),
                cache_dir: self.settings.cache.clone(),
                free_disk_bytes: disk::free_bytes(&self.settings.cache),
            }),
        }
    }

    /// The models that the cache holds, by name.
    pub fn cached(&self) -> Vec<CachedModel> {
        cache::models(&self.settings.cache)
    }
}
