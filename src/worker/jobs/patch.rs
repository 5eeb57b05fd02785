//! How far parts of the pass over one prompt bring another: a place at a time, so that prompts and questions don't wait.

use std::sync::Arc;

use crate::attention::patching::{LogitPair, PatchError};
use crate::model::{Model, ModelError, Patch};
use crate::worker::error::WorkerError;
use crate::worker::job::{Job, Progress, SlotJob, StepContext, report};
use crate::worker::latest_job::{Key, Rank};
use crate::worker::protocol::{Event, PatchJob};

/// Of the keys of these jobs.
pub const KIND: &str = "patch";

impl Job for PatchJob {
    fn key(&self) -> Key {
        Key { rank: Rank::Background, kind: KIND, asker: self.asker.0 }
    }

    fn failed(&self, error: WorkerError) -> Event {
        Event::Patched { question: Box::new(self.clone()), found: Err(error) }
    }
}

impl SlotJob for PatchJob {
    /// Without its model it is answered at once.
    fn is_ready(&self, _: Option<&Model>) -> bool {
        true
    }

    /// Patches the next place, and says what is known.
    fn step(&mut self, context: &mut StepContext<'_>) -> Result<Progress, WorkerError> {
        let info = self.captures[1].model.clone();
        let Some(model) = context.model.filter(|model| *model.info() == info) else {
            return Err(WorkerError::ModelGone(info.name.clone()));
        };
        let mut patch = match self.patch.take() {
            Some(patch) => *patch,
            None => Patch::new(self.captures.clone(), self.what, self.logits()?)?,
        };
        let stepped = patch.step(model, context.cancel);
        let (found, is_done) = (Arc::new(patch.found()), patch.is_done());
        self.patch = Some(Box::new(patch));
        stepped?;
        let question = Box::new(self.clone());
        if is_done {
            context.answer(Event::Patched { question, found: Ok(found) });
            return Ok(Progress::Done);
        }
        report(context.events, Event::Patching { question, found });
        Ok(Progress::More)
    }
}

impl PatchJob {
    /// The likeliest next token of the first prompt against that of the second; where that is the same, against the second
    /// likeliest there.
    fn logits(&self) -> Result<LogitPair, ModelError> {
        let [from, to] = &self.captures;
        let pair = match LogitPair::new([from, to], None, None) {
            Err(PatchError::SameToken(_)) => LogitPair::new([from, to], None, to.next.get(1).cloned()),
            pair => pair,
        };
        pair.map_err(|error| ModelError::Invalid(error.to_string()))
    }
}
