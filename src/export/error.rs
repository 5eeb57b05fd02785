//! Why an export failed.

use std::io;
use std::path::{Path, PathBuf};

use crate::attention::{EXACT_TOKENS, NoSuchView, NotCompared};

/// Why an export failed.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The model has no such layer or head.
    #[error(transparent)]
    View(#[from] NoSuchView),
    /// Rollout is known token by token up to a length.
    #[error(
        "rollout of {0} tokens is not known token by token: shorten the prompt to {EXACT_TOKENS}, or fewer"
    )]
    LongRollout(usize),
    /// A difference is of two.
    #[error("a difference is of two models: name a second one")]
    OneModel,
    /// A difference is of one matrix of each.
    #[error("a difference is of one matrix of each model: choose a view other than all")]
    DifferenceOfAll,
    /// What is to be exported can't be in such a file, or the model hasn't got it: what, why, what to do.
    #[error("{0}")]
    Unfit(String),
    /// The prompt is too long to be compared piece by piece, or two prompts share nothing.
    #[error(transparent)]
    Compared(#[from] NotCompared),
    /// There is no memory for so many pixels.
    #[error("{0} × {1} pixels are too many: choose a smaller scale")]
    TooLarge(u32, u32),
    /// A figure could not be made a bitmap of: a defect of this program.
    #[error("internal error: {0}: please report it")]
    Draw(String),
    /// The recipe names no format.
    #[error("nothing says as what this is to be written: name a format")]
    NoFormat,
    /// What is written to refuses.
    #[error("cannot write: {0}")]
    Write(#[from] io::Error),
    /// The file cannot be made or replaced.
    #[error("{}: {source}: choose another place", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A folder stands where the file should.
    #[error("{}: is a folder: name a file in it, or choose another place", .0.display())]
    Folder(PathBuf),
    /// What was named ends like a folder, or is nothing.
    #[error("'{}': a file needs a name: add one", .0.display())]
    NoName(PathBuf),
    /// The file that is there may not be written to.
    #[error("{}: is read-only, and stays as it is: make it writable, or choose another place", .0.display())]
    ReadOnly(PathBuf),
    /// The file that is there would belong to somebody else if it were replaced.
    #[error(
        "{}: belongs to another user or group, and a new file in its place would not: remove it, or choose another \
         place",
        .0.display()
    )]
    Owner(PathBuf),
    /// A link whose target is not there.
    #[error("{}: is a link to nothing, and stays as it is: remove it, or choose another place", .0.display())]
    BrokenLink(PathBuf),
    /// The folder of the file is not there.
    #[error("{}: there is no such folder: create it, or choose another place", .0.display())]
    NoFolder(PathBuf),
}

impl ExportError {
    /// The error of a writer, with the file that it writes. A closed pipe is no error of a file.
    #[must_use]
    pub fn at(self, path: Option<&Path>) -> Self {
        match (self, path) {
            (Self::Write(source), Some(path)) if source.kind() != io::ErrorKind::BrokenPipe => {
                Self::File { path: path.to_owned(), source }
            }
            (error, _) => error,
        }
    }
}
