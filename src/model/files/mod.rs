//! From a reference to the files of a model.

mod adapter;
mod consent;
mod disk;
mod embedded;
mod folder;
mod foreign;
pub mod hub;
mod index;
mod plan;
mod tokenizer;

use std::borrow::Cow;
use std::path::{Path, PathBuf};

pub use adapter::{ADAPTER_CONFIG, Adapter};
pub use consent::Consent;
pub use disk::human_bytes;
pub use foreign::{foreign, pointer};
pub use hub::{CachedModel, Hub, HubError, HubSettings};
pub use plan::DownloadPlan;
pub use tokenizer::{TOKENIZER_JSON, TokenizerFiles};

use super::{Cancel, Control, ModelError, Reference};
use crate::bounded;

/// Bytes of a config.json and its like, at most: with the tokens that Gemma adds, they have a million.
pub const LONGEST_CONFIG: u64 = 8 << 20;
/// Bytes of a file of a tokenizer, or of an index of shards, at most. Vocabularies of 256,000 take 34 MB.
pub const LONGEST_TOKENIZER: u64 = 40 << 20;

/// One file of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelFile {
    /// On disk.
    Path(PathBuf),
    /// In the binary.
    Embedded {
        /// For messages: `demo:gpt2/config.json`.
        name: &'static str,
        /// Its content.
        bytes: &'static [u8],
    },
}

impl ModelFile {
    /// For messages.
    pub fn name(&self) -> Cow<'_, str> {
        match self {
            Self::Path(path) => path.to_string_lossy(),
            Self::Embedded { name, .. } => Cow::Borrowed(name),
        }
    }

    /// Its content, of at most `most` bytes: weights are mapped.
    ///
    /// # Errors
    /// If it can't be read, or is longer.
    pub fn read(&self, most: u64) -> Result<Cow<'static, [u8]>, ModelError> {
        match self {
            Self::Path(path) => {
                bounded::read(path, most).map(Cow::Owned).map_err(|source| unreadable(path, source))
            }
            Self::Embedded { bytes, .. } => Ok(Cow::Borrowed(bytes)),
        }
    }

    /// How many bytes it has.
    ///
    /// # Errors
    /// If it isn't there.
    pub fn size(&self) -> Result<u64, ModelError> {
        match self {
            Self::Path(path) => {
                std::fs::metadata(path).map(|data| data.len()).map_err(|source| io_error(path, source))
            }
            Self::Embedded { bytes, .. } => Ok(bytes.len() as u64),
        }
    }

    /// Files beside it that hold weights in a format that isn't read.
    pub fn other_formats(&self) -> Vec<String> {
        match self {
            Self::Path(path) => path.parent().map(folder::other_formats).unwrap_or_default(),
            Self::Embedded { .. } => Vec::new(),
        }
    }

    /// Its name without the folder.
    fn base_name(&self) -> String {
        let name = self.name();
        name.rsplit(['/', '\\']).next().unwrap_or_default().to_owned()
    }
}

/// The files a model is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFiles {
    /// As it was asked for.
    pub name: String,
    /// The commit, if it came from the hub.
    pub revision: Option<String>,
    /// config.json
    pub config: ModelFile,
    /// What the tokenizer is read from; nothing if there is none.
    pub tokenizer: TokenizerFiles,
    /// The safetensors files; several if sharded.
    pub weights: Vec<ModelFile>,
    /// An adapter beside them, which is not applied.
    pub adapter: Option<Adapter>,
}

impl ModelFiles {
    /// Every file: config, tokenizer, weights.
    pub fn all(&self) -> impl Iterator<Item = &ModelFile> {
        let tokenizer = self.tokenizer.iter().map(|(_, file)| file);
        std::iter::once(&self.config).chain(tokenizer).chain(&self.weights)
    }
}

/// Finds the files of a model and downloads those that are missing, as far as `consent` goes.
///
/// A model that is whole in the hub's cache is taken from there and nobody is asked whether the hub has a newer
/// one: a start is instant and needs no network. With `offline` (or `HF_HUB_OFFLINE`) the hub is never asked.
///
/// # Errors
/// If a file is missing or can't be had, nobody has agreed to so large a download, the disk is too full, or
/// `control` was cancelled.
pub fn locate(
    reference: &Reference,
    offline: bool,
    consent: &Consent,
    control: &mut Control<'_>,
) -> Result<ModelFiles, ModelError> {
    match reference {
        Reference::Demo(demo) => Ok(embedded::files(*demo)),
        Reference::Folder(path) => folder::files(path),
        Reference::Hub { repository, revision } => {
            if let Some(error) = consent.recall(reference).filter(|_| !offline) {
                return Err(error);
            }
            let limit = consent.limit(reference);
            Hub::from_env(offline)?.locate(repository, revision.as_deref(), limit, control)
        }
    }
}

/// The files of a model that is here; nobody is asked for it.
///
/// # Errors
/// If it isn't here whole.
pub fn locate_here(reference: &Reference) -> Result<ModelFiles, ModelError> {
    let mut control = Control { cancel: Cancel::new(), progress: &mut |_| () };
    locate(reference, true, &Consent::default(), &mut control)
}

/// Which files [`locate`] would use, and how much of them it would download. Of an unknown model on the hub this
/// fetches sizes and, if it is sharded, the list of shards.
///
/// # Errors
/// As [`locate`].
pub fn plan(
    reference: &Reference,
    offline: bool,
    control: &mut Control<'_>,
) -> Result<DownloadPlan, ModelError> {
    match reference {
        Reference::Demo(demo) => DownloadPlan::of_present(&embedded::files(*demo), Path::new("")),
        Reference::Folder(path) => DownloadPlan::of_present(&folder::files(path)?, path),
        Reference::Hub { repository, revision } => {
            Hub::from_env(offline)?.plan(repository, revision.as_deref(), control)
        }
    }
}

/// The models in the hub's cache, by name; none if there is no cache.
pub fn cached() -> Vec<CachedModel> {
    Hub::from_env(true).map(|hub| hub.cached()).unwrap_or_default()
}

/// Of a file that is read whole: one that is too long is another file than its name says.
fn unreadable(path: &Path, source: std::io::Error) -> ModelError {
    match source.kind() {
        std::io::ErrorKind::FileTooLarge => {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            ModelError::Invalid(format!(
                "{}: {source}, too long for a {name}: fetch it again",
                path.display()
            ))
        }
        _ => io_error(path, source),
    }
}

fn io_error(path: &Path, source: std::io::Error) -> ModelError {
    ModelError::Io { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DemoModel;

    #[test]
    fn demos_and_folders_are_here_and_nothing_is_missing() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo/gpt2");
        let demo = Reference::Demo(DemoModel::Gpt2);
        let [embedded, on_disk] = [demo, Reference::Folder(folder)].map(|reference| {
            let files = locate_here(&reference).unwrap();
            let mut control = Control { cancel: Cancel::new(), progress: &mut |_| {} };
            let plan = plan(&reference, true, &mut control).unwrap();
            assert_eq!((files.name.as_str(), plan.missing_bytes), (reference.to_string().as_str(), 0));
            let names: Vec<&str> = plan.files.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(names, ["config.json", "tokenizer.json", "model.safetensors"]);
            assert!(plan.total_bytes() > 0);
            files.all().map(|file| file.read(u64::MAX).unwrap().into_owned()).collect::<Vec<_>>()
        });
        assert!(embedded == on_disk, "the demo is the folder");
    }
}
