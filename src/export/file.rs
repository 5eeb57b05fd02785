//! Where an export goes: standard output, or a file that is there in full or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, StdoutLock, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::ExportError;

/// A writer that refuses to go on once it is to stop.
#[derive(Debug)]
pub struct Stoppable<W, F> {
    out: W,
    is_stopped: F,
}

impl<W: Write, F: Fn() -> bool> Stoppable<W, F> {
    /// Writes to `out` until `is_stopped` says so.
    pub fn new(out: W, is_stopped: F) -> Self {
        Self { out, is_stopped }
    }
}

impl<W: Write, F: Fn() -> bool> Write for Stoppable<W, F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if (self.is_stopped)() {
            return Err(io::Error::other("cancelled"));
        }
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// An open place to write an export to. Nothing is kept of it until [`finish`](Self::finish).
#[derive(Debug)]
pub enum Destination {
    /// Standard output.
    Stdout(BufWriter<StdoutLock<'static>>),
    /// A new file beside `path`, which takes its place at the end.
    File {
        /// What is written to.
        file: BufWriter<NamedTempFile>,
        /// What it becomes.
        path: PathBuf,
    },
    /// A pipe or a device that is there already.
    Special(BufWriter<File>),
}

impl Destination {
    /// Opens `path`; `-` is standard output.
    ///
    /// # Errors
    /// If its folder is missing or nothing can be written there.
    pub fn open(path: &Path) -> Result<Self, ExportError> {
        if path == Path::new("-") {
            return Ok(Self::Stdout(BufWriter::new(io::stdout().lock())));
        }
        let failed = |source| ExportError::File { path: path.to_owned(), source };
        // Through links, so that they stay and what they point to is replaced.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if path.exists() && !path.is_file() {
            return Ok(Self::Special(BufWriter::new(File::create(&path).map_err(failed)?)));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !folder.is_dir() {
            return Err(ExportError::NoFolder(folder.to_owned()));
        }
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = builder.prefix(".attnscope-").tempfile_in(folder).map_err(failed)?;
        Ok(Self::File { file: BufWriter::new(file), path })
    }

    /// Writes out what is pending and puts a file in its place.
    ///
    /// # Errors
    /// If the disk is full, the pipe is closed or the file cannot be replaced.
    pub fn finish(self) -> Result<(), ExportError> {
        match self {
            Self::Stdout(mut out) => out.flush()?,
            Self::Special(mut out) => out.flush()?,
            Self::File { file, path } => {
                let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
                file.persist(&path).map_err(|error| ExportError::File { path, source: error.error })?;
            }
        }
        Ok(())
    }
}

impl Write for Destination {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(out) => out.write(bytes),
            Self::File { file, .. } => file.write(bytes),
            Self::Special(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(out) => out.flush(),
            Self::File { file, .. } => file.flush(),
            Self::Special(out) => out.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_whole_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        fs::write(&path, "old").unwrap();
        let mut out = Destination::open(&path).unwrap();
        out.write_all(b"new").unwrap();
        out.flush().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        out.finish().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
    }

    #[test]
    fn an_unfinished_file_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut out = Destination::open(&folder.path().join("a.csv")).unwrap();
        out.write_all(b"half").unwrap();
        drop(out);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn nothing_is_written_after_a_stop() {
        let stop = std::cell::Cell::new(false);
        let mut out = Stoppable::new(Vec::new(), || stop.get());
        out.write_all(b"before").unwrap();
        stop.set(true);
        assert!(out.write_all(b"after").is_err());
        assert_eq!(out.out, b"before");
    }

    #[test]
    fn a_missing_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = Destination::open(&folder.path().join("no/a.csv")).unwrap_err().to_string();
        assert!(error.contains("no: there is no such folder"), "{error}");
        let error = Destination::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains("directory") && error.contains("another place"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn links_stay_and_devices_are_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        fs::write(&target, "old").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let mut out = Destination::open(&link).unwrap();
        out.write_all(b"new").unwrap();
        out.finish().unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&target).unwrap(), "new");

        let mut null = Destination::open(Path::new("/dev/null")).unwrap();
        null.write_all(b"gone").unwrap();
        null.finish().unwrap();
        assert!(!Path::new("/dev/null").is_file());
    }
}
