//! The hub's cache on disk, as Python's `huggingface_hub` lays it out.
//!
//! ```text
//! models--org--name/
//!   refs/main                      the commit that main was
//!   snapshots/<commit>/config.json a link into blobs
//!   blobs/<etag>                   content; <etag>.part while it comes, <etag>.lock while somebody works on it
//!   .no_exist/<commit>/<file>      the hub said that there is no such file
//! ```

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use hf_hub::{Cache, CacheRepo, Repo, RepoType};

use crate::model::files::{Adapter, ModelFile, ModelFiles, folder, io_error};
use crate::model::{ModelError, Reference};

/// One model's part of the cache, at one revision.
pub(super) struct CachedRepository {
    root: PathBuf,
    revision: String,
    layout: CacheRepo,
}

impl CachedRepository {
    pub(super) fn new(cache: &Path, repository: &str, revision: &str) -> Self {
        let repo = Repo::with_revision(repository.to_owned(), RepoType::Model, revision.to_owned());
        let root = cache.join(repo.folder_name());
        Self { root, revision: revision.to_owned(), layout: Cache::new(cache.to_owned()).repo(repo) }
    }

    /// The commit that the revision was when the hub was last asked.
    pub(super) fn commit(&self) -> Option<String> {
        if is_commit(&self.revision) {
            return Some(self.revision.clone());
        }
        let commit = std::fs::read_to_string(self.root.join("refs").join(&self.revision)).ok()?;
        Some(commit.trim().to_owned()).filter(|commit| is_safe_name(commit))
    }

    /// Remembers what the revision is. A commit is what it is and needs no note.
    pub(super) fn set_commit(&self, commit: &str) -> Result<(), ModelError> {
        if commit == self.revision {
            return Ok(());
        }
        self.layout.create_ref(commit).map_err(|source| io_error(&self.root.join("refs"), source))
    }

    /// The model's files at `commit` under the name it was asked for, if all are there. Unless `trusting`, a
    /// missing tokenizer counts only if the hub has said that there is none.
    pub(super) fn whole(&self, commit: &str, name: &str, trusting: bool) -> Option<ModelFiles> {
        let config = self.present(commit, "config.json")?;
        let tokenizer = self.present(commit, "tokenizer.json");
        if tokenizer.is_none() && !trusting && !self.is_absent(commit, "tokenizer.json") {
            return None;
        }
        // A shard that is missing, or an index that can't be read, is to be downloaded again.
        let snapshot = self.layout.pointer_path(commit);
        let weights = folder::named_weights(&snapshot).ok().flatten()?;
        Some(ModelFiles {
            name: name.to_owned(),
            revision: Some(commit.to_owned()),
            config: ModelFile::Path(config),
            tokenizer: tokenizer.map(ModelFile::Path),
            weights: weights.into_iter().map(ModelFile::Path).collect(),
            adapter: Adapter::beside(&snapshot),
        })
    }

    /// The path of a file at `commit`, there or not.
    pub(super) fn path(&self, commit: &str, file: &str) -> PathBuf {
        self.layout.pointer_path(commit).join(file)
    }

    /// The path of a file at `commit` if its content is there.
    pub(super) fn present(&self, commit: &str, file: &str) -> Option<PathBuf> {
        Some(self.path(commit, file)).filter(|path| path.is_file())
    }

    /// Where content is kept.
    pub(super) fn blob(&self, etag: &str) -> PathBuf {
        self.layout.blob_path(etag)
    }

    /// Where content is gathered while it comes; `hf-hub` uses the same name, so either goes on with it.
    pub(super) fn part(&self, etag: &str) -> PathBuf {
        self.blob(etag).with_extension("part")
    }

    /// The file that is locked while content is gathered.
    pub(super) fn lock(&self, etag: &str) -> PathBuf {
        self.blob(etag).with_extension("lock")
    }

    /// Names a blob in the snapshot of `commit`.
    pub(super) fn link(&self, commit: &str, file: &str, etag: &str) -> Result<(), ModelError> {
        let pointer = self.path(commit, file);
        if pointer.is_file() {
            return Ok(());
        }
        let folder = self.layout.pointer_path(commit);
        std::fs::create_dir_all(&folder).map_err(|source| io_error(&folder, source))?;
        // A link that leads nowhere is there, though no file is.
        let _ = std::fs::remove_file(&pointer);
        match link(&self.blob(etag), etag, &pointer) {
            // Two loads of one model at once: the other was quicker.
            Err(_) if pointer.is_file() => Ok(()),
            other => other.map_err(|source| io_error(&pointer, source)),
        }
    }

    /// Remembers that the hub has no such file.
    pub(super) fn set_absent(&self, commit: &str, file: &str) -> Result<(), ModelError> {
        let folder = self.root.join(".no_exist").join(commit);
        std::fs::create_dir_all(&folder)
            .and_then(|()| std::fs::write(folder.join(file), ""))
            .map_err(|source| io_error(&folder, source))
    }

    /// Whether the hub has said that there is no such file.
    pub(super) fn is_absent(&self, commit: &str, file: &str) -> bool {
        self.root.join(".no_exist").join(commit).join(file).exists()
    }
}

/// Relative, so that the cache can be moved.
#[cfg(unix)]
fn link(_blob: &Path, etag: &str, pointer: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(Path::new("../../blobs").join(etag), pointer)
}

/// Symbolic links need a privilege on Windows; hard links don't.
#[cfg(not(unix))]
fn link(blob: &Path, _etag: &str, pointer: &Path) -> std::io::Result<()> {
    std::fs::hard_link(blob, pointer)
}

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
    let root = CachedRepository::new(cache, repository, "main").root;
    let refs = refs(&root.join("refs"), "");
    let revision_of = |commit: &str| {
        let mut named = refs.iter().filter(|(_, known)| known == commit).map(|(name, _)| name);
        named.clone().find(|name| *name == "main").or_else(|| named.next()).cloned()
    };
    names(&root.join("snapshots"))
        .into_iter()
        .filter_map(|commit| {
            let revision = revision_of(&commit).unwrap_or_else(|| commit.clone());
            let cached = CachedRepository::new(cache, repository, &revision);
            cached.present(&commit, "config.json")?;
            let whole = cached.whole(&commit, repository, true);
            let bytes = match &whole {
                Some(files) => bytes_once(files.all().filter_map(|file| match file {
                    ModelFile::Path(path) => Some(path.clone()),
                    ModelFile::Embedded { .. } => None,
                })),
                None => {
                    bytes_once(names(&root.join("snapshots").join(&commit)).into_iter().filter_map(|name| {
                        let wanted = name.ends_with(".safetensors") || name.ends_with(".json");
                        wanted.then(|| cached.path(&commit, &name))
                    }))
                }
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

/// Branches and tags with their commits; a name may have slashes.
fn refs(folder: &Path, prefix: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for name in names(folder) {
        let path = folder.join(&name);
        if path.is_dir() {
            found.extend(refs(&path, &format!("{prefix}{name}/")));
        } else if let Ok(commit) = std::fs::read_to_string(&path) {
            found.push((format!("{prefix}{name}"), commit.trim().to_owned()));
        }
    }
    found
}

fn bytes_once(paths: impl Iterator<Item = PathBuf>) -> u64 {
    let blobs: BTreeSet<PathBuf> = paths.filter_map(|path| path.canonicalize().ok()).collect();
    blobs.iter().filter_map(|blob| std::fs::metadata(blob).ok()).map(|data| data.len()).sum()
}

/// The names in a folder, sorted; none if it can't be read.
fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    names
}

/// What git calls a commit, in full.
pub(super) fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// A name that the hub gave and that becomes one of ours: it must not lead anywhere else.
pub(super) fn is_safe_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 128
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
}
