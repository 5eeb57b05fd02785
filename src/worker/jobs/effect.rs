//! What hiding spans changes: a span at a time, so that prompts and questions don't wait.

use std::sync::Arc;

use crate::attention::NO_OUTPUT_HEAD;
use crate::attention::knockout::{KeyMeasures, SpanEffect};
use crate::model::{Model, ModelError};
use crate::worker::error::WorkerError;
use crate::worker::job::{Job, Progress, SlotJob, StepContext, report};
use crate::worker::latest_job::{Key, Rank};
use crate::worker::protocol::{EffectJob, Event};

/// Of the keys of these jobs.
pub const KIND: &str = "effect";

impl Job for EffectJob {
    fn key(&self) -> Key {
        Key { rank: Rank::Background, kind: KIND, asker: self.asker.0 }
    }

    fn failed(&self, error: WorkerError) -> Event {
        Event::Effect { question: Box::new(self.clone()), found: Err(error) }
    }
}

impl SlotJob for EffectJob {
    /// Without its model it is answered at once.
    fn is_ready(&self, _: Option<&Model>) -> bool {
        true
    }

    /// Hides the next span, and answers.
    fn step(&mut self, context: &mut StepContext<'_>) -> Result<Progress, WorkerError> {
        let capture = self.capture.clone();
        let model = context.model_of(&capture.model)?;
        let Some(span) = self.spans.get(self.done).cloned() else { return Ok(Progress::Done) };
        let keys = match &self.keys {
            Some(keys) => keys.clone(),
            None => self.keys.insert(Arc::new(self.measure(model, context)?)).clone(),
        };
        let (asker, done, layers) = (self.asker, self.done, capture.model.layers);
        let mut progress =
            |layer| report(context.events, Event::EffectRunning { asker, done, layer, layers });
        let after = model.run_hiding(&capture, span.tokens.clone(), context.cancel, &mut progress)?;
        let effect = SpanEffect::new(span, &capture, &after, &keys);
        let effect = effect.ok_or_else(|| WorkerError::Refused(NO_OUTPUT_HEAD.to_owned()))?;
        context.answer(Event::Effect { question: Box::new(self.clone()), found: Ok(Arc::new(effect)) });
        self.done += 1;
        Ok(if self.done < self.spans.len() { Progress::More } else { Progress::Done })
    }
}

impl EffectJob {
    /// What keys are given by the last token.
    fn measure(&self, model: &Model, context: &StepContext<'_>) -> Result<KeyMeasures, WorkerError> {
        let last = self.capture.tokens.len().saturating_sub(1);
        let pass = model.run_token(&self.capture, last, 1, context.cancel)?;
        let push = model.push(&self.capture, &pass, (None, None), context.cancel)?;
        Ok(KeyMeasures::new(&self.capture, &push).map_err(|error| ModelError::Invalid(error.to_string()))?)
    }
}
