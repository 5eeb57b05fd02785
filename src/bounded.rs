//! Files that somebody else made, within bounds: no more of one is read than makes sense, and no pipe is waited for
//! without an end.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How long a pipe is waited for that nobody has opened at its other end.
const PATIENCE: Duration = Duration::from_secs(5);

/// Opens a file to read it.
///
/// # Errors
/// If it can't be opened, or is a pipe that nobody writes to.
pub fn open(path: &Path) -> io::Result<File> {
    let open = |path: &Path| File::open(path);
    within(PATIENCE, path, open, "nobody writes to this pipe")
}

/// Opens a file to write it: a new one, or one that is there, without what was in it.
///
/// # Errors
/// If it can't be opened, or is a pipe that nobody reads from.
pub fn create(path: &Path) -> io::Result<File> {
    let create = |path: &Path| File::create(path);
    within(PATIENCE, path, create, "nobody reads from this pipe")
}

/// The content of a file of at most `most` bytes.
///
/// # Errors
/// If it can't be read, or is longer.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    let there = file.metadata()?;
    // Of the system's own files some never end, or wait for news: those have no length, and nothing is read of them.
    let length = if there.is_file() { there.len() } else { u64::MAX };
    let mut bytes = Vec::new();
    file.take(length.min(most.saturating_add(1))).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let most = match most >> 20 {
            0 => format!("{most} bytes"),
            megabytes => format!("{megabytes} MB"),
        };
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("longer than {most}")));
    }
    Ok(bytes)
}

/// The content of a file of at most `most` bytes, which is text.
///
/// # Errors
/// If it can't be read, is longer, or is no UTF-8.
pub fn read_text(path: &Path, most: u64) -> io::Result<String> {
    String::from_utf8(read(path, most)?)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "this is no UTF-8"))
}

/// Opens a file; of a pipe it waits so long for whoever is at the other end.
fn within(
    patience: Duration,
    path: &Path,
    open: fn(&Path) -> io::Result<File>,
    nobody: &str,
) -> io::Result<File> {
    if !is_pipe(path) {
        return open(path);
    }
    let (sender, receiver) = mpsc::channel();
    let pipe = path.to_owned();
    // The system waits for ever, on a thread that nobody waits for.
    thread::Builder::new().name("pipe".into()).spawn(move || sender.send(open(&pipe)))?;
    let nobody = |_| Err(io::Error::new(io::ErrorKind::TimedOut, nobody));
    receiver.recv_timeout(patience).unwrap_or_else(nobody)
}

#[cfg(unix)]
fn is_pipe(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    fs::metadata(path).is_ok_and(|there| there.file_type().is_fifo())
}

#[cfg(not(unix))]
fn is_pipe(path: &Path) -> bool {
    let _ = fs::metadata(path);
    false
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn no_more_is_read_than_there_may_be() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "abc").unwrap();
        assert_eq!(read(&path, 3).unwrap(), b"abc");
        assert_eq!(read_text(&path, u64::MAX).unwrap(), "abc");
        let error = read(&path, 2).unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string()),
            (io::ErrorKind::FileTooLarge, "longer than 2 bytes".into())
        );
        fs::write(&path, b"\xff").unwrap();
        assert_eq!(read_text(&path, 9).unwrap_err().to_string(), "this is no UTF-8");
        assert_eq!(read(&folder.path().join("none"), 9).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_waited_for_and_not_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let soon = Duration::from_millis(20);
        let error = within(soon, &pipe, |path| File::open(path), "nobody").unwrap_err();
        assert_eq!((error.kind(), error.to_string()), (io::ErrorKind::TimedOut, "nobody".into()));
        // Whoever still waits at that pipe is none of this one's ends.
        let pipe = folder.path().join("another");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let writer = pipe.clone();
        let writing = thread::spawn(move || create(&writer)?.write_all(b"a recipe"));
        assert_eq!(read(&pipe, 9).unwrap(), b"a recipe");
        writing.join().unwrap().unwrap();
    }
}
