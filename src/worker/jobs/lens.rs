//! The logit lens of a slot: a pass that keeps what flows between the layers, and then any of its tokens at once.

use std::sync::Arc;

use crate::attention::Capture;
use crate::model::{Model, ResidualStream};
use crate::worker::caches::Caches;
use crate::worker::error::WorkerError;
use crate::worker::job::{Job, Progress, SlotJob, StepContext, report};
use crate::worker::latest_job::{Key, Rank};
use crate::worker::protocol::{Event, LensJob};

/// Of the keys of these jobs.
pub const KIND: &str = "lens";
/// Tokens that are listed of a layer.
const LISTED: usize = 1;
/// Captures whose residual streams are kept: what two panes show.
const KEPT: usize = 2;

/// What flows between the layers, of the newest captures that somebody asked about.
#[derive(Debug, Default)]
struct Streams(Vec<(Arc<Capture>, ResidualStream)>);

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
        let Some(model) = context.model.filter(|model| *model.info() == capture.model) else {
            return Err(WorkerError::ModelGone(capture.model.name.clone()));
        };
        let mut streams: Streams = context.caches.take();
        let kept = match streams.of(capture, model) {
            Some(kept) => Ok(kept),
            None => self.pass(model, context).map(|stream| (capture.clone(), stream)),
        };
        let found = kept.and_then(|(of, stream)| {
            let lens = model.lens(&stream, self.query, LISTED)?;
            streams.0.push((of, stream));
            Ok(Arc::new(lens))
        });
        context.caches.keep(streams);
        context.answer(Event::Lens { question: self.clone(), found: Ok(found?) });
        Ok(Progress::Done)
    }
}

impl LensJob {
    /// The pass that keeps what flows between the layers.
    fn pass(&self, model: &Model, context: &StepContext<'_>) -> Result<ResidualStream, WorkerError> {
        let (asker, layers) = (self.asker, self.capture.model.layers);
        let mut progress = |layer| report(context.events, Event::LensRunning { asker, layer, layers });
        let tokens = self.capture.tokens.clone();
        let (_, stream) = model.run_keeping(tokens, &self.capture.ablation, context.cancel, &mut progress)?;
        Ok(stream)
    }
}

impl Streams {
    /// Takes out what is kept of a capture, or of one that goes on from it: what flows at a token depends on no later one.
    /// If there is nothing, makes room for it.
    fn of(&mut self, capture: &Arc<Capture>, model: &Model) -> Option<(Arc<Capture>, ResidualStream)> {
        let is_of = |kept: &Capture| {
            kept.goes_on_from(capture) && model.turns_alike(kept.tokens.len(), capture.tokens.len())
        };
        match self.0.iter().position(|(kept, _)| is_of(kept)) {
            Some(at) => Some(self.0.remove(at)),
            None => {
                self.0.drain(..(self.0.len() + 1).saturating_sub(KEPT));
                None
            }
        }
    }
}

/// Keeps nothing of what was asked any more.
pub fn forget(caches: &mut Caches) {
    caches.take::<Streams>();
}
