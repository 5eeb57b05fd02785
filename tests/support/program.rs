//! The program, run as users run it, in a home of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A home without settings and without a cache.
pub struct Home {
    pub folder: TempDir,
}

/// What a run has left.
pub struct Ended {
    pub code: i32,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Home {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program, on the CPU, without a network, and without a terminal.
    pub fn command<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_attnscope"));
        for (name, _) in std::env::vars() {
            let is_proxy = name.to_ascii_uppercase().ends_with("_PROXY");
            if name.starts_with("ATTNSCOPE_") || name.starts_with("HF_") || is_proxy {
                command.env_remove(name);
            }
        }
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("HOME", self.folder.path())
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_STATE_HOME", self.path("state"))
            .env("HF_HOME", self.path("hub"))
            .env("HF_HUB_OFFLINE", "1")
            .env("ATTNSCOPE_DEVICE", "cpu")
            .stdin(Stdio::null());
        command
    }

    pub fn run<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Ended {
        self.command(arguments).output().unwrap().into()
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let stderr = String::from_utf8(output.stderr).unwrap();
        Self { code: output.status.code().unwrap_or(-1), stdout: output.stdout, stderr }
    }
}

impl Ended {
    /// What was written, after a run without a word of complaint.
    pub fn text(&self) -> &str {
        assert_eq!((self.code, self.stderr.as_str()), (0, ""));
        std::str::from_utf8(&self.stdout).unwrap()
    }

    /// Asserts that it ended with `code`, without data, and one line that has all of `words`.
    pub fn failed(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{}", self.stderr);
        assert!(self.stdout.is_empty(), "wrote {:?}", String::from_utf8_lossy(&self.stdout));
        for word in words {
            assert!(self.stderr.contains(word), "{word:?} is not in {:?}", self.stderr);
        }
        if code == 1 {
            assert_eq!(self.stderr.trim_end().lines().count(), 1, "{:?}", self.stderr);
        }
    }
}

/// The folder of a golden checkpoint.
pub fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// A path as an argument.
pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
