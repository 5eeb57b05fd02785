//! The prompts of earlier runs, on disk: one JSON string a line, for prompts may hold line ends. A viewer
//! without its history is still a viewer: what fails is logged.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write};
use std::path::Path;

use crate::app::History;

/// Bytes of the file's end that are read: the newest prompts.
const MOST_READ: u64 = 64 << 20;

/// The history that a file holds; an empty one if there is none.
pub(super) fn load(path: &Path) -> History {
    let bytes = match read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return History::default(),
        Err(error) => {
            tracing::warn!("cannot read {}: {error}", path.display());
            return History::default();
        }
    };
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    let history = History::new(lines.iter().filter_map(|line| prompt(path, line)));
    if lines.len() > history.prompts().len() {
        rewrite(path, &history).unwrap_or_else(|error| {
            tracing::warn!("cannot shorten {}: {error}", path.display());
        });
    }
    history
}

/// The end of a file; what is no file, as a pipe, has none.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("this is no file"));
    }
    let (mut file, mut bytes) = (File::open(path)?, Vec::new());
    let length = file.metadata()?.len();
    if length > MOST_READ {
        file.seek(SeekFrom::Start(length - MOST_READ))?;
    }
    file.take(MOST_READ).read_to_end(&mut bytes)?;
    if length > MOST_READ {
        // The first line is cut.
        let line_end = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1);
        bytes.drain(..line_end);
    }
    Ok(bytes)
}

/// Adds a prompt to a file, which is made if there is none.
pub(super) fn append(path: &Path, prompt: &str) {
    try_append(path, prompt).unwrap_or_else(|error| {
        tracing::warn!("cannot write to {}: {error}", path.display());
    });
}

fn prompt(path: &Path, line: &[u8]) -> Option<String> {
    serde_json::from_slice(line)
        .inspect_err(|error| tracing::warn!("no prompt in a line of {}: {error}", path.display()))
        .ok()
}

/// In a single write, so that two viewers don't write into each other's lines.
fn try_append(path: &Path, prompt: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    // Whoever reads a pipe may never come.
    if fs::metadata(path).is_ok_and(|data| !data.is_file()) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file"));
    }
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    // As shells keep theirs: prompts are nobody else's business.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(line(prompt)?.as_bytes())
}

/// Replaces a file by what is kept of it, at once: whenever this is interrupted, one of both is there.
fn rewrite(path: &Path, history: &History) -> io::Result<()> {
    // Through a link to what it leads to: the link is the user's.
    let path = &path.canonicalize()?;
    // A file that was made read-only is to stay as it is.
    OpenOptions::new().append(true).open(path)?;
    let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
    for prompt in history.prompts() {
        file.write_all(line(prompt)?.as_bytes())?;
    }
    file.as_file().set_permissions(fs::metadata(path)?.permissions())?;
    file.persist(path)?;
    Ok(())
}

fn line(prompt: &str) -> io::Result<String> {
    Ok(serde_json::to_string(prompt)? + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_loaded_whatever_it_holds() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/attnscope/history");
        assert!(load(&path).prompts().is_empty());
        for prompt in ["one", "two\nlines \"and\" \u{1b} 日本", "two\nlines \"and\" \u{1b} 日本"] {
            append(&path, prompt);
        }
        assert_eq!(load(&path).prompts(), ["one", "two\nlines \"and\" \u{1b} 日本"]);
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 2, "the file is shortened, too");
    }

    #[test]
    fn what_is_no_prompt_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history");
        fs::write(&path, b"\"one\"\nno json\n\xff\n\n17\n\"two\"").unwrap();
        assert_eq!(load(&path).prompts(), ["one", "two"]);
        append(&path, "three");
        assert_eq!(load(&path).prompts(), ["one", "two", "three"]);
    }

    #[test]
    fn the_newest_thousand_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history");
        fs::write(&path, (0..1_003).map(|n| format!("\"{n}\"\n")).collect::<String>()).unwrap();
        let history = load(&path);
        assert_eq!((history.prompts().len(), history.prompts()[0].as_str()), (1_000, "3"));
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 1_000);
    }

    #[test]
    fn a_file_that_cannot_be_is_no_failure() {
        let folder = tempfile::tempdir().unwrap();
        append(folder.path(), "prompt");
        append(&folder.path().join("\0"), "prompt");
        assert!(load(folder.path()).prompts().is_empty());
    }

    #[test]
    #[cfg(unix)]
    fn it_is_written_through_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let [link, target] = ["history", "dotfiles"].map(|name| folder.path().join(name));
        fs::write(&target, "\"a\"\n\"a\"\n\"b\"\n").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert_eq!(load(&link).prompts(), ["a", "b"]);
        append(&link, "c");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&target).unwrap(), "\"a\"\n\"b\"\n\"c\"\n");
    }

    /// A pipe that nobody reads would be waited for.
    #[test]
    #[cfg(unix)]
    fn a_pipe_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history");
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        append(&path, "prompt");
        assert!(load(&path).prompts().is_empty());
    }

    #[test]
    #[cfg(unix)]
    fn nobody_else_reads_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history");
        append(&path, "prompt");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
