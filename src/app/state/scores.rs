//! What the heads of models score on repeated random tokens: of a model with all its heads, and without some.

use std::sync::Arc;

use crate::attention::repeated::DRAWS;
use crate::attention::{Ablation, ScoresByHead};
use crate::worker::protocol::WorkerError;

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
    /// They won't be known.
    Failed(WorkerError),
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
    pub(in crate::app) fn is_running(&self) -> bool {
        self.entries.iter().any(|entry| matches!(entry.1, Scores::Running { .. }))
    }

    pub(in crate::app) fn set(&mut self, ablation: &Ablation, scores: Scores) {
        match self.entries.iter_mut().find(|entry| entry.0 == *ablation) {
            Some(entry) => entry.1 = scores,
            None => self.entries.push((ablation.clone(), scores)),
        }
    }

    /// Whatever was being computed won't be.
    pub(in crate::app) fn fail(&mut self, error: &WorkerError) {
        for (_, scores) in &mut self.entries {
            if matches!(scores, Scores::Running { .. }) {
                *scores = Scores::Failed(error.clone());
            }
        }
    }

    /// Forgets what failed; whether anything did.
    pub(in crate::app) fn forget_failed(&mut self) -> bool {
        let count = self.entries.len();
        self.entries.retain(|entry| !matches!(entry.1, Scores::Failed(_)));
        self.entries.len() < count
    }

    /// What is still to be computed of what is wanted, if some of it was never asked for. From then on only that is
    /// under way.
    pub(in crate::app) fn ask(&mut self, wanted: &[Ablation]) -> Option<Vec<Ablation>> {
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
        book.fail(&WorkerError::Cancelled);
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
