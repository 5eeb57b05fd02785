//! Heads that are switched off, and what that changes.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use rayon::prelude::*;

use super::{Capture, ModelInfo, NextToken, NoSuchView, View, log_sum_exp, mean_divergence};
use crate::vocabulary::serde_as_text;

/// Heads whose output is zero: what they would add to the residual stream, before the projection that heads
/// share, so that its bias stays. Written `5.1, 6.9`: layer and head, both counted from zero.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Ablation {
    heads: BTreeSet<(usize, usize)>,
}

impl Ablation {
    /// Whether all heads are on.
    pub fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }

    /// Whether a head is off.
    pub fn contains(&self, layer: usize, head: usize) -> bool {
        self.heads.contains(&(layer, head))
    }

    /// Switches a head off, or on again.
    pub fn toggle(&mut self, layer: usize, head: usize) {
        if !self.heads.remove(&(layer, head)) {
            self.heads.insert((layer, head));
        }
    }

    /// The heads of a layer that are off, in order.
    pub fn of_layer(&self, layer: usize) -> impl Iterator<Item = usize> + '_ {
        self.heads.range((layer, 0)..=(layer, usize::MAX)).map(|(_, head)| *head)
    }

    /// All of them, layer after layer.
    pub fn heads(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.heads.iter().copied()
    }

    /// The first head that a model doesn't have.
    pub fn beyond(&self, model: &ModelInfo) -> Option<View> {
        let view = |(layer, head)| View::Head { layer, head };
        self.heads().map(view).find(|view| !model.has(*view))
    }
}

serde_as_text!(Ablation);

impl fmt::Display for Ablation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (layer, head)) in self.heads().enumerate() {
            let comma = if at > 0 { ", " } else { "" };
            write!(f, "{comma}{layer}.{head}")?;
        }
        Ok(())
    }
}

/// A text that names no heads.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("'{0}' is no head: write 5.1,6.9, layer and head counted from zero")]
pub struct ParseAblationError(String);

impl FromStr for Ablation {
    type Err = ParseAblationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let head = |name: &str| {
            let (layer, head) = name.trim().split_once('.')?;
            Some((layer.parse().ok()?, head.parse().ok()?))
        };
        let read = |name: &str| head(name).ok_or_else(|| ParseAblationError(name.to_owned()));
        Ok(Self { heads: text.split(',').map(read).collect::<Result<_, _>>()? })
    }
}

/// A next token of two passes.
#[derive(Debug, Clone, PartialEq)]
pub struct NextChange {
    /// The token, with its probability before.
    pub before: NextToken,
    /// Its probability after.
    pub after: f32,
}

/// The likeliest next tokens of either pass with both probabilities; what was or became likelier comes first. None
/// without an output head.
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

/// KL(before ‖ after) of the next-token distributions, in nats; nothing without an output head.
pub fn next_divergence(before: &Capture, after: &Capture) -> Option<f64> {
    if before.logits.is_empty() {
        return None;
    }
    let (p, q) = (log_probabilities(&before.logits), log_probabilities(&after.logits));
    Some(p.iter().zip(&q).map(|(p, q)| p.exp() * (p - q)).sum::<f64>().max(0.0))
}

/// ln of the softmax.
pub(super) fn log_probabilities(logits: &[f32]) -> Vec<f64> {
    let sum = log_sum_exp(logits);
    logits.iter().map(|logit| f64::from(*logit) - sum).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes_and_what_people_type() {
        let ablation: Ablation = "6.9,5.1, 5.1".parse().unwrap();
        assert_eq!(ablation.to_string(), "5.1, 6.9");
        assert_eq!(ablation.to_string().parse(), Ok(ablation));
        for text in ["", "5", "5.", "5.1,", "5.1.2", "-1.0", "a.b"] {
            let error = text.parse::<Ablation>().unwrap_err();
            assert!(error.to_string().contains("5.1,6.9"), "{text}: {error}");
        }
    }

    #[test]
    fn a_head_goes_off_and_on_again() {
        let mut ablation = Ablation::default();
        ablation.toggle(5, 9);
        ablation.toggle(5, 1);
        ablation.toggle(6, 0);
        assert_eq!(ablation.of_layer(5).collect::<Vec<_>>(), [1, 9]);
        assert!(ablation.contains(6, 0) && !ablation.contains(6, 1));
        ablation.toggle(6, 0);
        assert_eq!(ablation.heads().collect::<Vec<_>>(), [(5, 1), (5, 9)]);
        assert_eq!(ablation.of_layer(6).count(), 0);
    }

    #[test]
    fn logarithms_of_probabilities_sum_to_one() {
        let logs = log_probabilities(&[1000.0, 1000.0 + 3f32.ln(), f32::MIN]);
        let expected = [0.25, 0.75, 0.0];
        assert!(logs.iter().zip(expected).all(|(log, p)| (log.exp() - p).abs() < 1e-5), "{logs:?}");
    }
}
