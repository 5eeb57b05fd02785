//! What each head of a slot's model alone is worth: a pass without it at a time, so that prompts don't wait.

use std::sync::Arc;

use super::streams::Streams;
use crate::model::{Model, Sweep};
use crate::vocabulary::Instead;
use crate::worker::error::WorkerError;
use crate::worker::job::{Job, Progress, SlotJob, StepContext, report};
use crate::worker::latest_job::{Key, Rank};
use crate::worker::protocol::{Event, SweepJob};

/// Of the keys of these jobs.
pub const KIND: &str = "sweep";

impl Job for SweepJob {
    fn key(&self) -> Key {
        Key { rank: Rank::Background, kind: KIND, asker: self.asker.0 }
    }

    fn failed(&self, error: WorkerError) -> Event {
        Event::Swept { capture: self.capture.clone(), found: Err(error) }
    }
}

impl SlotJob for SweepJob {
    /// Without its model it is answered at once.
    fn is_ready(&self, _: Option<&Model>) -> bool {
        true
    }

    /// Runs the prompt without a head, or answers with what is known.
    fn step(&mut self, context: &mut StepContext<'_>) -> Result<Progress, WorkerError> {
        let capture = self.capture.clone();
        let model = context.model_of(&capture.model)?;
        model.check_output_head()?;
        let mut sweep = Sweep::new(&capture, Instead::Zero).resumed(std::mem::take(&mut self.done));
        let (of, cancel) = ((&capture, model), context.cancel);
        let stepped = Streams::look(context.caches, of, cancel, &mut |_| (), |stream| {
            Ok(sweep.step(model, stream, cancel)?)
        });
        let (found, (done, all)) = (sweep.found(), sweep.progress());
        self.done = sweep.into_done();
        stepped?;
        match found {
            Some(found) => {
                context.answer(Event::Swept { capture, found: Ok(Arc::new(found)) });
                Ok(Progress::Done)
            }
            None => {
                report(context.events, Event::Sweeping { capture, done, all });
                Ok(Progress::More)
            }
        }
    }
}
