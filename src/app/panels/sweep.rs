//! What each head alone is worth to the next token, for the panels that show it.

use std::sync::Arc;

use super::panes::Panes;
use crate::app::action::Effect;
use crate::app::state::displayed::{DisplayedCapture, SweepStage};
use crate::app::state::scores::Scores;
use crate::app::state::side::Side;
use crate::attention::{Capture, HeadEntry, Over, Statistic};
use crate::worker::protocol::{Request, SweepJob};

impl Panes {
    /// All heads of what is on screen, layer after layer, with all that is known of each.
    pub fn entries(&self, shown: &DisplayedCapture) -> Vec<HeadEntry> {
        let scores = match self.scores_of(shown) {
            Some(Scores::Known(scores)) => Some(scores),
            _ => None,
        };
        let mut entries = HeadEntry::all(&shown.capture);
        for entry in &mut entries {
            entry.repeated = scores.and_then(|all| all.get(entry.layer)?.get(entry.head)).copied();
            entry.swept = shown.swept().and_then(|swept| swept.of(entry.layer, entry.head));
        }
        entries
    }

    /// Asks for what a statistic is made of, unless it is of the prompt or somebody did.
    pub(in crate::app) fn ask_for(&mut self, statistic: Statistic) -> Vec<Effect> {
        match statistic.over() {
            Over::Prompt(..) => self.stop_sweeps(),
            Over::Repeated(_) => [self.stop_sweeps(), self.ask_for_scores()].concat(),
            Over::Sweep => self.ask_for_sweeps(),
        }
    }

    /// Forgets the numbers that failed, so that they are asked for again; whether any did.
    pub(in crate::app) fn forget_failed_numbers(&mut self) -> bool {
        let scores = self.forget_failed_scores();
        self.forget_failed_sweeps() || scores
    }

    /// Stops the sweeps that nobody looks at any more: each takes a pass for every head.
    fn stop_sweeps(&mut self) -> Vec<Effect> {
        let mut running = false;
        for shown in self.all_mut().filter_map(|pane| pane.shown.as_mut()).filter(|shown| shown.is_sweeping())
        {
            (shown.sweep, running) = (SweepStage::Unknown, true);
        }
        if running { vec![Effect::Send(Request::StopSweeps)] } else { vec![] }
    }

    /// Asks for the sweeps of what is on screen, unless somebody did.
    fn ask_for_sweeps(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        for side in Side::BOTH {
            let slot = self.pane(side).shown.as_ref().and_then(|shown| self.slot_of(shown));
            let pane = self.pane_mut(side);
            let asker = pane.asker;
            if let (Some(slot), Some(shown)) = (slot, &mut pane.shown)
                && matches!(shown.sweep, SweepStage::Unknown)
            {
                let (done, all) = (0, shown.capture.model.layers * shown.capture.model.heads);
                shown.sweep = SweepStage::Running { done, all };
                let job = SweepJob { asker, slot, capture: shown.capture.clone(), done: Vec::new() };
                effects.push(Effect::Send(Request::Sweep(job)));
            }
        }
        effects
    }

    /// Takes what is heard of a sweep, for every pane that shows its capture.
    pub(in crate::app) fn take_sweep(&mut self, capture: &Arc<Capture>, stage: &SweepStage) {
        for shown in self.all_mut().filter_map(|pane| pane.shown.as_mut()) {
            // A report may come after the answer to another pane.
            if Arc::ptr_eq(&shown.capture, capture) && shown.is_sweeping() {
                shown.sweep = stage.clone();
            }
        }
    }

    /// Forgets the sweeps that failed, so that they are asked for again; whether any did.
    fn forget_failed_sweeps(&mut self) -> bool {
        let mut any = false;
        for shown in self.all_mut().filter_map(|pane| pane.shown.as_mut()) {
            if matches!(shown.sweep, SweepStage::Failed(_)) {
                (shown.sweep, any) = (SweepStage::Unknown, true);
            }
        }
        any
    }
}
