//! What a download takes, as it is told beforehand, and from which size on it must be agreed to.

use std::path::{Path, PathBuf};

use super::ModelFiles;
use super::disk;
use crate::model::ModelError;
use crate::vocabulary::human_bytes;

/// Bytes from which on somebody must agree.
pub(super) const LARGE: u64 = 1_000_000_000;

/// What must be downloaded before a model can be loaded, so that somebody can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DownloadPlan {
    /// The model's files and how many bytes each has.
    pub files: Vec<(String, u64)>,
    /// Bytes that are not here yet; what an interrupted download has left counts as here.
    pub missing_bytes: u64,
    /// Where they would go. The model's own folder (empty for a demo) if nothing is ever downloaded.
    pub cache_dir: PathBuf,
    /// Free space there, if the system tells.
    pub free_disk_bytes: Option<u64>,
}

impl DownloadPlan {
    /// Bytes of all files, here or not.
    pub fn total_bytes(&self) -> u64 {
        self.files.iter().map(|(_, bytes)| *bytes).fold(0, u64::saturating_add)
    }

    /// Whether somebody must agree to it.
    pub fn is_large(&self) -> bool {
        self.missing_bytes >= LARGE
    }

    /// What a download of the model `name` takes, of disk and then of memory. Before the tensors' headers are here,
    /// only the size of the files is known, which is the least that they take: bf16 doubles on a CPU, MXFP4 does not.
    ///
    /// # Errors
    /// If the disk is too full.
    pub fn statement(&self, name: &str, free_memory: Option<u64>) -> Result<String, ModelError> {
        let cache = self.cache_dir.display();
        let missing = human_bytes(self.missing_bytes);
        if let Some(free) = self.free_disk_bytes.filter(|&free| free < self.missing_bytes) {
            let free = human_bytes(free);
            return Err(ModelError::Invalid(format!(
                "{name}: {missing} to download, but {cache} has {free} free: make room, or set HF_HOME to another disk"
            )));
        }
        let of = |free: Option<u64>| {
            free.map_or(String::new(), |bytes| format!(" of {} free", human_bytes(bytes)))
        };
        Ok(format!(
            "{name}: {missing} to download to {cache}{}; takes at least {} of memory{}, more where a CPU widens it to f32",
            of(self.free_disk_bytes),
            human_bytes(self.total_bytes()),
            of(free_memory)
        ))
    }

    pub(super) fn of_present(files: &ModelFiles, folder: &Path) -> Result<Self, ModelError> {
        let sizes = files.all().map(|file| Ok((file.base_name(), file.size()?)));
        Ok(Self {
            files: sizes.collect::<Result<_, ModelError>>()?,
            missing_bytes: 0,
            cache_dir: folder.to_owned(),
            free_disk_bytes: disk::free_bytes(folder),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(missing_bytes: u64, free: u64) -> DownloadPlan {
        DownloadPlan {
            files: vec![("model.safetensors".to_owned(), 13_700_000_000)],
            missing_bytes,
            cache_dir: "/cache".into(),
            free_disk_bytes: Some(free),
        }
    }

    #[test]
    fn gigabytes_must_be_agreed_to() {
        assert!(plan(13_700_000_000, 0).is_large());
        assert!(!plan(550_000_000, 0).is_large());
    }

    #[test]
    fn disk_and_memory_are_stated() {
        let message = plan(13_700_000_000, 50_000_000_000).statement("a/b", Some(24_000_000_000)).unwrap();
        assert_eq!(
            message,
            "a/b: 13.7 GB to download to /cache of 50.0 GB free; takes at least 13.7 GB of memory of 24.0 GB free, more \
             where a CPU widens it to f32"
        );
    }

    #[test]
    fn a_full_disk_is_told_before_anything_is_downloaded() {
        let error = plan(13_700_000_000, 1_000_000_000).statement("a/b", None).unwrap_err();
        assert!(error.to_string().contains("1.0 GB free: make room"));
    }
}
