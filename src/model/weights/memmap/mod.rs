//! Bytes of a model that are looked at where they lie: a mapped file, or the binary itself.
//!
//! A file that somebody cuts or rewrites under its mapping would end the program with SIGBUS, or give wrong numbers
//! in silence. So the file stays open, and before its pages are looked at, and after, [`Watch::check`] asks the
//! system whether it is still what was mapped; and what is cut in between reads as zeros, see `lost`.

#![allow(unsafe_code)]

#[cfg(unix)]
mod lost;

use std::fs::{File, Metadata};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::SystemTime;

use memmap2::{Mmap, UncheckedAdvice};

use crate::model::ModelError;
use crate::model::files::ModelFile;

/// A part of a file; clones share the mapping.
#[derive(Debug, Clone)]
pub struct Bytes {
    whole: Whole,
    range: Range<usize>,
}

#[derive(Debug, Clone)]
enum Whole {
    Mapped(Arc<Mapped>),
    Embedded(&'static [u8]),
    /// Values that were computed: of no file.
    Owned(Arc<Vec<f32>>),
    /// Blocks that were computed.
    Blocks(Arc<Vec<u8>>),
}

#[derive(Debug)]
struct Mapped {
    /// Before the mapping, so that it is dropped before.
    #[cfg(unix)]
    _guard: lost::Guard,
    map: Mmap,
    path: PathBuf,
    file: File,
    was: Version,
}

/// What changes when somebody writes to a file or cuts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Version {
    len: u64,
    modified: Option<SystemTime>,
}

/// The mapped files of a model, as long as anything looks at them.
#[derive(Debug, Clone, Default)]
pub struct Watch {
    files: Vec<Weak<Mapped>>,
}

impl Mapped {
    fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let was = Version::of(&file.metadata()?);
        // SAFETY: the mapping is read-only and private. That nobody cuts or rewrites the file while it is mapped
        // can't be enforced; the hub's cache and every downloader replace files by renaming, which leaves this
        // mapping's pages as they were, and `check` is asked for what others do.
        let map = unsafe { Mmap::map(&file) }?;
        Ok(Self {
            #[cfg(unix)]
            _guard: lost::Guard::new(&map),
            map,
            path: path.to_owned(),
            file,
            was,
        })
    }

    fn check(&self) -> Result<(), ModelError> {
        let io = |source| ModelError::Io { path: self.path.clone(), source };
        let now = Version::of(&self.file.metadata().map_err(io)?);
        if now == self.was && now.len == self.map.len() as u64 {
            return Ok(());
        }
        let what = match now.len.cmp(&self.was.len) {
            std::cmp::Ordering::Less => format!("was cut from {} to {} bytes", self.was.len, now.len),
            _ => "was written to".to_owned(),
        };
        Err(ModelError::Invalid(format!(
            "{}: {what} while it was in use: put the whole file there and load the model again",
            self.path.display()
        )))
    }
}

impl Version {
    fn of(metadata: &Metadata) -> Self {
        // A file system without times tells cut files by their length alone.
        Self { len: metadata.len(), modified: metadata.modified().ok() }
    }
}

impl Watch {
    /// Of the files that `parts` are of.
    pub fn new<'a>(parts: impl IntoIterator<Item = &'a Bytes>) -> Self {
        let mut files: Vec<Weak<Mapped>> = Vec::new();
        for part in parts {
            if let Whole::Mapped(mapped) = &part.whole
                && !files.iter().any(|file| file.as_ptr() == Arc::as_ptr(mapped))
            {
                files.push(Arc::downgrade(mapped));
            }
        }
        Self { files }
    }

    /// Checks that the files are what was mapped. What nothing looks at any more is not asked for.
    ///
    /// # Errors
    /// If one was cut or written to.
    pub fn check(&self) -> Result<(), ModelError> {
        self.files.iter().filter_map(Weak::upgrade).try_for_each(|mapped| mapped.check())
    }
}

impl Bytes {
    /// A whole file.
    ///
    /// # Errors
    /// If it can't be opened or mapped.
    pub fn open(file: &ModelFile) -> Result<Self, ModelError> {
        let whole = match file {
            ModelFile::Embedded { bytes, .. } => Whole::Embedded(bytes),
            ModelFile::Path(path) => {
                let io = |source| ModelError::Io { path: path.clone(), source };
                Whole::Mapped(Arc::new(Mapped::open(path).map_err(io)?))
            }
        };
        let len = match &whole {
            Whole::Mapped(mapped) => mapped.map.len(),
            Whole::Embedded(bytes) => bytes.len(),
            Whole::Owned(values) => 4 * values.len(),
            Whole::Blocks(blocks) => blocks.len(),
        };
        Ok(Self { whole, range: 0..len })
    }

    /// Values that are in no file.
    pub fn owned(values: Vec<f32>) -> Self {
        let range = 0..4 * values.len();
        Self { whole: Whole::Owned(Arc::new(values)), range }
    }

    /// Blocks that are in no file.
    pub fn owned_blocks(blocks: Vec<u8>) -> Self {
        let range = 0..blocks.len();
        Self { whole: Whole::Blocks(Arc::new(blocks)), range }
    }

    /// Checks that the file is what was mapped; to be asked before its bytes are looked at.
    ///
    /// # Errors
    /// If it was cut or written to.
    pub fn check(&self) -> Result<(), ModelError> {
        match &self.whole {
            Whole::Mapped(mapped) => mapped.check(),
            Whole::Embedded(_) | Whole::Owned(_) | Whole::Blocks(_) => Ok(()),
        }
    }

    /// A part of this part.
    ///
    /// # Panics
    /// If it is not inside.
    pub fn slice(&self, range: Range<usize>) -> Self {
        assert!(range.start <= range.end && range.end <= self.range.len(), "a part lies inside its whole");
        let start = self.range.start;
        Self { whole: self.whole.clone(), range: start + range.start..start + range.end }
    }

    /// What lies there.
    pub fn as_slice(&self) -> &[u8] {
        match &self.whole {
            Whole::Mapped(mapped) => &mapped.map[self.range.clone()],
            Whole::Embedded(bytes) => &bytes[self.range.clone()],
            Whole::Blocks(blocks) => &blocks[self.range.clone()],
            Whole::Owned(values) => &bytemuck::cast_slice(values.as_slice())[self.range.clone()],
        }
    }

    /// Lets go of the pages in memory; looked at again, they come back from the file.
    pub fn release(&self) {
        #[cfg(unix)]
        if let Whole::Mapped(mapped) = &self.whole {
            // SAFETY: the mapping is of a file and never written to, so that what is dropped is in the file.
            let released = unsafe {
                mapped.map.unchecked_advise_range(
                    UncheckedAdvice::DontNeed,
                    self.range.start,
                    self.range.len(),
                )
            };
            if let Err(error) = released {
                tracing::debug!(%error, "pages kept");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapped(folder: &Path) -> (PathBuf, Bytes) {
        let path = folder.join("model.safetensors");
        std::fs::write(&path, vec![7; 20_000]).unwrap();
        (path.clone(), Bytes::open(&ModelFile::Path(path)).unwrap())
    }

    #[test]
    fn a_file_that_is_cut_or_written_to_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let (path, bytes) = mapped(folder.path());
        let part = bytes.slice(5..9);
        let watch = Watch::new([&bytes, &part]);
        assert_eq!(watch.files.len(), 1);
        watch.check().unwrap();
        File::options().write(true).open(&path).unwrap().set_len(100).unwrap();
        for found in [watch.check(), bytes.check(), part.check()] {
            let message = found.unwrap_err().to_string();
            assert!(message.contains("model.safetensors: was cut from 20000 to 100 bytes"), "{message}");
        }
        let (path, bytes) = mapped(folder.path());
        File::options().append(true).open(&path).unwrap().set_len(30_000).unwrap();
        assert!(bytes.check().unwrap_err().to_string().contains("was written to"));
        let (path, bytes) = mapped(folder.path());
        let file = File::options().write(true).open(&path).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        assert!(bytes.check().is_err(), "the same length, written at another time");
    }

    #[cfg(unix)]
    #[test]
    fn what_a_file_has_lost_reads_as_zeros() {
        let folder = tempfile::tempdir().unwrap();
        let (path, bytes) = mapped(folder.path());
        let (_, other) = mapped(&{
            std::fs::create_dir(folder.path().join("other")).unwrap();
            folder.path().join("other")
        });
        File::options().write(true).open(&path).unwrap().set_len(1).unwrap();
        // The first page is still there, and its rest is what the system fills it with.
        assert_eq!(bytes.as_slice()[0], 7);
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let bytes = bytes.clone();
                std::thread::spawn(move || bytes.as_slice().iter().map(|byte| u64::from(*byte)).sum::<u64>())
            })
            .collect();
        assert!(threads.into_iter().all(|sum| sum.join().unwrap() == 7));
        assert!(bytes.check().is_err());
        assert_eq!(other.as_slice().iter().filter(|byte| **byte == 7).count(), 20_000);
        other.check().unwrap();
    }

    #[test]
    fn a_file_that_is_replaced_or_removed_is_still_there() {
        let folder = tempfile::tempdir().unwrap();
        let (path, bytes) = mapped(folder.path());
        std::fs::write(folder.path().join("new"), "else").unwrap();
        std::fs::rename(folder.path().join("new"), &path).unwrap();
        bytes.check().unwrap();
        std::fs::remove_file(&path).unwrap();
        bytes.check().unwrap();
        assert_eq!(bytes.as_slice(), vec![7; 20_000]);
    }

    #[test]
    fn what_nothing_looks_at_may_change() {
        let folder = tempfile::tempdir().unwrap();
        let (path, bytes) = mapped(folder.path());
        let watch = Watch::new([&bytes]);
        drop(bytes);
        std::fs::write(path, "else").unwrap();
        watch.check().unwrap();
    }
}
