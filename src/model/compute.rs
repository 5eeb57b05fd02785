//! The threads that models compute on.

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
        .map_err(|error| unavailable(threads, &error))
}

/// As many threads as the shared pool has, for one model.
///
/// # Errors
/// If the system gives no threads.
pub fn threads() -> Result<rayon::ThreadPool, ModelError> {
    let threads = rayon::current_num_threads();
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(|error| unavailable(threads, &error))
}

fn unavailable(threads: usize, error: &rayon::ThreadPoolBuildError) -> ModelError {
    ModelError::Invalid(format!("can't compute with {threads} threads: {error}"))
}
