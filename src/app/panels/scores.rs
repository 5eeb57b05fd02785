//! What heads do on repeated random tokens, for the panels that show it.

use super::panes::Panes;
use crate::app::action::Effect;
use crate::app::state::side::Side;
use crate::worker::protocol::{Request, ScoringJob, Slot};

impl Panes {
    /// Asks for the scores of what is on screen, unless somebody did.
    pub(in crate::app) fn ask_for_scores(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        for slot in Slot::ALL {
            let mut wanted = Vec::new();
            for shown in self.shown() {
                let ablation = &shown.capture.ablation;
                if self.slot_of(shown) == Some(slot) && !wanted.contains(ablation) {
                    wanted.push(ablation.clone());
                }
            }
            let Some(model) = self.resident(slot).model.clone() else { continue };
            // A model that is still to read the prompt is on screen soon.
            if wanted.is_empty() && self.pinned(Side::of(slot)).is_none() {
                wanted.push(self.ablations.of(slot));
            }
            if let Some(ablations) = self.resident_mut(slot).scores.ask(&wanted) {
                effects.push(Effect::Send(Request::Score(ScoringJob { slot, model, ablations })));
            }
        }
        effects
    }

    /// Forgets the scores that failed, so that they are asked for again; whether any did.
    pub(super) fn forget_failed_scores(&mut self) -> bool {
        let failed = Slot::ALL.map(|slot| self.resident_mut(slot).scores.forget_failed());
        failed.contains(&true)
    }
}
