//! Progress and cancellation of long actions.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::ModelError;

/// Stops a load or a pass. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// A new one, not cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops whatever holds a clone.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether [`cancel`](Self::cancel) was called.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// To be called between the steps of a long action.
    ///
    /// # Errors
    /// [`ModelError::Cancelled`] once cancelled.
    pub fn check(&self) -> Result<(), ModelError> {
        if self.is_cancelled() { Err(ModelError::Cancelled) } else { Ok(()) }
    }
}

/// How far a load has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoadProgress {
    /// Asking the hub which files there are.
    Resolving,
    /// The hub, or another server, hasn't said anything for a while.
    Waiting {
        /// Seconds since its last word.
        seconds: u64,
    },
    /// A file is on its way from the hub.
    Downloading {
        /// Its name in the repository.
        file: String,
        /// Bytes that are here.
        done: u64,
        /// Bytes it has.
        total: u64,
    },
    /// Weights are read and placed.
    Weights {
        /// Tensors that are there.
        done: usize,
        /// Tensors of the model.
        total: usize,
    },
}

/// What a load listens to and reports to.
pub struct Control<'a> {
    /// Stops the load from outside.
    pub cancel: Cancel,
    /// Called with every step.
    pub progress: &'a mut dyn FnMut(LoadProgress),
}
