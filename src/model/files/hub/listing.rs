//! Which models the cache holds.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::cache::{CachedRepository, names};
use crate::model::Reference;
use crate::model::files::ModelFile;

/// A model that the cache holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedModel {
    /// `org/name`
    pub repository: String,
    /// The branch or tag it was downloaded as, else the commit.
    pub revision: String,
    /// Bytes of the files that would be loaded, each blob once.
    pub bytes: u64,
    /// Whether config and weights are all there.
    pub complete: bool,
}

impl CachedModel {
    /// What it is asked for by.
    pub fn reference(&self) -> Reference {
        let revision = (self.revision != "main").then(|| self.revision.clone());
        Reference::Hub { repository: self.repository.clone(), revision }
    }
}

/// The models in `cache` that have at least a config.json, sorted.
pub(super) fn models(cache: &Path) -> Vec<CachedModel> {
    let mut models: Vec<CachedModel> = names(cache)
        .iter()
        .filter_map(|folder| folder.strip_prefix("models--"))
        .flat_map(|folder| snapshots(cache, &folder.replacen("--", "/", 1)))
        .collect();
    models.sort_by(|a, b| (&a.repository, &a.revision).cmp(&(&b.repository, &b.revision)));
    models
}

fn snapshots(cache: &Path, repository: &str) -> Vec<CachedModel> {
    let root = CachedRepository::new(cache, repository, "main");
    let refs = root.refs();
    let revision_of = |commit: &str| {
        let mut named = refs.iter().filter(|(_, known)| known == commit).map(|(name, _)| name);
        named.clone().find(|name| *name == "main").or_else(|| named.next()).cloned()
    };
    root.snapshots()
        .into_iter()
        .filter_map(|commit| {
            let revision = revision_of(&commit).unwrap_or_else(|| commit.clone());
            let cached = CachedRepository::new(cache, repository, &revision);
            cached.has(&commit, "config.json").then_some(())?;
            let whole = cached.whole(&commit, repository, true).ok();
            let bytes = match &whole {
                Some(files) => bytes_once(files.all().filter_map(|file| match file {
                    ModelFile::Path(path) => Some(path.clone()),
                    ModelFile::Embedded { .. } => None,
                })),
                None => bytes_once(cached.files(&commit).into_iter().filter_map(|name| {
                    let wanted = name.ends_with(".safetensors") || name.ends_with(".json");
                    wanted.then(|| cached.path(&commit, &name))
                })),
            };
            Some(CachedModel {
                repository: repository.to_owned(),
                revision,
                bytes,
                complete: whole.is_some(),
            })
        })
        .collect()
}

fn bytes_once(paths: impl Iterator<Item = PathBuf>) -> u64 {
    let blobs: BTreeSet<PathBuf> = paths.filter_map(|path| path.canonicalize().ok()).collect();
    blobs.iter().filter_map(|blob| std::fs::metadata(blob).ok()).map(|data| data.len()).sum()
}
