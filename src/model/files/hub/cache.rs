//! The hub's cache on disk, as Python's `huggingface_hub` lays it out.
//!
//! ```text
//! models--org--name/
//!   refs/main                      the commit that main was
//!   snapshots/<commit>/config.json a link into blobs
//!   blobs/<etag>                   content; <etag>.part while it comes, <etag>.lock while somebody works on it
//!   .no_exist/<commit>/<file>      the hub said that there is no such file
//! ```

use std::io::Write as _;
use std::path::{Path, PathBuf};

use hf_hub::{Cache, CacheRepo, Repo, RepoType};

use super::sound;
use crate::bounded;
use crate::model::ModelError;
use crate::model::files::{
    ADAPTER_CONFIG, Adapter, ModelFile, ModelFiles, TokenizerFiles, folder, gguf, gguf_name,
};

/// Bytes of a note of a commit, at most.
const LONGEST_COMMIT: u64 = 4 << 10;

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
        let commit = bounded::read_text(&self.root.join("refs").join(&self.revision), LONGEST_COMMIT).ok()?;
        Some(commit.trim().to_owned()).filter(|commit| is_safe_name(commit))
    }

    /// Remembers what the revision is. A commit is what it is and needs no note; nor does one need it who may not
    /// write here.
    pub(super) fn set_commit(&self, commit: &str) -> Result<(), ModelError> {
        if commit == self.revision || self.commit().as_deref() == Some(commit) {
            return Ok(());
        }
        let note = self.root.join("refs").join(&self.revision);
        forgive_read_only(replace(&note, commit.as_bytes())).map_err(|source| ModelError::io(&note, source))
    }

    /// The model's files at `commit` under the name it was asked for, if all are there and sound. Unless `trusting`,
    /// a file of a tokenizer that is missing counts only if the hub has said that there is none.
    ///
    /// # Errors
    /// What is wrong with them: one clause that names the file.
    pub(super) fn whole(&self, commit: &str, name: &str, trusting: bool) -> Result<ModelFiles, String> {
        let config =
            self.sound(commit, "config.json").map_err(|problem| match self.ggufs(commit).first() {
                Some(gguf) => format!("{problem}; GGUF files are there: name one of them, as {name}:{gguf}"),
                None => problem,
            })?;
        let tokenizer = TokenizerFiles::gather(|name| match self.sound(commit, name) {
            Ok(path) => Ok(Some(ModelFile::Path(path))),
            Err(problem) if self.is_written(commit, name) => Err(problem),
            Err(_) if trusting || self.is_absent(commit, name) => Ok(None),
            Err(problem) => Err(problem),
        })?;
        let is_known = |name| self.has(commit, name) || self.is_absent(commit, name);
        if !trusting && !is_known(ADAPTER_CONFIG) {
            return Err("whether an adapter is beside the weights is not known".to_owned());
        }
        let snapshot = self.folder(commit);
        let weights = match folder::named_weights(&snapshot) {
            Ok(Some(weights)) => weights,
            Ok(None) => return Err(self.no_weights(commit, name)),
            // A shard that is missing, or an index that can't be read, is to be downloaded again.
            Err(error) => return Err(error.to_string()),
        };
        for weights in &weights {
            let name = weights.file_name().unwrap_or_default().to_string_lossy();
            sound::check(weights).map_err(|problem| format!("{name} is damaged: {problem}"))?;
        }
        Ok(ModelFiles {
            name: name.to_owned(),
            revision: Some(commit.to_owned()),
            config: ModelFile::Path(config),
            tokenizer,
            weights: weights.into_iter().map(ModelFile::Path).collect(),
            adapter: Adapter::beside(&snapshot),
            rounding: None,
        })
    }

    /// The GGUF model of which `file` is one, at `commit`, under the name it was asked for, if all of it is there.
    ///
    /// # Errors
    /// What is wrong with it: one clause that names the file.
    pub(super) fn gguf(&self, commit: &str, name: &str, file: &str) -> Result<ModelFiles, String> {
        let parts = gguf_name::part_names(file).into_iter().map(|part| self.sound(commit, &part));
        let parts = parts.collect::<Result<Vec<PathBuf>, String>>()?;
        Ok(gguf::of_parts(name.to_owned(), Some(commit.to_owned()), parts))
    }

    /// The first file of each GGUF model at `commit`, whole or not, sorted; in a folder, too, as large ones are.
    pub(super) fn ggufs(&self, commit: &str) -> Vec<String> {
        let below = |name: String| match self.path(commit, &name).is_dir() {
            true => names(&self.path(commit, &name)).iter().map(|file| format!("{name}/{file}")).collect(),
            false => vec![name],
        };
        let mut found: Vec<String> = self.files(commit).into_iter().flat_map(below).collect();
        found.retain(|name| gguf_name::is_model(name) && self.is_written(commit, name));
        found.sort();
        found
    }

    /// The adapter that a snapshot holds instead of a model, if one does.
    pub(super) fn adapter_alone(&self) -> Option<Adapter> {
        let snapshots = self.snapshots();
        let commit = snapshots
            .iter()
            .find(|commit| self.has(commit, ADAPTER_CONFIG) && !self.has(commit, "config.json"))?;
        Adapter::beside(&self.folder(commit))
    }

    /// What there is instead of weights that can be read.
    fn no_weights(&self, commit: &str, asked: &str) -> String {
        let files = self.files(commit);
        if let Some(link) = files.iter().find(|name| name.starts_with("model") && !self.has(commit, name)) {
            return format!("{link} is a link to content that is gone");
        }
        if let Some(gguf) = self.ggufs(commit).first() {
            return format!("of its weights only GGUF files are there: name one of them, as {asked}:{gguf}");
        }
        let others = [".bin", ".h5", ".msgpack", ".pt", ".pth"];
        match files.iter().find(|name| others.iter().any(|end| name.ends_with(end))) {
            Some(other) => format!("of its weights only {other} is there, which isn't read"),
            None => "model.safetensors is missing".to_owned(),
        }
    }

    /// The path of a file at `commit`, there or not.
    pub(super) fn path(&self, commit: &str, file: &str) -> PathBuf {
        self.folder(commit).join(file)
    }

    /// The folder of a commit's files.
    pub(super) fn folder(&self, commit: &str) -> PathBuf {
        self.layout.pointer_path(commit)
    }

    /// Whether a file at `commit` has content.
    pub(super) fn has(&self, commit: &str, file: &str) -> bool {
        self.path(commit, file).is_file()
    }

    /// Whether something is there by that name, be it a link that leads nowhere.
    fn is_written(&self, commit: &str, file: &str) -> bool {
        self.path(commit, file).symlink_metadata().is_ok()
    }

    /// The path of a file at `commit` if its content is there and sound; what is wrong with it otherwise.
    pub(super) fn sound(&self, commit: &str, file: &str) -> Result<PathBuf, String> {
        let path = self.path(commit, file);
        if path.is_file() {
            let checked = sound::check(&path);
            return checked.map(|()| path).map_err(|problem| format!("{file} is damaged: {problem}"));
        }
        Err(match self.is_written(commit, file) {
            true => format!("{file} is a link to content that is gone"),
            false => format!("{file} is missing"),
        })
    }

    /// The commits of which there is a snapshot, sorted.
    pub(super) fn snapshots(&self) -> Vec<String> {
        let mut commits = names(&self.root.join("snapshots"));
        commits.retain(|name| is_safe_name(name) && self.layout.pointer_path(name).is_dir());
        commits
    }

    /// The names of what is in a snapshot.
    pub(super) fn files(&self, commit: &str) -> Vec<String> {
        names(&self.layout.pointer_path(commit))
    }

    /// Branches and tags with their commits.
    pub(super) fn refs(&self) -> Vec<(String, String)> {
        refs(&self.root.join("refs"), "")
    }

    /// The model's folder.
    pub(super) fn root(&self) -> &Path {
        &self.root
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
        if self.sound(commit, file).is_ok() {
            return Ok(());
        }
        let folder = pointer.parent().unwrap_or(&pointer);
        std::fs::create_dir_all(folder).map_err(|source| ModelError::io(folder, source))?;
        // A link that leads nowhere is there, though no file is; or a file that is damaged.
        let _ = std::fs::remove_file(&pointer);
        let up = "../".repeat(2 + file.matches('/').count());
        match link(&self.blob(etag), &format!("{up}blobs/{etag}"), &pointer) {
            // Two loads of one model at once: the other was quicker.
            Err(_) if pointer.is_file() => Ok(()),
            other => other.map_err(|source| ModelError::io(&pointer, source)),
        }
    }

    /// Remembers that the hub has no such file.
    pub(super) fn set_absent(&self, commit: &str, file: &str) -> Result<(), ModelError> {
        if self.is_absent(commit, file) {
            return Ok(());
        }
        let folder = self.root.join(".no_exist").join(commit);
        let written = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(folder.join(file), ""));
        forgive_read_only(written).map_err(|source| ModelError::io(&folder, source))
    }

    /// Whether the hub has said that there is no such file.
    pub(super) fn is_absent(&self, commit: &str, file: &str) -> bool {
        self.root.join(".no_exist").join(commit).join(file).exists()
    }
}

/// Whether something failed because it may not be written.
pub(super) fn is_read_only(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::ReadOnlyFilesystem | std::io::ErrorKind::PermissionDenied)
}

/// A note that can't be written where nothing can is not worth an error.
fn forgive_read_only(written: std::io::Result<()>) -> std::io::Result<()> {
    match written {
        Err(error) if is_read_only(&error) => {
            tracing::debug!(%error, "the cache is read-only");
            Ok(())
        }
        other => other,
    }
}

/// Writes a file that others see whole or not at all.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(path);
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// Gives a file on the disk its name, for good: what has one is whole, even if the power fails.
pub(super) fn rename(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::rename(from, to)?;
    // Not every system can write folders out; then the name comes a little later.
    if let Some(Ok(folder)) = to.parent().map(std::fs::File::open) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// Relative, so that the cache can be moved.
#[cfg(unix)]
fn link(_blob: &Path, relative: &str, pointer: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(relative, pointer)
}

/// Symbolic links need a privilege on Windows; hard links don't.
#[cfg(not(unix))]
fn link(blob: &Path, _relative: &str, pointer: &Path) -> std::io::Result<()> {
    std::fs::hard_link(blob, pointer)
}

/// Branches and tags with their commits; a name may have slashes.
fn refs(folder: &Path, prefix: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for name in names(folder) {
        let path = folder.join(&name);
        if path.is_dir() {
            found.extend(refs(&path, &format!("{prefix}{name}/")));
        } else if let Ok(commit) = bounded::read_text(&path, LONGEST_COMMIT) {
            found.push((format!("{prefix}{name}"), commit.trim().to_owned()));
        }
    }
    found
}

/// The names in a folder, sorted; none if it can't be read.
pub(super) fn names(folder: &Path) -> Vec<String> {
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
