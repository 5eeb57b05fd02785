//! What the heads of models score on repeated random tokens: of a model with all its heads, and without some.

use std::sync::Arc;

use super::{Effect, Shown, State};
use crate::attention::repeated::DRAWS;
use crate::attention::{Ablation, ScoresByHead};
use crate::worker::protocol::{Request, ScoringJob, Side};

/// Sets of heads that scores are kept of, besides those that are asked for.
const KEPT: usize = 8;

/// What a model's heads score on repeated random tokens.
#[derive(Debug, Clone, Default)]
pub enum Scores {
    /// Nobody asked.
    #[default]
    Unknown,
    /// So many of the draws are run.
    Running {
        /// Draws that are done.
        done: usize,
        /// All of them.
        draws: usize,
    },
    /// Each head's.
    Known(Arc<ScoresByHead>),
    /// What, where, what to do.
    Failed(String),
}

/// The scores of a resident model, by the heads that are off.
#[derive(Debug, Clone, Default)]
pub struct ScoreBook {
    entries: Vec<(Ablation, Scores)>,
}

impl ScoreBook {
    /// The scores without these heads.
    pub fn of(&self, ablation: &Ablation) -> &Scores {
        let found = self.entries.iter().find(|entry| entry.0 == *ablation);
        found.map_or(&Scores::Unknown, |entry| &entry.1)
    }

    /// Whether some of them are being computed.
    pub(super) fn is_running(&self) -> bool {
        self.entries.iter().any(|entry| matches!(entry.1, Scores::Running { .. }))
    }

    pub(super) fn set(&mut self, ablation: &Ablation, scores: Scores) {
        match self.entries.iter_mut().find(|entry| entry.0 == *ablation) {
            Some(entry) => entry.1 = scores,
            None => self.entries.push((ablation.clone(), scores)),
        }
    }

    /// Whatever was being computed won't be.
    pub(super) fn fail(&mut self, error: &str) {
        for (_, scores) in &mut self.entries {
            if matches!(scores, Scores::Running { .. }) {
                *scores = Scores::Failed(error.to_owned());
            }
        }
    }

    /// Forgets what failed; whether anything did.
    pub(super) fn forget_failed(&mut self) -> bool {
        let count = self.entries.len();
        self.entries.retain(|entry| !matches!(entry.1, Scores::Failed(_)));
        self.entries.len() < count
    }

    /// What is still to be computed of what is wanted, if some of it was never asked for. From then on only that is
    /// under way.
    fn ask(&mut self, wanted: &[Ablation]) -> Option<Vec<Ablation>> {
        if !wanted.iter().any(|ablation| matches!(self.of(ablation), Scores::Unknown)) {
            return None;
        }
        let is_wanted = |entry: &(Ablation, Scores)| wanted.contains(&entry.0);
        self.entries.retain(|entry| is_wanted(entry) || matches!(entry.1, Scores::Known(_)));
        while self.entries.len() > KEPT
            && let Some(oldest) = self.entries.iter().position(|entry| !is_wanted(entry))
        {
            self.entries.remove(oldest);
        }
        let open =
            |ablation: &&Ablation| matches!(self.of(ablation), Scores::Unknown | Scores::Running { .. });
        let open: Vec<Ablation> = wanted.iter().filter(open).cloned().collect();
        for ablation in &open {
            if matches!(self.of(ablation), Scores::Unknown) {
                self.set(ablation, Scores::Running { done: 0, draws: DRAWS });
            }
        }
        Some(open)
    }
}

impl State {
    /// What the heads of a capture's model score without the heads that were off in that capture, if the model is
    /// resident.
    pub fn scores_of(&self, shown: &Shown) -> Option<&Scores> {
        let side = self.side_of(shown)?;
        Some(self.resident(side).scores.of(&shown.capture.ablation))
    }

    /// Where the very model of a capture is resident.
    fn side_of(&self, shown: &Shown) -> Option<Side> {
        Side::BOTH.into_iter().find(|side| {
            let resident = self.resident(*side).model.as_ref();
            resident.is_some_and(|resident| Arc::ptr_eq(resident, &shown.capture.model))
        })
    }
}

/// Asks for the scores of what is on screen, unless somebody did.
pub(super) fn ask(state: &mut State) -> Vec<Effect> {
    let mut effects = Vec::new();
    for side in Side::BOTH {
        let mut wanted: Vec<Ablation> = Vec::new();
        for shown in state.panes.iter().filter_map(|pane| pane.shown.as_ref()) {
            let ablation = &shown.capture.ablation;
            if state.side_of(shown) == Some(side) && !wanted.contains(ablation) {
                wanted.push(ablation.clone());
            }
        }
        let Some(model) = state.resident(side).model.clone() else { continue };
        // A model that is still to read the prompt is on screen soon.
        if wanted.is_empty() && state.pinned(side).is_none() {
            wanted.push(state.ablations.of(side));
        }
        let pane = state.resident_mut(side);
        if let Some(ablations) = pane.scores.ask(&wanted) {
            effects.push(Effect::Send(Request::Score(ScoringJob { side, model, ablations })));
        }
    }
    effects
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_wanted_any_more_is_asked_for_again_later() {
        let [whole, one, two] = [Ablation::default(), "0.1".parse().unwrap(), "0.1,0.2".parse().unwrap()];
        let mut book = ScoreBook::default();
        assert_eq!(book.ask(&[whole.clone(), one.clone()]), Some(vec![whole.clone(), one.clone()]));
        assert_eq!(book.ask(&[whole.clone(), one.clone()]), None, "it is under way");
        book.set(&whole, Scores::Known(Arc::default()));
        assert_eq!(book.ask(&[whole.clone(), two.clone()]), Some(vec![two.clone()]));
        assert!(matches!(book.of(&one), Scores::Unknown), "another took its place");
        book.fail("stopped");
        assert_eq!(
            book.ask(std::slice::from_ref(&two)),
            None,
            "what failed is asked for when the list is opened"
        );
        assert!(book.forget_failed() && !book.forget_failed());
        assert_eq!(book.ask(std::slice::from_ref(&two)), Some(vec![two.clone()]));
        assert!(matches!(book.of(&whole), Scores::Known(_)), "what is known is kept");
    }
}
