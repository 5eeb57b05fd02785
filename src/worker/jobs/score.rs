//! The scores of a model's heads on repeated random tokens: a draw at a time, so that prompts don't wait.

use std::sync::Arc;

use crate::attention::{Ablation, ScoresByHead, repeated};
use crate::model::{Model, RepeatRun};
use crate::worker::error::WorkerError;
use crate::worker::job::{Job, Progress, SlotJob, StepContext, report};
use crate::worker::latest_job::{Key, Rank};
use crate::worker::protocol::{Event, ScoringJob};

/// Runs that are kept, whether done or begun: as many sets of heads as one goes back and forth between.
const KEPT: usize = 8;

/// How far the runs of the resident model are, the oldest first.
#[derive(Debug, Default)]
struct Runs(Vec<Run>);

/// How far the scores without some heads are.
#[derive(Debug)]
struct Run {
    ablation: Ablation,
    run: RepeatRun,
    scores: Option<Arc<ScoresByHead>>,
}

impl Job for ScoringJob {
    fn key(&self) -> Key {
        Key { rank: Rank::Background, kind: "scores", asker: 0 }
    }

    fn failed(&self, error: WorkerError) -> Event {
        Event::ScoringFailed { slot: self.slot, error }
    }
}

impl SlotJob for ScoringJob {
    fn is_ready(&self, model: Option<&Model>) -> bool {
        model.is_some_and(|model| Arc::ptr_eq(model.info(), &self.model))
    }

    /// Runs a draw, or answers with what is known.
    fn step(&mut self, context: &mut StepContext<'_>) -> Result<Progress, WorkerError> {
        let (Some(model), Some(ablation)) = (context.model, self.ablations.first().cloned()) else {
            return Ok(Progress::Done);
        };
        let slot = self.slot;
        let mut runs: Runs = context.caches.take();
        let run = runs.without(&ablation);
        let stepped = if run.scores.is_none() { run.run.step(model, context.cancel) } else { Ok(()) };
        if run.scores.is_none() {
            run.scores = run.run.scores().map(Arc::new);
        }
        let (done, scores) = (run.run.done(), run.scores.clone());
        context.caches.keep(runs);
        stepped?;
        match scores {
            Some(scores) => {
                self.ablations.remove(0);
                context.answer(Event::Scored { slot, model: model.info().clone(), ablation, scores });
            }
            None => report(context.events, Event::Scoring { slot, ablation, done, draws: repeated::DRAWS }),
        }
        Ok(if self.ablations.is_empty() { Progress::Done } else { Progress::More })
    }
}

impl Runs {
    /// The run without some heads: the one that is kept, or a new one in the place of the oldest.
    fn without(&mut self, ablation: &Ablation) -> &mut Run {
        let at = self.0.iter().position(|run| run.ablation == *ablation).unwrap_or_else(|| {
            self.0.drain(..(self.0.len() + 1).saturating_sub(KEPT));
            let run = RepeatRun::without(ablation.clone());
            self.0.push(Run { ablation: ablation.clone(), run, scores: None });
            self.0.len() - 1
        });
        &mut self.0[at]
    }
}
