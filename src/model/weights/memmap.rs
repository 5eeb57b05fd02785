//! Bytes of a model that are looked at where they lie: a mapped file, or the binary itself.

#![allow(unsafe_code)]

use std::fs::File;
use std::ops::Range;
use std::sync::Arc;

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
    Mapped(Arc<Mmap>),
    Embedded(&'static [u8]),
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
                let file = File::open(path).map_err(io)?;
                // SAFETY: the mapping is read-only and private. That nobody truncates or rewrites the file
                // while it is mapped can't be enforced; the hub's cache and every downloader replace files
                // by renaming, which leaves this mapping's pages as they were.
                Whole::Mapped(Arc::new(unsafe { Mmap::map(&file) }.map_err(io)?))
            }
        };
        let len = match &whole {
            Whole::Mapped(map) => map.len(),
            Whole::Embedded(bytes) => bytes.len(),
        };
        Ok(Self { whole, range: 0..len })
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
            Whole::Mapped(map) => &map[self.range.clone()],
            Whole::Embedded(bytes) => &bytes[self.range.clone()],
        }
    }

    /// Lets go of the pages in memory; looked at again, they come back from the file.
    pub fn release(&self) {
        #[cfg(unix)]
        if let Whole::Mapped(map) = &self.whole {
            // SAFETY: the mapping is of a file and never written to, so that what is dropped is in the file.
            let released = unsafe {
                map.unchecked_advise_range(UncheckedAdvice::DontNeed, self.range.start, self.range.len())
            };
            if let Err(error) = released {
                tracing::debug!(%error, "pages kept");
            }
        }
    }
}
