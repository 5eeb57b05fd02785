//! What each part of a pass adds to the logit of a next token: the pass at one token, run again, and then back through
//! the layers. The first is kept, so that another next token costs the second only.

use std::sync::{Arc, Weak};

use crate::attention::Capture;
use crate::model::{Model, TokenPass};
use crate::worker::error::WorkerError;
use crate::worker::job::{Job, Progress, SlotJob, StepContext};
use crate::worker::latest_job::{Key, Rank};
use crate::worker::protocol::{Event, PushJob};

/// Likeliest next tokens that an answer lists.
const LISTED: usize = 10;
/// Passes that are kept: what a few steps of the cursor in two panes look at.
const KEPT: usize = 8;

/// Passes at single tokens, the oldest first. They keep no capture alive.
#[derive(Debug, Default)]
struct TokenPasses(Vec<(Weak<Capture>, TokenPass)>);

impl Job for PushJob {
    fn key(&self) -> Key {
        Key { rank: Rank::Question, kind: "push", asker: self.asker.0 }
    }

    fn failed(&self, error: WorkerError) -> Event {
        Event::Pushed { question: Box::new(self.clone()), found: Err(error) }
    }
}

impl SlotJob for PushJob {
    /// Without its model it is answered at once.
    fn is_ready(&self, _: Option<&Model>) -> bool {
        true
    }

    fn step(&mut self, context: &mut StepContext<'_>) -> Result<Progress, WorkerError> {
        let capture = &self.capture;
        let model = context.model_of(&capture.model)?;
        let mut passes: TokenPasses = context.caches.take();
        let pass = match passes.of(capture, self.query) {
            Some(pass) => Ok(pass),
            None => model.run_token(capture, self.query, LISTED, context.cancel),
        };
        let found = pass.and_then(|pass| {
            let push = model.push(capture, &pass, (self.target, self.versus), context.cancel);
            passes.keep(capture, pass);
            push
        });
        context.caches.keep(passes);
        context.answer(Event::Pushed { question: Box::new(self.clone()), found: Ok(Arc::new(found?)) });
        Ok(Progress::Done)
    }
}

impl TokenPasses {
    /// Takes out what is kept of a capture at a token.
    fn of(&mut self, capture: &Arc<Capture>, query: usize) -> Option<TokenPass> {
        let capture = Arc::downgrade(capture);
        let at = self.0.iter().position(|(of, pass)| of.ptr_eq(&capture) && pass.query == query)?;
        Some(self.0.remove(at).1)
    }

    /// Keeps a pass in the place of the oldest one.
    fn keep(&mut self, capture: &Arc<Capture>, pass: TokenPass) {
        self.0.retain(|(of, _)| of.strong_count() > 0);
        self.0.drain(..(self.0.len() + 1).saturating_sub(KEPT));
        self.0.push((Arc::downgrade(capture), pass));
    }
}
