//! How much each token of a long prompt is looked at. The matrices of such prompts have cells of several tokens each, which
//! say that only roughly, and a text shows every token.

use super::pane::Pane;
use crate::app::action::Effect;
use crate::app::panels::Panes;
use crate::app::state::side::Side;
use crate::attention::View;
use crate::vocabulary::Normalisation;
use crate::worker::protocol::{Asker, LookedAtJob, Request, WorkerError};

/// How a question stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeysStage {
    /// The answer is to come.
    Waiting,
    /// It is there, and lies with what the pane shows.
    Known,
    /// There will be none.
    Failed(WorkerError),
}

/// What was asked for of both panes.
#[derive(Debug, Clone, Default)]
pub struct ExactKeys {
    sides: [Option<(LookedAtJob, KeysStage)>; 2],
}

impl ExactKeys {
    /// Asks for what both panes need by these rules and isn't asked for. Where neither needs anything, nobody waits any more.
    pub(in crate::app) fn refresh(&mut self, panes: &Panes, normalisation: Normalisation) -> Vec<Effect> {
        let wanted = Side::BOTH.map(|side| wanted(side, panes.pane(side), normalisation));
        if wanted.iter().all(Option::is_none) {
            return self.leave();
        }
        let mut effects = Vec::new();
        for (asked, wanted) in self.sides.iter_mut().zip(wanted) {
            let Some(wanted) = wanted else { continue };
            if !asked.as_ref().is_some_and(|asked| asked.0.is(&wanted)) {
                *asked = Some((wanted.clone(), KeysStage::Waiting));
                effects.push(Effect::Send(Request::LookedAt(wanted)));
            }
        }
        effects
    }

    /// Nobody looks at it any more: forgets what was asked.
    pub(in crate::app) fn leave(&mut self) -> Vec<Effect> {
        let effects = self.stop();
        *self = Self::default();
        effects
    }

    /// Stops what is under way, which is answered as stopped.
    pub(in crate::app) fn stop(&self) -> Vec<Effect> {
        if self.is_busy() { vec![Effect::Send(Request::StopLookedAt)] } else { vec![] }
    }

    /// Asks once more for what failed; whether anything did.
    pub(in crate::app) fn retry(&mut self) -> bool {
        let failed = |asked: &mut (LookedAtJob, KeysStage)| matches!(asked.1, KeysStage::Failed(_));
        let taken = self.sides.each_mut().map(|asked| asked.take_if(failed));
        taken.iter().any(Option::is_some)
    }

    /// The worker has answered a question.
    pub(in crate::app) fn answered(&mut self, question: &LookedAtJob, error: Option<WorkerError>) {
        let asked = self.sides.get_mut(question.asker.0).and_then(Option::as_mut);
        if let Some(asked) = asked.filter(|asked| asked.0.is(question)) {
            asked.1 = error.map_or(KeysStage::Known, KeysStage::Failed);
        }
    }

    /// How it stands for what a pane needs now and doesn't have.
    pub(in crate::app) fn of(
        &self,
        side: Side,
        pane: &Pane,
        normalisation: Normalisation,
    ) -> Option<&KeysStage> {
        let (question, stage) = self.sides[side.index()].as_ref()?;
        question.is(&wanted(side, pane, normalisation)?).then_some(stage)
    }

    /// Whether an answer is to come.
    pub(in crate::app) fn is_busy(&self) -> bool {
        self.sides.iter().flatten().any(|(_, stage)| *stage == KeysStage::Waiting)
    }
}

/// What a pane needs, if cells of its matrix are several tokens. Rollout has rows of cells only.
fn wanted(side: Side, pane: &Pane, normalisation: Normalisation) -> Option<LookedAtJob> {
    let shown = pane.shown.as_ref()?;
    let is_of_cells = shown.matrix().bin() > 1 && shown.view() != View::Rollout;
    if !is_of_cells || shown.has_exact_keys(normalisation) {
        return None;
    }
    let (capture, view) = (shown.capture.clone(), shown.view());
    Some(LookedAtJob { asker: Asker(side.index()), capture, view, normalisation })
}
