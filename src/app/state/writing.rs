//! Texts that models go on with: what each wrote after the prompt, a step for each token, and which step is looked at.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::attention::{Capture, NextToken, TextEnding, Token, memory};
use crate::worker::protocol::{JobId, Slot, WorkerError};

/// A token that was written.
#[derive(Debug, Clone)]
pub struct Step {
    /// The pass over the text with it.
    pub capture: Arc<Capture>,
    /// The token, with the probability that it had; nothing where another model wrote it.
    pub next: Option<Box<NextToken>>,
    /// How long it took.
    pub took: Duration,
    /// Bytes that it takes besides those that it shares with the step before.
    adds: u64,
}

/// How a model's writing stands.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum WriterStage {
    /// It writes nothing, or was stopped.
    #[default]
    Idle,
    /// It writes.
    Running,
    /// Its text does not go on.
    Ended(TextEnding),
    /// It failed.
    Failed(WorkerError),
}

/// What a model wrote after the prompt.
#[derive(Debug, Clone, Default)]
pub struct Writer {
    /// The pass over the prompt: step 0.
    pub start: Option<Arc<Capture>>,
    /// The steps that are kept: the newest.
    steps: VecDeque<Step>,
    /// How many steps before them are not kept.
    pub dropped: usize,
    /// How it stands.
    pub stage: WriterStage,
}

impl Writer {
    /// Tokens that are written.
    pub fn count(&self) -> usize {
        self.dropped + self.steps.len()
    }

    /// A step, counted from 1, if it is kept.
    pub fn step(&self, number: usize) -> Option<&Step> {
        self.steps.get(number.checked_sub(self.dropped + 1)?)
    }

    /// The pass of a step, counted from 0, which is the prompt; if it is kept.
    pub fn capture(&self, number: usize) -> Option<&Arc<Capture>> {
        if number == 0 { self.start.as_ref() } else { self.step(number).map(|step| &step.capture) }
    }

    /// Which step a pass is, if it is one of them that is kept; 0 is the prompt.
    pub fn number_of(&self, capture: &Arc<Capture>) -> Option<usize> {
        let is_it = |other: &Arc<Capture>| Arc::ptr_eq(other, capture);
        let at = self.steps.iter().rposition(|step| is_it(&step.capture));
        at.map(|at| self.dropped + at + 1).or_else(|| self.start.as_ref().is_some_and(is_it).then_some(0))
    }

    /// The step that stands for one that is not there: the last one, or the next one that is kept.
    pub fn nearest(&self, number: usize) -> usize {
        match number {
            0 => 0,
            number => number.max(self.dropped + 1).min(self.count()),
        }
    }

    /// Tokens a second, over its last steps.
    pub fn rate(&self) -> Option<f64> {
        const OVER: usize = 16;
        let took: Vec<f64> = self.steps.iter().rev().take(OVER).map(|step| step.took.as_secs_f64()).collect();
        let all: f64 = took.iter().sum();
        (all > 0.0).then(|| took.len() as f64 / all)
    }

    /// Adds a token that was written.
    pub(in crate::app) fn push(
        &mut self,
        capture: Arc<Capture>,
        next: Option<Box<NextToken>>,
        took: Duration,
    ) {
        let adds = match self.capture(self.count()) {
            Some(before) => memory([&**before, &*capture]).saturating_sub(memory([&**before])),
            None => memory([&*capture]),
        };
        self.steps.push_back(Step { capture, next, took, adds });
    }

    /// Forgets the steps after one; all of them if that one is not kept.
    pub(in crate::app) fn cut(&mut self, number: usize) {
        if number <= self.dropped {
            (self.dropped, self.steps) = (0, VecDeque::new());
        }
        self.steps.truncate(number.saturating_sub(self.dropped));
    }

    /// Forgets its first step that is kept, but never the last one. Returns whether there was one.
    fn drop_first(&mut self) -> bool {
        let has_more = self.steps.len() > 1;
        if has_more {
            self.dropped += 1;
            self.steps.pop_front();
        }
        has_more
    }

    /// Bytes of the steps that are kept.
    fn bytes(&self) -> u64 {
        let first = self.steps.front().map_or(0, |step| memory([&*step.capture]));
        first + self.steps.iter().skip(1).map(|step| step.adds).sum::<u64>()
    }
}

/// What both models wrote after a prompt.
#[derive(Debug, Clone, Default)]
pub struct Writing {
    /// Names what is written. A later one has a larger number.
    pub id: JobId,
    /// The job of the prompt that it goes on from.
    pub of: JobId,
    /// By slot.
    pub writers: [Writer; 2],
    /// The step that is looked at; nothing if that is the newest one.
    pub at: Option<usize>,
    /// The slot that writes for both, if the other one reads its text.
    pub leader: Option<Slot>,
    /// Whether the other slot is reading a step.
    pub(in crate::app) reads: bool,
    /// Whether somebody wants it to begin as soon as the prompt has run; and whether one is to write for both.
    pub awaited: Option<bool>,
}

impl Writing {
    /// Another one, after another prompt.
    pub(in crate::app) fn renewed(&self, of: JobId) -> Self {
        Self { id: JobId(self.id.0 + 1), of, ..Self::default() }
    }

    /// What the model of a slot wrote.
    pub fn writer(&self, slot: Slot) -> &Writer {
        &self.writers[slot.index()]
    }

    /// Steps that can be looked at: of the model that wrote most.
    pub fn count(&self) -> usize {
        Slot::ALL.map(|slot| self.newest(slot)).into_iter().max().unwrap_or(0)
    }

    /// The newest step of a slot that can be looked at. Of one text for both, it is the newest one that both have read.
    fn newest(&self, slot: Slot) -> usize {
        let takes_part =
            |writer: &&Writer| writer.start.is_some() && !matches!(writer.stage, WriterStage::Failed(_));
        match self.leader {
            Some(_) => self.writers.iter().filter(takes_part).map(Writer::count).min().unwrap_or(0),
            None => self.writer(slot).count(),
        }
    }

    /// Whether anything is being written.
    pub fn is_running(&self) -> bool {
        self.writers.iter().any(|writer| writer.stage == WriterStage::Running)
    }

    /// The step of a slot that is looked at.
    pub fn step_of(&self, slot: Slot) -> usize {
        let writer = self.writer(slot);
        let newest = self.newest(slot).min(writer.count());
        self.at.map_or(newest, |at| writer.nearest(at.min(newest)))
    }

    /// The pass of a slot that is looked at, if something was written there.
    pub fn shown(&self, slot: Slot) -> Option<&Arc<Capture>> {
        let writer = self.writer(slot);
        writer.capture(self.step_of(slot)).filter(|_| writer.start.is_some())
    }

    /// Steps that are kept, of both models.
    pub fn kept_steps(&self) -> usize {
        self.writers.iter().map(|writer| writer.steps.len()).sum()
    }

    /// Bytes of all steps that are kept.
    pub fn bytes(&self) -> u64 {
        self.writers.iter().map(Writer::bytes).sum()
    }

    /// Forgets the first steps until the others take so many bytes at most: of the writer that keeps more of them.
    pub(in crate::app) fn fit(&mut self, most: u64) {
        while self.bytes() > most {
            let longest = self.writers.iter_mut().max_by_key(|writer| writer.steps.len());
            if !longest.is_some_and(Writer::drop_first) {
                return;
            }
        }
    }
}

/// The text that a model wrote behind a prompt.
pub fn written(capture: &Capture) -> String {
    Token::joined_text(&capture.tokens[capture.prompt_tokens()..])
}
