//! A log for those who look for a fault.

use std::path::Path;
use std::sync::Mutex;

use tracing_subscriber::EnvFilter;

use super::failure::Failure;
use crate::bounded;

/// What is logged unless `ATTNSCOPE_LOG` says otherwise, in the way of `RUST_LOG`.
const DEFAULT: &str = "attnscope=debug,warn";

/// Writes what happens from now on to `path`.
///
/// # Errors
/// If the file cannot be made.
pub fn start(path: &Path) -> Result<(), Failure> {
    let file = bounded::create(path).map_err(|error| {
        Failure::Failed(format!("{}: {error}: name another file with --log", path.display()))
    })?;
    let filter = EnvFilter::try_from_env("ATTNSCOPE_LOG").unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(Mutex::new(file)).init();
    Ok(())
}
