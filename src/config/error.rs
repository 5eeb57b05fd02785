//! What can be wrong with settings, each told in one line: where, what, and what to do.

use std::path::{Path, PathBuf};

use super::lines::line_at;
use super::nearest::nearest;
use super::origin::Origin;

/// Why settings could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is there, but cannot be read; or it was named and is not there.
    #[error("{}: {source}: choose a file that can be read with --config", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Not TOML, an unknown key, or a value of the wrong kind.
    #[error("{}:{line}: {message}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong, and what to do.
        message: String,
    },
    /// A variable of the environment holds something that is no such setting.
    #[error("{name}: {message}")]
    Variable {
        /// The name of the variable.
        name: &'static str,
        /// What is wrong, and what to do.
        message: String,
    },
    /// A pair was asked for that nobody has defined.
    #[error("there is no pair '{name}': {advice}")]
    NoSuchPair {
        /// The name that was asked for.
        name: String,
        /// What to do: the names there are.
        advice: String,
    },
    /// A setting that does not go with the others.
    #[error("{origin}{}: {message}", line.map_or_else(String::new, |line| format!(":{line}")))]
    Rejected {
        /// Where it was set.
        origin: Origin,
        /// The line of the file, if it is in one.
        line: Option<usize>,
        /// What is wrong, and what to do.
        message: String,
    },
}

impl ConfigError {
    /// Places an error of the TOML reader in its file.
    pub(super) fn invalid(path: &Path, text: &str, error: &toml::de::Error) -> Self {
        let line = line_at(text, error.span().map_or(0, |span| span.start));
        Self::Invalid { path: path.to_owned(), line, message: explain(error) }
    }
}

/// The TOML reader's message on one line; for an unknown key, with the known one nearest to it.
pub(super) fn explain(error: &toml::de::Error) -> String {
    let message = error.message();
    // "unknown field `a`, expected one of `b`, `c`"
    let mut quoted = message.split('`').skip(1).step_by(2);
    match quoted.next() {
        Some(key) if message.starts_with("unknown field") => {
            let known: Vec<&str> = quoted.collect();
            match nearest(key, &known) {
                Some(name) => format!("unknown key '{key}': did you mean '{name}'?"),
                None => format!("unknown key '{key}': the keys here are {}", known.join(", ")),
            }
        }
        _ => message.trim().replace('\n', " "),
    }
}
