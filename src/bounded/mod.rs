//! Files that somebody else made, within bounds: no more of one is read than makes sense, and no pipe is waited for
//! without an end.

mod pipe;

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::time::Duration;

use pipe::within;

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

#[cfg(test)]
mod tests {
    use std::fs;

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
}
