//! What can be wrong with a file that should hold a recipe, and how much of it is read.

use std::io::{self, Read};
use std::path::PathBuf;

use crate::export::recipe::KeyError;
use crate::vocabulary::ExportFormat;

/// Bytes of a file that are read in search of a recipe, and of the recipe itself, unpacked. The longest are those of
/// long prompts, with the tokens of these in the header of a safetensors file.
pub const MOST: u64 = 16 << 20;

/// Why a file gives no recipe.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct RecipeError {
    pub(super) path: PathBuf,
    pub(super) problem: Problem,
}

/// What keeps a recipe from being found or read.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The file cannot be read.
    #[error("{0}: name a file that can be read")]
    Read(#[from] io::Error),
    /// What stands where the recipe should be is no JSON.
    #[error("not JSON: {0}: {advice}", advice = advice())]
    Json(serde_json::Error),
    /// The recipe, or what is before it, is too long.
    #[error("its recipe is longer than {} MB, more than is read: {}", MOST >> 20, advice())]
    Long,
    /// There is none.
    #[error("has no recipe: {}", advice())]
    None,
    /// The recipe says something of no use.
    #[error("{0}")]
    Key(#[from] KeyError),
}

fn advice() -> String {
    let formats = ExportFormat::ALL.map(ExportFormat::name).join(", ");
    format!("name a file that attnscope has exported ({formats}), or a recipe")
}

impl From<serde_json::Error> for Problem {
    fn from(error: serde_json::Error) -> Self {
        match error.io_error_kind() {
            Some(io::ErrorKind::FileTooLarge) => Self::Long,
            Some(_) => Self::Read(error.into()),
            None => Self::Json(error),
        }
    }
}

/// A reader that fails after [`MOST`] bytes.
pub struct Limited<R> {
    inner: R,
    left: u64,
}

impl<R> Limited<R> {
    /// Reads from `inner`.
    pub fn new(inner: R) -> Self {
        Self { inner, left: MOST }
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(read)
    }
}

/// What stands between two texts. The second one must come among the first [`MOST`] bytes.
pub fn between(file: impl Read, start: &str, end: &str) -> Result<String, Problem> {
    let mut bytes = Vec::new();
    file.take(MOST).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let Some((_, rest)) = text.split_once(start) else { return Err(Problem::None) };
    match rest.split_once(end) {
        Some((inner, _)) => Ok(inner.to_owned()),
        None if bytes.len() as u64 == MOST => Err(Problem::Long),
        None => Err(Problem::None),
    }
}
