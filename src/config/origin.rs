//! Where a setting was made.

use std::fmt;
use std::path::PathBuf;

/// Where a setting was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// In the `config.toml` of the binary.
    Embedded,
    /// In the user's file.
    File(PathBuf),
    /// In a variable of the environment.
    Variable(&'static str),
    /// By a flag of the command line.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Embedded => f.write_str("the embedded config.toml"),
            Origin::File(path) => path.display().fmt(f),
            Origin::Variable(name) | Origin::Flag(name) => f.write_str(name),
        }
    }
}
