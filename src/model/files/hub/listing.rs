//! Which models the cache holds.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::cache::{CachedRepository, names};
use crate::model::Reference;
use crate::model::files::{ModelFile, ModelFiles, gguf_name};

/// A model that the cache holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedModel {
    /// `org/name`
    pub repository: String,
    /// The branch or tag it was downloaded as, else the commit.
    pub revision: String,
    /// The first file of a GGUF model, by its path in the repository.
    pub file: Option<String>,
    /// Bytes of the files that would be loaded, each blob once.
    pub bytes: u64,
    /// Whether config and weights are all there.
    pub complete: bool,
}

impl CachedModel {
    /// What it is asked for by.
    pub fn reference(&self) -> Reference {
        let revision = (self.revision != "main").then(|| self.revision.clone());
        Reference::Hub { repository: self.repository.clone(), revision, file: self.file.clone() }
    }
}

/// The models in `cache` that have at least a config.json or a GGUF file, sorted.
pub(super) fn models(cache: &Path) -> Vec<CachedModel> {
    let mut models: Vec<CachedModel> = names(cache)
        .iter()
        .filter_map(|folder| folder.strip_prefix("models--"))
        .flat_map(|folder| snapshots(cache, &folder.replacen("--", "/", 1)))
        .collect();
    models.sort_by(|a, b| (&a.repository, &a.revision, &a.file).cmp(&(&b.repository, &b.revision, &b.file)));
    models
}

fn snapshots(cache: &Path, repository: &str) -> Vec<CachedModel> {
    let root = CachedRepository::new(cache, repository, "main");
    let refs = root.refs();
    let revision_of = |commit: &str| {
        let mut named = refs.iter().filter(|(_, known)| known == commit).map(|(name, _)| name);
        named.clone().find(|name| *name == "main").or_else(|| named.next()).cloned()
    };
    let listed = |commit: String| {
        let revision = revision_of(&commit).unwrap_or_else(|| commit.clone());
        let cached = CachedRepository::new(cache, repository, &revision);
        let model = |file: Option<String>, bytes, complete| CachedModel {
            repository: repository.to_owned(),
            revision: revision.clone(),
            file,
            bytes,
            complete,
        };
        let mut models = Vec::new();
        if cached.has(&commit, "config.json") {
            let whole = cached.whole(&commit, repository, true).ok();
            let bytes = match &whole {
                Some(files) => bytes_of(files),
                None => bytes_once(cached.files(&commit).into_iter().filter_map(|name| {
                    let wanted = name.ends_with(".safetensors") || name.ends_with(".json");
                    wanted.then(|| cached.path(&commit, &name))
                })),
            };
            models.push(model(None, bytes, whole.is_some()));
        }
        for file in cached.ggufs(&commit) {
            let whole = cached.gguf(&commit, repository, &file).ok();
            let bytes = match &whole {
                Some(files) => bytes_of(files),
                None => {
                    bytes_once(gguf_name::part_names(&file).iter().map(|part| cached.path(&commit, part)))
                }
            };
            models.push(model(Some(file), bytes, whole.is_some()));
        }
        models
    };
    root.snapshots().into_iter().flat_map(listed).collect()
}

/// Bytes of the files of a model.
fn bytes_of(files: &ModelFiles) -> u64 {
    bytes_once(files.all().filter_map(|file| match file {
        ModelFile::Path(path) => Some(path.clone()),
        ModelFile::Embedded { .. } => None,
    }))
}

fn bytes_once(paths: impl Iterator<Item = PathBuf>) -> u64 {
    let blobs: BTreeSet<PathBuf> = paths.filter_map(|path| path.canonicalize().ok()).collect();
    blobs.iter().filter_map(|blob| std::fs::metadata(blob).ok()).map(|data| data.len()).sum()
}
