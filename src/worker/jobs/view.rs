//! The matrix of a view. A head is milliseconds of work, but of a long prompt too many for an async thread.

use std::sync::Arc;

use crate::model::{Cancel, LoadOptions};
use crate::worker::error::WorkerError;
use crate::worker::job::{Job, PoolJob};
use crate::worker::latest_job::{Key, Rank};
use crate::worker::protocol::{Event, ViewJob};

impl Job for ViewJob {
    fn key(&self) -> Key {
        Key { rank: Rank::Question, kind: "view", asker: self.asker.0 }
    }

    fn failed(&self, error: WorkerError) -> Event {
        Event::ViewFailed { capture: self.capture.clone(), view: self.view, error }
    }
}

impl PoolJob for ViewJob {
    fn run(&self, _: &LoadOptions, _: &Cancel) -> Result<Event, WorkerError> {
        let matrix = Arc::new(self.capture.matrix(self.view)?);
        matrix.extents();
        Ok(Event::Viewed { capture: self.capture.clone(), view: self.view, matrix })
    }
}
