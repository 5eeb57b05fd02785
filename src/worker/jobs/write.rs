//! A text that the model of a slot goes on with, a token at a time: each is answered with the pass over all of it. It stops
//! within a token when somebody wants it stopped, when a newer prompt comes, and when the model goes.

use std::sync::Arc;
use std::time::Instant;

use crate::attention::{NextToken, TextEnding};
use crate::model::Model;
use crate::worker::error::WorkerError;
use crate::worker::job::{Job, Progress, SlotJob, StepContext};
use crate::worker::latest_job::{Key, Rank};
use crate::worker::protocol::{Event, WriteJob};

/// Of the keys of these jobs.
pub const KIND: &str = "write";

impl Job for WriteJob {
    fn key(&self) -> Key {
        Key { rank: Rank::Prompt, kind: KIND, asker: 0 }
    }

    fn failed(&self, error: WorkerError) -> Event {
        Event::WritingEnded { slot: self.slot, job: self.id, ended: Err(error) }
    }
}

impl SlotJob for WriteJob {
    /// Without its model it is answered at once.
    fn is_ready(&self, _: Option<&Model>) -> bool {
        true
    }

    fn step(&mut self, context: &mut StepContext<'_>) -> Result<Progress, WorkerError> {
        let capture = &self.capture;
        let model = context.model_of(&capture.model)?;
        let begun = Instant::now();
        let next = self.next(model)?;
        let limit = (self.written >= self.limit).then_some(TextEnding::Limit(self.limit));
        if let Some(ending) = model.ending(capture, &next).or(limit) {
            context.answer(Event::WritingEnded { slot: self.slot, job: self.id, ended: Ok(ending) });
            return Ok(Progress::Done);
        }
        let from = (self.prompt_bytes, self.choice.sampling);
        let pass = Arc::new(model.write(capture, &next.token, from, context.cancel)?);
        pass.prepare();
        // A step that was stopped is done again: from here on nothing stops it.
        (self.capture, self.first) = (pass.clone(), None);
        self.written += 1;
        let took = begun.elapsed();
        context.answer(Event::Written {
            slot: self.slot,
            job: self.id,
            capture: pass,
            next: Some(Box::new(next)),
            took,
        });
        Ok(Progress::More)
    }
}

impl WriteJob {
    fn next(&self, model: &Model) -> Result<NextToken, WorkerError> {
        Ok(match self.first {
            Some(id) => model.next_token(&self.capture, id),
            None => model.choose(&self.capture, self.choice)?,
        })
    }
}
