//! How similar all heads of both models are to one.

use crate::attention::similar::similar_heads;
use crate::model::{Cancel, LoadOptions};
use crate::worker::error::WorkerError;
use crate::worker::job::{Job, PoolJob};
use crate::worker::latest_job::{Key, Rank};
use crate::worker::protocol::{Event, SimilarJob};

impl Job for SimilarJob {
    fn key(&self) -> Key {
        Key { rank: Rank::Question, kind: "similar", asker: 0 }
    }

    fn failed(&self, error: WorkerError) -> Event {
        Event::Similar { question: self.clone(), found: Err(error) }
    }
}

impl PoolJob for SimilarJob {
    fn run(&self, _: &LoadOptions, _: &Cancel) -> Result<Event, WorkerError> {
        let captures = self.captures.each_ref().map(Option::as_deref);
        let found = similar_heads(captures, (self.of, self.head)).map_err(WorkerError::Refused);
        Ok(Event::Similar { question: self.clone(), found })
    }
}
