//! Where an export goes: standard output, or a file that is there in full or not at all.

use std::collections::BTreeSet;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, BufWriter, StdoutLock, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::NamedTempFile;

use super::error::ExportError;
use crate::bounded;

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

/// What the names of files begin with that are half written.
pub const HALF_WRITTEN: &str = ".attnscope-";

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
        /// Its place among those that are half written.
        unfinished: Unfinished,
    },
    /// A pipe or a device that is there already.
    Special {
        /// What is written to.
        file: BufWriter<File>,
        /// Where it is.
        path: PathBuf,
    },
}

impl Destination {
    /// Opens `path`; `-` is standard output. A file that is there is replaced at the end, and keeps its mode and its
    /// owner.
    ///
    /// # Errors
    /// If its folder is missing, nothing can be written there, or what is there is not to be replaced: a folder, a file
    /// that is read-only or that would change its owner, a link to nothing.
    pub fn open(path: &Path) -> Result<Self, ExportError> {
        if path == Path::new("-") {
            return Ok(Self::Stdout(BufWriter::new(io::stdout().lock())));
        }
        let failed = |source| ExportError::File { path: path.to_owned(), source };
        let named = path;
        let path = through_links(path)?;
        let there = match fs::metadata(&path) {
            Ok(there) if there.is_dir() => return Err(ExportError::Folder(named.to_owned())),
            Ok(there) if !there.is_file() => {
                let file = BufWriter::new(bounded::create(&path).map_err(failed)?);
                return Ok(Self::Special { file, path });
            }
            Ok(there) => Some(there),
            Err(_) => None,
        };
        if let Some(there) = &there {
            check_writable(named, there)?;
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !folder.is_dir() {
            return Err(ExportError::NoFolder(folder.to_owned()));
        }
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = builder.prefix(HALF_WRITTEN).tempfile_in(folder).map_err(failed)?;
        let unfinished = Unfinished::new(file.path());
        if let Some(there) = &there {
            keep(file.as_file(), there).map_err(|_| ExportError::Owner(named.to_owned()))?;
        }
        Ok(Self::File { file: BufWriter::new(file), path, unfinished })
    }

    /// Where it is; nothing for standard output.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File { path, .. } | Self::Special { path, .. } => Some(path),
            Self::Stdout(_) => None,
        }
    }

    /// Writes out what is pending and puts a file in its place.
    ///
    /// # Errors
    /// If the disk is full, the pipe is closed or the file cannot be replaced.
    pub fn finish(self) -> Result<(), ExportError> {
        match self {
            Self::Stdout(mut out) => out.flush()?,
            Self::Special { mut file, path } => {
                file.flush().map_err(|error| ExportError::Write(error).at(Some(&path)))?;
            }
            Self::File { file, path, unfinished } => {
                let failed = |source| ExportError::File { path: path.clone(), source };
                let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
                file.persist(&path).map_err(|error| failed(error.error))?;
                drop(unfinished);
            }
        }
        Ok(())
    }
}

/// What a path leads to, so that links stay and their target is replaced.
fn through_links(path: &Path) -> Result<PathBuf, ExportError> {
    let is_folder = path.as_os_str().as_encoded_bytes().ends_with(b"/");
    match fs::canonicalize(path) {
        Ok(found) => Ok(found),
        Err(_) if path.is_symlink() => Err(ExportError::BrokenLink(path.to_owned())),
        Err(_) if path.file_name().is_none() || is_folder => Err(ExportError::NoName(path.to_owned())),
        Err(_) => Ok(path.to_owned()),
    }
}

/// Refuses a file that nobody is to write to. Whoever may write to everything is refused, too.
fn check_writable(path: &Path, there: &Metadata) -> Result<(), ExportError> {
    let opened = OpenOptions::new().write(true).open(path);
    match opened {
        _ if there.permissions().readonly() => Err(ExportError::ReadOnly(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Err(ExportError::ReadOnly(path.to_owned()))
        }
        Err(source) => Err(ExportError::File { path: path.to_owned(), source }),
        Ok(_) => Ok(()),
    }
}

/// Gives a new file the mode and the owner of the one that it replaces.
#[cfg(unix)]
fn keep(file: &File, there: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, fchown};
    let new = file.metadata()?;
    if (new.uid(), new.gid()) != (there.uid(), there.gid()) {
        fchown(file, Some(there.uid()), Some(there.gid()))?;
    }
    file.set_permissions(there.permissions())
}

#[cfg(not(unix))]
fn keep(_: &File, _: &Metadata) -> io::Result<()> {
    Ok(())
}

/// The files that are half written.
static UNFINISHED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// A file that is half written, as long as this lives.
#[derive(Debug)]
pub struct Unfinished(PathBuf);

impl Unfinished {
    fn new(path: &Path) -> Self {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        lock().insert(path.clone());
        Self(path)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        lock().remove(&self.0);
    }
}

fn lock() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes what is half written, for a process that ends without returning: a signal told it to.
pub fn remove_unfinished() {
    for path in lock().iter() {
        // Nobody is left who could be told.
        let _ = fs::remove_file(path);
    }
}

impl Write for Destination {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(out) => out.write(bytes),
            Self::File { file, .. } => file.write(bytes),
            Self::Special { file, .. } => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(out) => out.flush(),
            Self::File { file, .. } => file.flush(),
            Self::Special { file, .. } => file.flush(),
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
        assert!(error.contains("is a folder") && error.contains("another place"), "{error}");
        for path in [PathBuf::new(), folder.path().join("new/")] {
            let error = Destination::open(&path).unwrap_err().to_string();
            assert!(error.contains("a file needs a name"), "{error}");
        }
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

    #[cfg(unix)]
    #[test]
    fn what_is_replaced_keeps_its_mode() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        fs::write(&path, "old").unwrap();
        for mode in [0o600, 0o664, 0o4755] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let mut out = Destination::open(&path).unwrap();
            out.write_all(b"new").unwrap();
            out.finish().unwrap();
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, mode);
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_is_not_to_be_replaced_stays() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
        let error = Destination::open(&path).unwrap_err().to_string();
        assert!(error.contains("a.csv: is read-only"), "{error}");

        let link = folder.path().join("link");
        std::os::unix::fs::symlink("nowhere", &link).unwrap();
        let error = Destination::open(&link).unwrap_err().to_string();
        assert!(error.contains("link: is a link to nothing"), "{error}");
        assert!(link.is_symlink());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn what_is_half_written_is_known_until_it_is_there_or_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let there = || lock().iter().filter(|path| path.starts_with(folder.path())).count();
        let out = Destination::open(&folder.path().join("a.csv")).unwrap();
        assert_eq!(there(), 1);
        drop(out);
        assert_eq!(there(), 0);
        let out = Destination::open(&folder.path().join("a.csv")).unwrap();
        out.finish().unwrap();
        assert_eq!(there(), 0);
    }
}
