//! A prompt, run through the model of a slot: with all heads on, and then without those that are off.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::attention::{Ablation, Capture};
use crate::model::{Model, Sampling};
use crate::vocabulary::Conversation;
use crate::worker::error::WorkerError;
use crate::worker::job::{Job, Progress, SlotJob, StepContext, report};
use crate::worker::latest_job::{Key, Rank};
use crate::worker::protocol::{Event, JobId, Slot};

/// The least time between two reports of how far a pass has come: of a letter that is typed live nobody sees any.
const REPORT: Duration = Duration::from_millis(50);

/// A prompt to run.
#[derive(Debug, Clone)]
pub struct RunJob {
    /// The slot whose model runs it.
    pub slot: Slot,
    /// Echoed in events.
    pub id: JobId,
    /// The text.
    pub prompt: Arc<str>,
    /// The same as a turn of a conversation, if it is read in the model's chat template.
    pub chat: Option<Arc<Conversation>>,
    /// How the next token is drawn.
    pub sampling: Sampling,
    /// Heads that are off.
    pub ablation: Ablation,
}

/// The newest pass with all heads on, which is not run again for other heads that are off.
#[derive(Default)]
struct Baseline(Option<(Text, Sampling, Arc<Capture>)>);

/// A prompt, and whether it is read in the chat template.
type Text = (Arc<str>, Option<Arc<Conversation>>);

impl Job for RunJob {
    fn key(&self) -> Key {
        Key { rank: Rank::Prompt, kind: "run", asker: 0 }
    }

    fn failed(&self, error: WorkerError) -> Event {
        Event::RunFailed { slot: self.slot, job: self.id, error }
    }
}

impl SlotJob for RunJob {
    fn is_ready(&self, model: Option<&Model>) -> bool {
        model.is_some()
    }

    fn step(&mut self, context: &mut StepContext<'_>) -> Result<Progress, WorkerError> {
        let Some(model) = context.model else { return Ok(Progress::More) };
        let baseline = context.caches.take();
        let baseline = self.baseline(baseline, model, context)?;
        context.caches.keep(Baseline(Some((self.text(), self.sampling, baseline.clone()))));
        let capture = match self.ablation.is_empty() {
            true => baseline,
            false => {
                let pass = self.pass(&self.ablation, model, context)?;
                Arc::new(Capture { before: Some(baseline), ..pass })
            }
        };
        context.answer(Event::Captured { slot: self.slot, job: self.id, capture });
        Ok(Progress::Done)
    }
}

impl RunJob {
    fn text(&self) -> Text {
        (self.prompt.clone(), self.chat.clone())
    }

    /// The pass with all heads on: the one that is kept, or a new one.
    fn baseline(
        &self,
        Baseline(kept): Baseline,
        model: &Model,
        context: &StepContext<'_>,
    ) -> Result<Arc<Capture>, WorkerError> {
        match kept {
            Some((text, sampling, capture)) if text == self.text() && sampling == self.sampling => {
                self.report(0, model, context.events);
                Ok(capture)
            }
            _ => Ok(Arc::new(self.pass(&Ablation::default(), model, context)?)),
        }
    }

    fn pass(
        &self,
        ablation: &Ablation,
        model: &Model,
        context: &StepContext<'_>,
    ) -> Result<Capture, WorkerError> {
        let events = context.events;
        self.report(0, model, events);
        let (tokens, chat) = match &self.chat {
            Some(chat) => model.tokenize_chat(chat).map(|(tokens, chat)| (tokens, Some(Arc::new(chat))))?,
            None => (model.tokenize(&self.prompt)?, None),
        };
        let mut told = Instant::now();
        let mut progress = |layer| {
            if told.elapsed() >= REPORT {
                told = Instant::now();
                self.report(layer, model, events);
            }
        };
        let mut capture = model.run_without(tokens, ablation, context.cancel, &mut progress)?;
        capture.chat = chat;
        let draw = || model.info().has_output_head.then(|| model.draw(&capture, self.sampling)).transpose();
        // Colours here, and not where they are shown first: the viewer waits for no computation.
        let (drawn, ()) = rayon::join(draw, || capture.prepare());
        capture.drawn = drawn?;
        Ok(capture)
    }

    fn report(&self, layer: usize, model: &Model, events: &mpsc::Sender<Event>) {
        let layers = model.info().layers;
        report(events, Event::Running { slot: self.slot, job: self.id, layer, layers });
    }
}
