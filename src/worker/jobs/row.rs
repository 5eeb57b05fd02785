//! One row of a view, token by token. Of a mean of all heads of a long prompt it is milliseconds of work.

use std::sync::Arc;

use crate::model::{Cancel, LoadOptions};
use crate::worker::error::WorkerError;
use crate::worker::job::{Job, PoolJob};
use crate::worker::latest_job::{Key, Rank};
use crate::worker::protocol::{Event, RowJob, TokenRow};

impl Job for RowJob {
    fn key(&self) -> Key {
        Key { rank: Rank::Question, kind: "row", asker: self.asker.0 }
    }

    fn failed(&self, error: WorkerError) -> Event {
        Event::Row { question: Box::new(self.clone()), row: Err(error) }
    }
}

impl PoolJob for RowJob {
    fn run(&self, _: &LoadOptions, _: &Cancel) -> Result<Event, WorkerError> {
        let (weights, sink) = self.capture.row(self.view, self.query)?;
        Ok(Event::Row { question: Box::new(self.clone()), row: Ok(Arc::new(TokenRow { weights, sink })) })
    }
}
