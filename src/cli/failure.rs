//! How a command ends that did not work out.

use std::io;

use super::interrupt::INTERRUPTED;
use super::reporter::one_line;
use crate::attention::NoSuchView;
use crate::config::ConfigError;
use crate::export::{ExportError, RecipeError};
use crate::model::ModelError;

/// Why a command stopped.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The command line makes no sense: exit code 2.
    #[error("{0}")]
    Usage(String),
    /// Something went wrong: exit code 1. One sentence: what, where, what to do.
    #[error("{0}")]
    Failed(String),
    /// Somebody pressed Ctrl-C: exit code 130, as a shell expects.
    #[error("interrupted")]
    Interrupted,
    /// Whoever read our output has seen enough: exit code 0.
    #[error("the pipe was closed")]
    ClosedPipe,
    /// A signal ended it, or its terminal went away: the exit code that shells give for that.
    #[error("ended by a signal")]
    Signal(u8),
}

impl Failure {
    /// The process's exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::ClosedPipe => 0,
            Self::Failed(_) => 1,
            Self::Usage(_) => 2,
            Self::Interrupted => INTERRUPTED,
            Self::Signal(code) => *code,
        }
    }

    /// The line for standard error, if there is something to say.
    pub fn message(&self) -> Option<String> {
        match self {
            Self::ClosedPipe | Self::Signal(_) => None,
            Self::Interrupted => Some("interrupted".to_owned()),
            Self::Usage(message) | Self::Failed(message) => Some(one_line(&without_codes(message))),
        }
    }
}

/// A message without the numbers that the system's errors have behind their words: ` (os error 2)`.
fn without_codes(message: &str) -> String {
    let mut parts = message.split(" (os error ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-').len();
        match part[digits..].strip_prefix(')') {
            Some(rest) if digits > 0 => text + rest,
            _ => format!("{text} (os error {part}"),
        }
    })
}

/// What has gone wrong by errors that say all there is to say.
macro_rules! failed {
    ($($error:ty),*) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::Failed(error.to_string())
            }
        })*
    };
}
failed!(ConfigError, RecipeError, NoSuchView);

/// In commands, only Ctrl-C cancels anything.
impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Self {
        match error {
            ModelError::Cancelled => Self::Interrupted,
            error => Self::Failed(error.to_string()),
        }
    }
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Write(error) => error.into(),
            other => Self::Failed(other.to_string()),
        }
    }
}

/// An error of standard output. Errors of files name their file, and are none of these.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::ClosedPipe,
            _ => Self::Failed(format!("cannot write: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_pipe_is_no_error_and_says_nothing() {
        let closed = || io::Error::from(io::ErrorKind::BrokenPipe);
        for failure in [Failure::from(closed()), Failure::from(ExportError::from(closed()))] {
            assert_eq!((failure.exit_code(), failure.message()), (0, None));
        }
    }

    #[test]
    fn a_message_is_one_line() {
        let failure = Failure::Failed("one\ntwo\n".to_owned());
        assert_eq!((failure.exit_code(), failure.message().as_deref()), (1, Some("one two")));
        assert_eq!(Failure::Usage(String::new()).exit_code(), 2);
        assert_eq!(Failure::from(ModelError::Cancelled).exit_code(), 130);
    }
}
