//! A text that another model writes, read by the model of a slot: each token of that is a text of its own, which this
//! model cuts into its own tokens.

use std::sync::Arc;
use std::time::Instant;

use crate::attention::{Capture, Token};
use crate::model::Model;
use crate::vocabulary::Conversation;
use crate::worker::error::WorkerError;
use crate::worker::job::{Job, Progress, SlotJob, StepContext};
use crate::worker::latest_job::{Key, Rank};
use crate::worker::protocol::{Event, ReadJob};

use super::write::KIND;

impl Job for ReadJob {
    /// A slot either writes or reads.
    fn key(&self) -> Key {
        Key { rank: Rank::Prompt, kind: KIND, asker: 0 }
    }

    fn failed(&self, error: WorkerError) -> Event {
        Event::WritingEnded { slot: self.slot, job: self.id, ended: Err(error) }
    }
}

impl SlotJob for ReadJob {
    /// Without its model it is answered at once.
    fn is_ready(&self, _: Option<&Model>) -> bool {
        true
    }

    fn step(&mut self, context: &mut StepContext<'_>) -> Result<Progress, WorkerError> {
        let model = context.model_of(&self.model)?;
        let begun = Instant::now();
        let Conversation { user, answer, .. } = &self.chat;
        let (tokens, chat, prompt) = match self.is_chat {
            true => {
                let (tokens, chat) = model.tokenize_chat(&self.chat)?;
                let prompt = chat.text().len() - self.written;
                (tokens, Some(Arc::new(chat)), prompt)
            }
            false => {
                (model.tokenize(&format!("{user}{answer}"))?, None, user.len() + answer.len() - self.written)
            }
        };
        let mark = |token: Token| Token {
            is_generated: token.span.start >= prompt && !token.span.is_empty(),
            ..token
        };
        let tokens = tokens.into_iter().map(mark).collect();
        let pass = model.run_without(tokens, &self.ablation, context.cancel, &mut |_| ())?;
        let drawn = model.info().has_output_head.then(|| model.draw(&pass, self.sampling)).transpose()?;
        let capture = Arc::new(Capture { chat, drawn, ..pass });
        capture.prepare();
        let (slot, job, took) = (self.slot, self.id, begun.elapsed());
        context.answer(Event::Written { slot, job, capture, next: None, took });
        Ok(Progress::Done)
    }
}
