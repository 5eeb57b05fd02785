//! What changes when heads are switched off.

use std::collections::BTreeSet;

use rayon::prelude::*;

use crate::attention::logits::log_probabilities;
use crate::attention::{Capture, NextToken, NoSuchView, mean_divergence};
use crate::vocabulary::View;

/// A next token of two passes.
#[derive(Debug, Clone, PartialEq)]
pub struct NextChange {
    /// The token, with its probability before.
    pub before: NextToken,
    /// Its probability after.
    pub after: f32,
}

/// The likeliest next tokens of either pass with both probabilities. Tokens are in the order of the larger of the
/// two. Empty without an output head.
pub fn next_changes(before: &Capture, after: &Capture) -> Vec<NextChange> {
    let (old, new) = (before.probabilities(), after.probabilities());
    let mut ids = BTreeSet::new();
    let listed = before.next.iter().chain(&after.next);
    let mut changes: Vec<NextChange> = listed
        .filter(|next| ids.insert(next.token.id))
        .map(|next| {
            let probability = |of: &[f64]| of[next.token.id as usize] as f32;
            let before = NextToken { token: next.token.clone(), probability: probability(&old) };
            NextChange { before, after: probability(&new) }
        })
        .collect();
    let largest = |change: &NextChange| change.before.probability.max(change.after);
    changes.sort_by(|a, b| largest(b).total_cmp(&largest(a)));
    changes
}

/// KL(before ‖ after) of the next-token distributions, in nats; nothing without an output head, or over other
/// vocabularies.
pub fn next_divergence(before: &Capture, after: &Capture) -> Option<f64> {
    logits_divergence(&before.logits, &after.logits)
}

/// The same from the logits of the next token.
pub fn logits_divergence(before: &[f32], after: &[f32]) -> Option<f64> {
    if before.is_empty() || before.len() != after.len() {
        return None;
    }
    let (p, q) = (log_probabilities(before), log_probabilities(after));
    Some(p.iter().zip(&q).map(|(p, q)| p.exp() * (p - q)).sum::<f64>().max(0.0))
}

/// A head, and how far its pattern moved.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MovedHead {
    /// Layer, from zero.
    pub layer: usize,
    /// Query head of that layer, from zero.
    pub head: usize,
    /// Jensen-Shannon divergence of a row before and after, the sink among its outcomes, in nats; the mean over
    /// rows.
    pub divergence: f32,
}

/// How far the heads of a layer moved from one pass to another over the same tokens, in order.
///
/// # Errors
/// If there is no such layer.
///
/// # Panics
/// If the passes are over different numbers of tokens.
pub fn moved_heads(before: &Capture, after: &Capture, layer: usize) -> Result<Vec<MovedHead>, NoSuchView> {
    let moved = |head: usize| {
        let view = View::Head { layer, head };
        let divergence = mean_divergence(&before.matrix(view)?, &after.matrix(view)?);
        Ok(MovedHead { layer, head, divergence })
    };
    (0..before.model.heads).into_par_iter().map(moved).collect()
}
