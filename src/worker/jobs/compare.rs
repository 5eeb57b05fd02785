//! Two matrices in one square, on the pieces of text that both have whole tokens of.

use std::sync::Arc;

use crate::attention::MeasuredComparison;
use crate::model::{Cancel, LoadOptions};
use crate::worker::error::WorkerError;
use crate::worker::job::{Job, PoolJob};
use crate::worker::latest_job::{Key, Rank};
use crate::worker::protocol::{CompareJob, Event};

impl Job for CompareJob {
    fn key(&self) -> Key {
        Key { rank: Rank::Question, kind: "compare", asker: 0 }
    }

    fn failed(&self, error: WorkerError) -> Event {
        Event::Compared { question: Box::new(self.clone()), found: Err(error) }
    }
}

impl PoolJob for CompareJob {
    fn run(&self, _: &LoadOptions, _: &Cancel) -> Result<Event, WorkerError> {
        let captures = self.captures.each_ref().map(AsRef::as_ref);
        let found = MeasuredComparison::of_views(captures, self.views, self.granularity, self.texts);
        let found = found.map(Arc::new).map_err(|error| WorkerError::Refused(error.to_string()));
        Ok(Event::Compared { question: Box::new(self.clone()), found })
    }
}
