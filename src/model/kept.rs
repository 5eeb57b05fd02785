//! What a model keeps of what it ran last, so that a prompt that begins alike costs only what is new.

use std::sync::{Arc, Mutex, PoisonError};

use super::decoder::Past;
use super::spec::DecoderSpec;
use crate::attention::{Ablation, Capture, Computed, Token};

/// Passes that are kept, of different heads that are off: with all heads on, and without some.
const KEPT: usize = 2;

/// Why a prompt that begins like the one before was computed from its first token on.
const OTHER_FACTORS: &str =
    "this many tokens turn by other factors (LongRoPE): the whole prompt was computed again";

/// The same, of heads that are off.
const OTHER_MEANS: &str =
    "what heads give on average changes with the text: the whole prompt was computed again";

/// The newest passes of a model, the oldest first. Captures share their memory with those that go on from them.
#[derive(Debug)]
pub struct KeptPasses(Option<Mutex<Vec<Arc<Capture>>>>);

/// What is known of a prompt before it runs.
pub enum Known {
    /// All of it: this is what the pass would give.
    All(Arc<Capture>),
    /// As much as `Computed` says, from this pass; of none, nothing.
    Some(Option<Arc<Capture>>, Computed),
}

impl KeptPasses {
    /// For a model that keeps its passes, or one that keeps nothing.
    pub fn new(keeps: bool) -> Self {
        Self(keeps.then(Mutex::default))
    }

    /// What is known of a prompt.
    pub fn of(&self, tokens: &[Token], ablation: &Ablation, spec: &DecoderSpec) -> Known {
        let Some(kept) = &self.0 else { return Known::Some(None, Computed::default()) };
        let kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(capture) = kept.iter().rev().find(|capture| capture.ablation == *ablation) else {
            return Known::Some(None, Computed::default());
        };
        if *capture.tokens == *tokens {
            return Known::All(capture.clone());
        }
        let ids = capture.tokens.iter().zip(tokens);
        let same = ids.take_while(|(before, now)| before.id == now.id).count();
        // The last one always runs: it says what comes next.
        let from = same.min(tokens.len() - 1);
        if from > 0 && ablation.needs_means() {
            return Known::Some(None, Computed { note: Some(OTHER_MEANS), ..Computed::default() });
        }
        if from > 0 && !spec.turns_alike(capture.tokens.len(), tokens.len()) {
            return Known::Some(None, Computed { note: Some(OTHER_FACTORS), ..Computed::default() });
        }
        Known::Some((from > 0).then(|| capture.clone()), Computed::from(from))
    }

    /// Forgets all.
    pub fn clear(&self) {
        if let Some(kept) = &self.0 {
            kept.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }

    /// Keeps a pass in the place of the one without the same heads.
    pub fn keep(&self, capture: &Capture) {
        let Some(kept) = &self.0 else { return };
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|before| before.ablation != capture.ablation);
        let superfluous = (kept.len() + 1).saturating_sub(KEPT);
        kept.drain(..superfluous);
        kept.push(Arc::new(capture.clone()));
    }
}

impl Known {
    /// The tokens that need not run.
    pub fn past(&self) -> Past<'_> {
        match self {
            Self::Some(Some(capture), computed) => Past { tokens: computed.from, layers: &capture.layers },
            _ => Past::default(),
        }
    }
}
