//! Heads that are switched off, and what that changes.

mod effect;
mod heads;
mod means;
mod swept;

pub use effect::{MovedHead, NextChange, logits_divergence, moved_heads, next_changes, next_divergence};
pub use heads::{Ablation, ParseAblationError};
pub use means::HeadMeans;
pub use swept::Swept;
