//! Heads that are switched off, on either side.

use crate::attention::Ablation;
use crate::worker::protocol::Side;

/// The heads that are switched off: each step switched one off, or on again; the newest is the last.
#[derive(Debug, Clone, Default)]
pub struct Ablations {
    steps: Vec<Step>,
}

/// A side, a layer and a head.
pub(in crate::app) type Step = (Side, usize, usize);

impl Ablations {
    /// The heads of a side's model that are off.
    pub fn of(&self, side: Side) -> Ablation {
        let mut ablation = Ablation::default();
        self.steps
            .iter()
            .filter(|step| step.0 == side)
            .for_each(|&(_, layer, head)| ablation.toggle(layer, head));
        ablation
    }

    /// Switches a head off, or on again.
    pub(in crate::app) fn toggle(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// Takes the last step back: the side that it was about.
    pub(in crate::app) fn undo(&mut self) -> Option<Side> {
        self.steps.pop().map(|step| step.0)
    }

    /// Switches all heads on: the side that the last step was about.
    pub(in crate::app) fn clear(&mut self) -> Option<Side> {
        let side = self.undo();
        self.steps.clear();
        side
    }

    /// Forgets the steps of a side; whether there were any.
    pub(in crate::app) fn forget(&mut self, side: Side) -> bool {
        let count = self.steps.len();
        self.steps.retain(|step| step.0 != side);
        self.steps.len() < count
    }
}
