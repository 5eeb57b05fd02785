//! The pool of threads that all models compute on.

use super::ModelError;

/// Limits the shared pool to `threads`. To be called once, before anything is computed; without it the pool
/// has a thread per core.
///
/// # Errors
/// If the pool is running already, or the system gives no threads.
pub fn limit_threads(threads: usize) -> Result<(), ModelError> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()
        .map_err(|error| ModelError::Invalid(format!("can't compute with {threads} threads: {error}")))
}
