//! How long files may be that are read whole.

use std::io;
use std::path::Path;

use crate::model::ModelError;

/// Bytes of a config.json and its like, at most: with the tokens that Gemma adds, they have a million.
pub const LONGEST_CONFIG: u64 = 8 << 20;
/// Bytes of a file of a tokenizer, or of an index of shards, at most. Vocabularies of 256,000 take 34 MB.
pub const LONGEST_TOKENIZER: u64 = 40 << 20;

/// The error of a file that is read whole: one that is too long is another file than its name says.
pub(super) fn unreadable(path: &Path, source: io::Error) -> ModelError {
    match source.kind() {
        io::ErrorKind::FileTooLarge => {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            ModelError::Invalid(format!(
                "{}: {source}, too long for a {name}: fetch it again",
                path.display()
            ))
        }
        _ => ModelError::io(path, source),
    }
}
