//! How long tests wait for what is to come. Nothing waits longer than it has to.

use std::time::Duration;

/// Longer than the slowest machine takes: a minute, or the seconds that `ATTNSCOPE_PATIENCE` names.
pub fn patience() -> Duration {
    let seconds = std::env::var("ATTNSCOPE_PATIENCE").ok().map(|seconds| seconds.parse().unwrap());
    Duration::from_secs(seconds.unwrap_or(60))
}
