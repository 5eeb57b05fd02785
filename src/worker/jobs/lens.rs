//! The logit lens of a slot: a pass that keeps what flows between the layers, and then any of its tokens at once.

use std::sync::Arc;

use super::streams::Streams;
use crate::model::Model;
use crate::worker::error::WorkerError;
use crate::worker::job::{Job, Progress, SlotJob, StepContext, report};
use crate::worker::latest_job::{Key, Rank};
use crate::worker::protocol::{Event, LensJob};

/// Of the keys of these jobs.
pub const KIND: &str = "lens";
/// Tokens that are listed of a layer.
const LISTED: usize = 1;

impl Job for LensJob {
    fn key(&self) -> Key {
        Key { rank: Rank::Question, kind: KIND, asker: self.asker.0 }
    }

    fn failed(&self, error: WorkerError) -> Event {
        Event::Lens { question: self.clone(), found: Err(error) }
    }
}

impl SlotJob for LensJob {
    /// Without its model it is answered at once.
    fn is_ready(&self, _: Option<&Model>) -> bool {
        true
    }

    fn step(&mut self, context: &mut StepContext<'_>) -> Result<Progress, WorkerError> {
        let capture = &self.capture;
        let model = context.model_of(&capture.model)?;
        model.check_output_head()?;
        let (asker, layers, events) = (self.asker, capture.model.layers, context.events);
        let mut on_layer = |layer| report(events, Event::LensRunning { asker, layer, layers });
        let of = (capture, model);
        let found = Streams::look(context.caches, of, context.cancel, &mut on_layer, |stream| {
            Ok(Arc::new(model.lens(stream, self.query, LISTED)?))
        })?;
        context.answer(Event::Lens { question: self.clone(), found: Ok(found) });
        Ok(Progress::Done)
    }
}
