//! Where attention goes that goes nowhere: what heads give to each key, away from the models' threads; and what is large in
//! the residual stream, which takes a pass.

use std::sync::Arc;

use super::streams::Streams;
use crate::attention::sinks::Sinks;
use crate::model::{Cancel, LoadOptions, Model};
use crate::worker::error::WorkerError;
use crate::worker::job::{Job, PoolJob, Progress, SlotJob, StepContext};
use crate::worker::latest_job::{Key, Rank};
use crate::worker::protocol::{ActivationsJob, Event, SinksJob};

/// Of the keys of these jobs.
pub const KIND: &str = "sinks";

impl Job for SinksJob {
    fn key(&self) -> Key {
        Key { rank: Rank::Question, kind: KIND, asker: self.asker.0 }
    }

    fn failed(&self, error: WorkerError) -> Event {
        Event::Sinks { question: self.clone(), found: Err(error) }
    }
}

impl PoolJob for SinksJob {
    fn run(&self, _: &LoadOptions, cancel: &Cancel) -> Result<Event, WorkerError> {
        let found = Sinks::new(&self.capture, &|| cancel.is_cancelled()).ok_or(WorkerError::Cancelled)?;
        Ok(Event::Sinks { question: self.clone(), found: Ok(Arc::new(found)) })
    }
}

impl Job for ActivationsJob {
    fn key(&self) -> Key {
        Key { rank: Rank::Question, kind: KIND, asker: self.asker.0 }
    }

    fn failed(&self, error: WorkerError) -> Event {
        Event::Activations { question: self.clone(), found: Err(error) }
    }
}

impl SlotJob for ActivationsJob {
    /// Without its model it is answered at once.
    fn is_ready(&self, _: Option<&Model>) -> bool {
        true
    }

    fn step(&mut self, context: &mut StepContext<'_>) -> Result<Progress, WorkerError> {
        let capture = &self.capture;
        let model = context.model_of(&capture.model)?;
        let (of, cancel) = ((capture, model), context.cancel);
        let found = Streams::look(context.caches, of, cancel, &mut |_| (), |stream| {
            Ok(Arc::new(model.activations(stream, cancel)?))
        })?;
        context.answer(Event::Activations { question: self.clone(), found: Ok(found) });
        Ok(Progress::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Control;
    use crate::worker::protocol::Asker;

    #[test]
    fn keys_are_measured_and_the_measuring_stops() {
        let mut control = Control { cancel: Cancel::new(), progress: &mut |_| {} };
        let options = LoadOptions::default();
        let model = Model::load(&"demo:gpt-oss".parse().unwrap(), &options, &mut control).unwrap();
        let tokens = model.tokenize("Once upon a time").unwrap();
        let capture = Arc::new(model.run(tokens, &Cancel::new(), &mut |_| ()).unwrap());
        let job = SinksJob { asker: Asker(1), capture };
        let Ok(Event::Sinks { found: Ok(found), .. }) = job.run(&options, &Cancel::new()) else { panic!() };
        assert!(found.learned_rate.is_some() && found.keys.len() == job.capture.tokens.len());
        let cancel = Cancel::new();
        cancel.cancel();
        assert_eq!(job.run(&options, &cancel).unwrap_err(), WorkerError::Cancelled);
    }
}
