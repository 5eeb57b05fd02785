//! What a command prints.

use std::io::{self, BufWriter, StdoutLock, Write as _};

use super::failure::Failure;
use crate::export::ExportError;

/// Standard output, by the block.
pub type Stdout = BufWriter<StdoutLock<'static>>;

/// Writes to standard output, JSON if that is asked for.
///
/// # Errors
/// If standard output refuses.
pub fn print(
    as_json: bool,
    json: impl FnOnce(&mut Stdout) -> Result<(), ExportError>,
    text: impl FnOnce(&mut Stdout) -> Result<(), ExportError>,
) -> Result<(), Failure> {
    let mut out = BufWriter::new(io::stdout().lock());
    if as_json { json(&mut out) } else { text(&mut out) }?;
    Ok(out.flush()?)
}
