//! The background: owns the resident models, takes requests, answers with events.
//!
//! ```text
//!              Request                 ┌─► pool: a thread for each kind of question about captures ──────┐
//! front end ───────────► coordinator ──┤                                                                 ├─► Event
//!                                      └─► slot: a thread that owns a model ◄── load: a thread for each ─┘
//! ```
//!
//! The coordinator never computes. A slot's thread runs the jobs that need its model, the most urgent first;
//! what takes many passes is done a step at a time, so that a prompt need not wait. A load fetches and places a model
//! beside the one in the slot, or in its place where there is no memory for both. Slots don't wait for each other.
//!
//! The newest job wins (`latest_job`): a job takes the place of an older one of the same kind and the same asker, which
//! is stopped if it runs. So no queue grows, and whoever asks faster than the worker answers gets the answer to the
//! newest question. `jobs` says how to add a kind of job.

mod caches;
mod coordinator;
mod error;
mod guard;
mod job;
mod jobs;
mod latest_job;
mod pool;
pub mod protocol;
mod resident;
mod slot;

use tokio::sync::mpsc;

use crate::model::LoadOptions;
use error::WorkerError;
use protocol::{Event, Request};

/// Requests that may wait for the coordinator, which never computes anything itself.
const REQUESTS: usize = 64;
/// Events that may wait for the front end. Progress that finds no room is dropped, results wait.
const EVENTS: usize = 256;

/// The front end's end.
#[derive(Debug, Clone)]
pub struct WorkerHandle {
    requests: mpsc::Sender<Request>,
}

impl WorkerHandle {
    /// Asks for something, without waiting. When all handles are dropped, the worker cancels and ends.
    ///
    /// # Errors
    /// [`WorkerError::WorkerGone`] if the worker is gone, or has not taken its last requests for long.
    pub fn send(&self, request: Request) -> Result<(), WorkerError> {
        self.requests.try_send(request).map_err(|_| WorkerError::WorkerGone)
    }
}

/// Starts the worker on the current tokio runtime.
pub fn spawn(options: LoadOptions) -> (WorkerHandle, mpsc::Receiver<Event>) {
    let (requests, inbox) = mpsc::channel(REQUESTS);
    let (events, outbox) = mpsc::channel(EVENTS);
    tokio::spawn(coordinator::run(options, inbox, events));
    (WorkerHandle { requests }, outbox)
}
