//! Heads that are switched off, and what that changes.

mod effect;
mod heads;

pub use effect::{MovedHead, NextChange, moved_heads, next_changes, next_divergence};
pub use heads::{Ablation, ParseAblationError};
