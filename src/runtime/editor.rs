//! The prompt in another program's hands: `$VISUAL` or `$EDITOR`, in this terminal, on a private file.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use super::signals::{Signal, Signals};
use crate::app::{LONGEST_PROMPT, too_long};
use crate::bounded;
use crate::terminal::{Patience, Session};

/// What is edited with where nothing is named.
const DEFAULT: &str = if cfg!(windows) { "notepad" } else { "vi" };

/// How it ended.
pub enum Ended {
    /// The text as it is now, or why there is none.
    Text(Result<String, String>),
    /// Meanwhile this process was told to end: the number of the signal.
    Signal(u8),
}

/// Gives the terminal to the program, waits until it has ended, takes the terminal again, and reads what the program
/// has written. If that can't be taken, it stays in its file, which is named.
///
/// # Errors
/// If the terminal went away.
pub async fn edit(text: &str, session: &mut Session, signals: &mut Signals) -> io::Result<Ended> {
    let editor = named(|name| env::var_os(name));
    let (folder, path) = match written(text) {
        Ok(written) => written,
        Err(error) => return Ok(Ended::Text(Err(format!("the prompt can't be written to a file: {error}")))),
    };
    session.lend(Patience::Orderly);
    // Ctrl-C in the program is about that.
    signals.spare_interrupts(true);
    let mut command = command(&editor, &path);
    let mut running = tokio::task::spawn_blocking(move || command.status());
    let status = loop {
        tokio::select! {
            status = &mut running => break status.unwrap_or_else(|error| Err(io::Error::other(error))),
            signal = signals.next() => match signal {
                Signal::End(number) => return Ok(Ended::Signal(number)),
                // It has stopped, and its shell is to have the terminal.
                Signal::Stop => session.stop()?,
                Signal::Continued | Signal::Resized => {}
            },
        }
    };
    signals.spare_interrupts(false);
    session.enter()?;
    let name = editor.to_string_lossy().into_owned();
    let found = ended(status, &name).and_then(|()| read(&path, text));
    Ok(Ended::Text(found.map_err(|why| {
        let is_changed = fs::read(&path).is_ok_and(|now| now != text.as_bytes());
        match is_changed {
            true => format!("{why}: what was written is kept in {}", folder.keep().join(FILE).display()),
            false => why,
        }
    })))
}

/// The name of the file.
const FILE: &str = "prompt.txt";

/// The program: what one says that a line is to be edited with, else the other, else what every system has.
fn named(variable: impl Fn(&str) -> Option<OsString>) -> OsString {
    let set = |name| variable(name).filter(|value| !value.is_empty());
    set("VISUAL").or_else(|| set("EDITOR")).unwrap_or_else(|| DEFAULT.into())
}

/// A text in a file of a folder of its own, which nobody else may look into: what an editor puts beside it goes with it.
fn written(text: &str) -> io::Result<(tempfile::TempDir, PathBuf)> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    let folder = builder.prefix("attnscope-").tempdir()?;
    let path = folder.path().join(FILE);
    fs::write(&path, text)?;
    Ok((folder, path))
}

/// The program as a shell would run it: it may have options.
#[cfg(unix)]
fn command(editor: &OsStr, path: &Path) -> Command {
    // What Ctrl-C does is the program's affair, and not that of the shell that waits for it.
    let mut line = OsString::from("trap : INT QUIT; ");
    line.push(editor);
    line.push(" \"$@\"");
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(line).arg(editor).arg(path);
    command
}

#[cfg(not(unix))]
fn command(editor: &OsStr, path: &Path) -> Command {
    let text = editor.to_string_lossy();
    let mut words = text.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or(DEFAULT));
    command.args(words).arg(path);
    command
}

/// Why nothing is taken from a program that ended like this, if so.
fn ended(status: io::Result<ExitStatus>, name: &str) -> Result<(), String> {
    const NOT_FOUND: i32 = 127;
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) if status.code() == Some(NOT_FOUND) => {
            Err(format!("{name} was not found: set $VISUAL or $EDITOR to an editor"))
        }
        Ok(status) => Err(format!("{name} ended with {status}: the prompt stays as it was")),
        Err(error) => Err(format!("{name} can't be run: {error}")),
    }
}

/// What is in the file now. The line end that editors put behind a last line that has none is left out.
fn read(path: &Path, before: &str) -> Result<String, String> {
    let text = bounded::read_text(path, LONGEST_PROMPT as u64 + 1).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => "what the editor wrote is no UTF-8".to_owned(),
        io::ErrorKind::FileTooLarge => format!("what the editor wrote is {}", too_long(LONGEST_PROMPT)),
        _ => format!("what the editor wrote can't be read: {error}"),
    })?;
    let text = match text.strip_suffix('\n') {
        Some(shorter) if !before.ends_with('\n') => shorter.strip_suffix('\r').unwrap_or(shorter).to_owned(),
        _ => text,
    };
    if text.len() > LONGEST_PROMPT {
        return Err(format!("what the editor wrote is {}", too_long(LONGEST_PROMPT)));
    }
    Ok(text)
}

/// The text of the file that the first prompt came from, as it is now; on one line, why it can't be read.
pub fn read_again(path: Option<&Path>) -> Result<String, String> {
    let path = path.ok_or("no --prompt-file was given: start with one to read it again")?;
    if path == Path::new("-") {
        return Err("the prompt came from standard input, which can't be read again".to_owned());
    }
    let text = bounded::read_text(path, LONGEST_PROMPT as u64);
    text.map_err(|error| format!("{}: {error}: --prompt-file takes a text file", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visual_goes_before_editor() {
        let named = |visual: &str, editor: &str| {
            let (visual, editor) = (OsString::from(visual), OsString::from(editor));
            named(move |name| Some(if name == "VISUAL" { visual.clone() } else { editor.clone() }))
        };
        assert_eq!(
            (named("a -x", "b"), named("", "b"), named("", "")),
            ("a -x".into(), "b".into(), DEFAULT.into())
        );
    }

    #[test]
    fn a_file_is_taken_as_it_is_but_for_the_last_line_end() {
        let (folder, path) = written("one").unwrap();
        let after = |bytes: &[u8], before: &str| {
            fs::write(&path, bytes).unwrap();
            read(&path, before)
        };
        assert_eq!(after(b"one\ntwo\n", "one").unwrap(), "one\ntwo");
        assert_eq!(after(b"one\r\ntwo\r\n", "one").unwrap(), "one\r\ntwo", "line ends stay what they are");
        assert_eq!(after(b"one\n", "one\n").unwrap(), "one\n");
        assert_eq!(after(b"\n\n", "one").unwrap(), "\n");
        assert_eq!(after(b"\xff", "").unwrap_err(), "what the editor wrote is no UTF-8");
        assert!(after(&vec![b'x'; LONGEST_PROMPT + 1], "").unwrap_err().contains("too long: 1 MB at most"));
        assert_eq!(
            after(&[&vec![b'x'; LONGEST_PROMPT][..], b"\n"].concat(), "").unwrap().len(),
            LONGEST_PROMPT
        );
        fs::remove_file(&path).unwrap();
        assert!(read(&path, "").unwrap_err().starts_with("what the editor wrote can't be read: "));
        drop(folder);
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_private_and_goes() {
        use std::os::unix::fs::PermissionsExt as _;
        let (folder, path) = written("a secret").unwrap();
        assert_eq!(fs::metadata(folder.path()).unwrap().permissions().mode() & 0o777, 0o700);
        drop(folder);
        assert!(!path.exists());
    }

    #[cfg(unix)]
    #[test]
    fn programs_may_have_options_and_how_they_end_is_told() {
        let path = Path::new("a b");
        let ends = |editor: &str| ended(command(OsStr::new(editor), path).status(), editor);
        assert_eq!(ends("test 'a b' ="), Ok(()), "the file is one word");
        assert_eq!(
            ends("exit 3;"),
            Err("exit 3; ended with exit status: 3: the prompt stays as it was".to_owned())
        );
    }

    #[test]
    fn what_cannot_be_read_again_is_told() {
        assert!(read_again(None).unwrap_err().starts_with("no --prompt-file was given"));
        assert!(read_again(Some(Path::new("-"))).unwrap_err().contains("standard input"));
        let error = read_again(Some(Path::new("/nowhere/at/all"))).unwrap_err();
        assert!(error.starts_with("/nowhere/at/all: ") && error.ends_with("--prompt-file takes a text file"));
    }
}
