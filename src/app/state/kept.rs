//! Captures of earlier prompts, so that going back to one runs nothing again: the newest, within so much memory.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::attention::{Ablation, Capture, ModelInfo, SharedMemory};
use crate::vocabulary::Conversation;
use crate::worker::protocol::Sampling;

/// Captures that are kept, however small they are.
const MOST: usize = 512;

/// What a capture is found by, besides its model and the heads that were off.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptText {
    /// The prompt.
    pub prompt: String,
    /// The same as a turn of a conversation, if it was read as one.
    pub chat: Option<Conversation>,
    /// How its next token was drawn.
    pub sampling: Sampling,
}

/// Captures of earlier prompts.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    /// Bytes that all of them may take.
    pub most: u64,
    /// The oldest first.
    captures: VecDeque<(KeptText, Arc<Capture>)>,
    memory: SharedMemory,
}

impl Kept {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.captures.len()
    }

    /// Bytes that they take.
    pub fn bytes(&self) -> u64 {
        self.memory.bytes()
    }

    /// Keeps a capture as the newest one.
    pub(in crate::app) fn keep(&mut self, text: KeptText, capture: Arc<Capture>) {
        self.let_go(|(known, old)| *known == text && is_same(old, &capture.model, &capture.ablation));
        count(&mut self.memory, &capture, SharedMemory::add);
        self.captures.push_back((text, capture));
        self.fit(self.most);
    }

    /// The capture of a text by this very model, which is the newest one from now on.
    pub(in crate::app) fn find(
        &mut self,
        text: &KeptText,
        model: &Arc<ModelInfo>,
        ablation: &Ablation,
    ) -> Option<Arc<Capture>> {
        let is_it = |kept: &(KeptText, Arc<Capture>)| kept.0 == *text && is_same(&kept.1, model, ablation);
        let at = self.captures.iter().rposition(is_it)?;
        let found = self.captures.remove(at)?;
        let capture = found.1.clone();
        self.captures.push_back(found);
        Some(capture)
    }

    /// Keeps only captures of models that are still there.
    pub(in crate::app) fn retain(&mut self, is_there: impl Fn(&Arc<ModelInfo>) -> bool) {
        self.let_go(|(_, capture)| !is_there(&capture.model));
    }

    /// Lets the oldest go until the others take so many bytes at most.
    pub(in crate::app) fn fit(&mut self, most: u64) {
        while (self.bytes() > most || self.captures.len() > MOST)
            && let Some((_, capture)) = self.captures.pop_front()
        {
            count(&mut self.memory, &capture, SharedMemory::remove);
        }
    }

    fn let_go(&mut self, goes: impl Fn(&(KeptText, Arc<Capture>)) -> bool) {
        let Self { captures, memory, .. } = self;
        captures.retain(|kept| {
            let goes = goes(kept);
            if goes {
                count(memory, &kept.1, SharedMemory::remove);
            }
            !goes
        });
    }
}

/// Counts a capture, and the one with all heads on beside it.
fn count(memory: &mut SharedMemory, capture: &Capture, how: impl Fn(&mut SharedMemory, &Capture)) {
    how(memory, capture);
    if let Some(before) = &capture.before {
        how(memory, before);
    }
}

fn is_same(capture: &Capture, model: &Arc<ModelInfo>, ablation: &Ablation) -> bool {
    Arc::ptr_eq(&capture.model, model) && capture.ablation == *ablation
}
