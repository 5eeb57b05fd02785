//! The scores of a model's heads on repeated random tokens: a draw at a time, so that prompts don't wait.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::protocol::{Event, Side};
use super::resident::guarded;
use crate::attention::{ModelCard, ScoresByHead, repeated};
use crate::model::{Cancel, Model, ModelError, RepeatRun};

/// That somebody wants the scores of a model.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Which.
    pub model: Arc<ModelCard>,
    /// Raised to stop.
    pub cancel: Cancel,
}

/// How far the scores of the resident model are.
#[derive(Debug, Default)]
pub struct Scoring {
    wanted: Option<Wanted>,
    run: RepeatRun,
    known: Option<Arc<ScoresByHead>>,
}

impl Scoring {
    /// Takes a wish, in place of an older one. It may be for a model that is not resident yet.
    pub fn want(&mut self, wanted: Wanted) {
        self.wanted = Some(wanted);
    }

    /// Another model is resident.
    pub fn forget(&mut self) {
        (self.run, self.known) = (RepeatRun::default(), None);
    }

    /// Whether there is something to do.
    pub fn is_due(&self, model: Option<&Model>) -> bool {
        let wanted = self.wanted.as_ref();
        wanted.is_some_and(|wanted| model.is_some_and(|model| Arc::ptr_eq(model.card(), &wanted.model)))
    }

    /// Runs the next draw, or says what is known.
    pub fn step(&mut self, side: Side, model: &Model, events: &mpsc::Sender<Event>) {
        let Some(Wanted { cancel, .. }) = self.wanted.clone() else { return };
        let card = model.card();
        let event = match self.next(model, &cancel) {
            Ok(Some(scores)) => Event::Scored { side, model: card.clone(), scores },
            Ok(None) => {
                let (done, draws) = (self.run.done(), repeated::DRAWS);
                let _ = events.try_send(Event::Scoring { side, done, draws });
                return;
            }
            Err(ModelError::Cancelled) => Event::ScoringFailed { side, error: "stopped".to_owned() },
            Err(error) => Event::ScoringFailed { side, error: error.to_string() },
        };
        self.wanted = None;
        let _ = events.blocking_send(event);
    }

    fn next(&mut self, model: &Model, cancel: &Cancel) -> Result<Option<Arc<ScoresByHead>>, ModelError> {
        if self.known.is_none() {
            guarded(|| self.run.step(model, cancel))?;
            self.known = self.run.scores().map(Arc::new);
        }
        Ok(self.known.clone())
    }
}
