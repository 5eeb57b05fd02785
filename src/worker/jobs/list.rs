//! The models that can be asked for. Headers of many files are read, on a disk that may be slow.

use crate::model::{Cancel, LoadOptions, catalogue};
use crate::worker::error::WorkerError;
use crate::worker::job::{Job, PoolJob};
use crate::worker::latest_job::{Key, Rank};
use crate::worker::protocol::{Event, ListJob};

impl Job for ListJob {
    fn key(&self) -> Key {
        Key { rank: Rank::Question, kind: "list", asker: 0 }
    }

    fn failed(&self, error: WorkerError) -> Event {
        Event::Listed { models: Err(error) }
    }
}

impl PoolJob for ListJob {
    fn run(&self, options: &LoadOptions, _: &Cancel) -> Result<Event, WorkerError> {
        Ok(Event::Listed { models: Ok(catalogue(&self.pairs, options)?) })
    }
}
