//! What loading a model would take. The hub may be asked, which may take its time.

use crate::model::{Cancel, LoadOptions, estimate};
use crate::worker::error::WorkerError;
use crate::worker::job::{Job, PoolJob};
use crate::worker::latest_job::{Key, Rank};
use crate::worker::protocol::{EstimateJob, Event};

impl Job for EstimateJob {
    fn key(&self) -> Key {
        Key { rank: Rank::Question, kind: "estimate", asker: 0 }
    }

    fn failed(&self, error: WorkerError) -> Event {
        Event::Estimated { name: self.name.clone(), estimate: Box::new(Err(error)) }
    }
}

impl PoolJob for EstimateJob {
    fn run(&self, options: &LoadOptions, cancel: &Cancel) -> Result<Event, WorkerError> {
        let estimate = Box::new(Ok(estimate(&self.name, options, cancel)?));
        Ok(Event::Estimated { name: self.name.clone(), estimate })
    }
}
