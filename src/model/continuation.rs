//! How a model goes on with a text, a token at a time: which token comes next, and the pass over the text with it. Ids
//! go on as ids: what was written is never cut into tokens again.

use std::fmt;
use std::sync::Arc;

use super::generate::Sampling;
use super::{Cancel, Model, ModelError};
use crate::attention::{Capture, NextToken, TextEnding, Token};

/// How the next token is chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Choice {
    /// How one is drawn.
    pub sampling: Sampling,
    /// Whether it is the one that is drawn, and not the likeliest.
    pub is_drawn: bool,
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.is_drawn {
            true => self.sampling.fmt(f),
            false => f.write_str("the likeliest"),
        }
    }
}

impl Model {
    /// The token that comes after a capture's last one.
    ///
    /// # Errors
    /// If the model has no output head, or the logits are no numbers.
    pub fn choose(&self, capture: &Capture, choice: Choice) -> Result<NextToken, ModelError> {
        self.check_output_head()?;
        match capture.next.first().filter(|_| !choice.is_drawn) {
            Some(likeliest) => Ok(likeliest.clone()),
            None => self.draw(capture, choice.sampling),
        }
    }

    /// A token after a capture's last one, with the probability that the model gave it.
    pub fn next_token(&self, capture: &Capture, id: u32) -> NextToken {
        let probability = capture.probability_of(id).unwrap_or_default() as f32;
        NextToken { token: self.token(id), probability }
    }

    /// Whether the text ends where `next` would come.
    pub fn ending(&self, capture: &Capture, next: &NextToken) -> Option<TextEnding> {
        let context = self.info.context;
        if self.ends.contains(&next.token.id) {
            return Some(TextEnding::EndOfText(Box::new(next.clone())));
        }
        (capture.tokens.len() >= context).then_some(TextEnding::Context(context))
    }

    /// The pass over a capture's text and one more token, without the same heads, and the token that `sampling` draws
    /// after it. `prompt` is the number of bytes of the prompt; nothing where there are only ids, or where models read it
    /// in a chat template.
    ///
    /// # Errors
    /// As [`run_without`](Self::run_without).
    pub fn write(
        &self,
        capture: &Capture,
        next: &Token,
        (prompt, sampling): (Option<usize>, Sampling),
        cancel: &Cancel,
    ) -> Result<Capture, ModelError> {
        let written = capture.prompt_tokens();
        let before = &capture.tokens[written..];
        let chat = capture.chat.as_deref();
        let prompt = chat.map(|chat| chat.before(&Token::joined_text(before)).len()).or(prompt);
        let start = before.last().map(|token| token.span.end).or(prompt);
        let span = start.filter(|_| prompt.is_some()).map_or(0..0, |start| start..start + next.bytes().len());
        let token = Token { span, is_generated: true, ..next.clone() };
        let tokens: Vec<Token> = capture.tokens.iter().cloned().chain([token]).collect();
        let chat =
            chat.map(|chat| chat.grown(&Token::joined_text(before), &Token::joined_text(&tokens[written..])));
        let pass = self.run_without(tokens, &capture.ablation, cancel, &mut |_| ())?;
        let drawn = self.info.has_output_head.then(|| self.draw(&pass, sampling)).transpose()?;
        Ok(Capture { chat: chat.map(Arc::new), drawn, ..pass })
    }
}
