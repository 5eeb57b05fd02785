//! Pipes: to open one waits for whoever is at its other end, for ever if nobody is.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Opens a file; of a pipe it waits so long for whoever is at the other end.
pub fn within(
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

#[cfg(all(test, unix))]
mod tests {
    use std::io::Write as _;

    use super::super::{create, read};
    use super::*;

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
