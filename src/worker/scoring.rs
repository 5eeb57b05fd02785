//! The scores of a model's heads on repeated random tokens: a draw at a time, so that prompts don't wait.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::protocol::{Event, Side};
use super::resident::guarded;
use crate::attention::{Ablation, ModelInfo, ScoresByHead, repeated};
use crate::model::{Cancel, Model, ModelError, RepeatRun};

/// Runs that are kept, whether done or begun: as many sets of heads as one goes back and forth between.
const KEPT: usize = 8;

/// That somebody wants the scores of a model.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Which.
    pub model: Arc<ModelInfo>,
    /// Without which heads, the first one first. Each is scored by itself.
    pub ablations: Vec<Ablation>,
    /// Raised to stop.
    pub cancel: Cancel,
    /// Raised before that where the next wish is on its way: then nobody is told that this one ends.
    pub is_followed: Cancel,
}

impl Wanted {
    /// A wish for the scores of a model without each of these sets of heads.
    pub fn new(model: Arc<ModelInfo>, ablations: Vec<Ablation>) -> Self {
        Self { model, ablations, cancel: Cancel::new(), is_followed: Cancel::new() }
    }

    /// Makes room for the next wish.
    pub fn give_way(&self) {
        self.is_followed.cancel();
        self.cancel.cancel();
    }
}

/// How far the scores of the resident model are.
#[derive(Debug, Default)]
pub struct Scoring {
    wanted: Option<Wanted>,
    runs: Vec<Run>,
}

/// How far they are without some heads.
#[derive(Debug, Clone)]
struct Run {
    ablation: Ablation,
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
        self.runs.clear();
    }

    /// Whether there is something to do.
    pub fn is_due(&self, model: Option<&Model>) -> bool {
        let is_of = |wanted: &Wanted| model.is_some_and(|model| Arc::ptr_eq(model.info(), &wanted.model));
        self.wanted.as_ref().is_some_and(|wanted| !wanted.ablations.is_empty() && is_of(wanted))
    }

    /// Runs the next draw, or says what is known.
    pub fn step(&mut self, side: Side, model: &Model, events: &mpsc::Sender<Event>) {
        let Some(Wanted { ablations, cancel, is_followed, .. }) = self.wanted.clone() else { return };
        let Some(ablation) = ablations.first().cloned() else { return };
        let event = match self.next(&ablation, model, &cancel) {
            Ok((_, Some(scores))) => {
                if let Some(wanted) = &mut self.wanted {
                    wanted.ablations.remove(0);
                }
                Event::Scored { side, model: model.info().clone(), ablation, scores }
            }
            Ok((done, None)) => {
                let _ = events.try_send(Event::Scoring { side, ablation, done, draws: repeated::DRAWS });
                return;
            }
            Err(error) => {
                self.wanted = None;
                if is_followed.is_cancelled() {
                    return;
                }
                let stopped = matches!(error, ModelError::Cancelled);
                let error = if stopped { "stopped".to_owned() } else { error.to_string() };
                Event::ScoringFailed { side, error }
            }
        };
        let _ = events.blocking_send(event);
    }

    /// Draws that are done, and the scores once all are.
    fn next(
        &mut self,
        ablation: &Ablation,
        model: &Model,
        cancel: &Cancel,
    ) -> Result<(usize, Option<Arc<ScoresByHead>>), ModelError> {
        let at = self.runs.iter().position(|run| run.ablation == *ablation).unwrap_or_else(|| {
            self.runs.drain(..(self.runs.len() + 1).saturating_sub(KEPT));
            let run = RepeatRun::without(ablation.clone());
            self.runs.push(Run { ablation: ablation.clone(), run, known: None });
            self.runs.len() - 1
        });
        let Run { run, known, .. } = &mut self.runs[at];
        if known.is_none() {
            guarded(|| run.step(model, cancel))?;
            *known = run.scores().map(Arc::new);
        }
        Ok((run.done(), known.clone()))
    }
}
