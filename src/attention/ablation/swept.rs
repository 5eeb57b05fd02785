//! What each head alone is worth to the next token.

use crate::vocabulary::Instead;

/// What each head alone is worth: how far the next token moves without it.
#[derive(Debug, Clone, PartialEq)]
pub struct Swept {
    /// What stood in the place of each head.
    pub instead: Instead,
    /// \[layers\]\[heads\]: KL(with all heads ‖ without this one) of the next token, in nats.
    pub divergences: Vec<Vec<f32>>,
}

impl Swept {
    /// That of a head; nothing if there is no such head.
    pub fn of(&self, layer: usize, head: usize) -> Option<f32> {
        self.divergences.get(layer)?.get(head).copied()
    }
}
