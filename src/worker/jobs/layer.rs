//! Something of all heads of a layer, which are as many matrices.

use std::sync::Arc;

use crate::attention::View;
use crate::attention::ablation::moved_heads;
use crate::model::{Cancel, LoadOptions};
use crate::worker::error::WorkerError;
use crate::worker::job::{Job, PoolJob};
use crate::worker::latest_job::{Key, Rank};
use crate::worker::protocol::{Event, LayerAnswer, LayerJob, LayerQuestion};

impl Job for LayerJob {
    fn key(&self) -> Key {
        Key { rank: Rank::Question, kind: "layer", asker: self.asker.0 }
    }

    fn failed(&self, error: WorkerError) -> Event {
        Event::ViewFailed { capture: self.capture.clone(), view: View::Layer(self.layer), error }
    }
}

impl PoolJob for LayerJob {
    fn run(&self, _: &LoadOptions, _: &Cancel) -> Result<Event, WorkerError> {
        let Self { capture, layer, question, .. } = self;
        let found = match (question, &capture.before) {
            (LayerQuestion::Pictures, _) => {
                LayerAnswer::Pictures(Arc::new(capture.weighted_pictures(*layer)?))
            }
            (LayerQuestion::Moved, Some(before)) => LayerAnswer::Moved(moved_heads(before, capture, *layer)?),
            (LayerQuestion::Moved, None) => LayerAnswer::Moved(Vec::new()),
        };
        Ok(Event::Layer { capture: capture.clone(), layer: *layer, found })
    }
}
