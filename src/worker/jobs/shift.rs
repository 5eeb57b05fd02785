//! How far the heads of a layer of two models are apart: a layer at a time, so that it can be seen how far it is, and
//! stopped.

use std::sync::Arc;

use crate::attention::ablation::next_divergence;
use crate::attention::shift::shifted_heads;
use crate::model::{Cancel, LoadOptions};
use crate::worker::error::WorkerError;
use crate::worker::job::{Job, PoolJob};
use crate::worker::latest_job::{Key, Rank};
use crate::worker::protocol::{Event, LayerShift, ShiftJob};

impl Job for ShiftJob {
    fn key(&self) -> Key {
        Key { rank: Rank::Question, kind: "shift", asker: 0 }
    }

    fn failed(&self, error: WorkerError) -> Event {
        Event::Shifted { question: self.clone(), found: Err(error) }
    }
}

impl PoolJob for ShiftJob {
    fn run(&self, _: &LoadOptions, _: &Cancel) -> Result<Event, WorkerError> {
        let [left, right] = self.captures.each_ref().map(AsRef::as_ref);
        let heads = shifted_heads(left, right, self.layer).map_err(WorkerError::Refused)?;
        let next = next_divergence(left, right);
        let found = Ok(Arc::new(LayerShift { heads, next }));
        Ok(Event::Shifted { question: self.clone(), found })
    }
}
