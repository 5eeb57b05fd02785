//! Panics become errors, and threads get names.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::error::WorkerError;
use crate::attention::Gone;

/// Runs `work`. A panic in it, which would be our mistake or a library's, becomes the error of this work alone; so does
/// [`Gone`], which is nobody's mistake.
///
/// # Errors
/// Those of `work`, [`WorkerError::Refused`] if what it needs is gone, and [`WorkerError::Internal`] if it panics otherwise.
pub fn guarded<T>(work: impl FnOnce() -> Result<T, WorkerError>) -> Result<T, WorkerError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| match panic.downcast::<Gone>() {
        Ok(gone) => Err(WorkerError::Refused(gone.0)),
        Err(panic) => Err(WorkerError::Internal(message(&*panic).to_owned())),
    })
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("panic")
}

/// Starts a named thread.
///
/// # Errors
/// If the system gives none.
pub fn spawn_thread(name: String, work: impl FnOnce() + Send + 'static) -> Result<(), WorkerError> {
    let spawned = std::thread::Builder::new().name(name.clone()).spawn(work);
    spawned
        .map(|_| ())
        .map_err(|error| WorkerError::Refused(format!("can't start the thread {name}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error() {
        let result: Result<(), _> = guarded(|| panic!("shape {}", 3));
        assert_eq!(result.unwrap_err().to_string(), "internal error: shape 3: please report it");
    }

    #[test]
    fn what_is_gone_is_no_mistake() {
        let gone = Gone("the GPU was lost: run the prompt again".to_owned());
        let result: Result<(), _> = guarded(|| std::panic::panic_any(gone));
        assert_eq!(result.unwrap_err().to_string(), "the GPU was lost: run the prompt again");
    }
}
