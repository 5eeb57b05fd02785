//! Heads that are switched off, in either slot.

use crate::attention::Ablation;
use crate::vocabulary::Instead;
use crate::worker::protocol::Slot;

/// The heads that are switched off: each step switched one off, or on again; the newest is the last.
#[derive(Debug, Clone, Default)]
pub struct Ablations {
    steps: Vec<Step>,
    /// What stands in the place of heads that are off.
    instead: Instead,
}

/// A slot, a layer and a head.
pub(in crate::app) type Step = (Slot, usize, usize);

impl Ablations {
    /// The heads of a slot's model that are off.
    pub fn of(&self, slot: Slot) -> Ablation {
        let mut ablation = Ablation::default();
        self.steps
            .iter()
            .filter(|step| step.0 == slot)
            .for_each(|&(_, layer, head)| ablation.toggle(layer, head));
        // Of no heads there is one kind only.
        if ablation.is_empty() { ablation } else { ablation.replaced_by(self.instead) }
    }

    /// Puts the other thing in the place of heads that are off; what that is now.
    pub(in crate::app) fn replace(&mut self) -> Instead {
        self.instead = self.instead.next();
        self.instead
    }

    /// Switches a head off, or on again.
    pub(in crate::app) fn toggle(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// Takes the last step back: the slot that it was about.
    pub(in crate::app) fn undo(&mut self) -> Option<Slot> {
        self.steps.pop().map(|step| step.0)
    }

    /// Switches all heads on: the slot that the last step was about.
    pub(in crate::app) fn clear(&mut self) -> Option<Slot> {
        let slot = self.undo();
        self.steps.clear();
        slot
    }

    /// Forgets the steps of a slot; whether there were any.
    pub(in crate::app) fn forget(&mut self, slot: Slot) -> bool {
        let count = self.steps.len();
        self.steps.retain(|step| step.0 != slot);
        self.steps.len() < count
    }
}
