//! Values of flags that only a model can refuse, or the prompt: each message names the flag, the value and what there is.

use std::fmt::Display;
use std::ops::Range;

use super::asked::Asked;
use super::failure::Failure;
use super::session::Session;
use crate::attention::{Ablation, ModelInfo, View, escape_controls};
use crate::export::LogitTokens;
use crate::model::Model;

impl Session {
    /// Loads the model of a pass that is asked for.
    ///
    /// # Errors
    /// As [`load`](Self::load), or if the model lacks a head that is to be off.
    pub fn load_asked(&mut self, asked: &Asked) -> Result<Model, Failure> {
        let model = self.load(&asked.model)?;
        check_heads("--without", &asked.without, model.info())?;
        Ok(model)
    }
}

/// Refuses heads that a model lacks.
///
/// # Errors
/// If there are some.
pub fn check_heads(flag: &str, heads: &Ablation, info: &ModelInfo) -> Result<(), Failure> {
    let Some(missing) = heads.beyond(info) else { return Ok(()) };
    let (layer, head) = (missing.layer().unwrap_or(0), missing.head().unwrap_or(0));
    info.check(missing).map_err(|error| failed(flag, format!("{layer}.{head}"), error.there_is()))
}

/// Refuses a view that a model lacks; `value` is what was typed.
///
/// # Errors
/// If it does.
pub fn check_view(value: impl Display, view: Option<View>, info: &ModelInfo) -> Result<(), Failure> {
    let checked = view.map_or(Ok(()), |view| info.check(view));
    checked.map_err(|error| failed("--view", value, error.there_is()))
}

/// Refuses the place of a token that a prompt of so many tokens lacks; `value` is what was typed.
///
/// # Errors
/// If it does.
pub fn check_place(flag: &str, value: impl Display, place: usize, tokens: usize) -> Result<(), Failure> {
    if place < tokens { Ok(()) } else { Err(failed(flag, value, there_are(tokens))) }
}

/// Refuses spans that are not in a prompt of so many tokens.
///
/// # Errors
/// If there is one.
pub fn check_spans(flag: &str, spans: &[Range<usize>], tokens: usize) -> Result<(), Failure> {
    match spans.iter().find(|span| span.is_empty() || span.end > tokens) {
        Some(Range { start, end }) => Err(failed(flag, format!("{start}:{end}"), there_are(tokens))),
        None => Ok(()),
    }
}

/// The next token that a flag names, by its id or its text.
///
/// # Errors
/// If the model has none.
pub fn next_token(flag: &str, name: Option<&String>, model: &Model) -> Result<Option<u32>, Failure> {
    let named = name.map(|name| model.token_named(name)).transpose();
    named.map_err(|error| Failure::Failed(format!("{flag}: {error}")))
}

/// The next tokens that `--token` and `--versus` name.
///
/// # Errors
/// If the model has one of them not, or they are the same.
pub fn logit_tokens([token, versus]: [Option<&String>; 2], model: &Model) -> Result<LogitTokens, Failure> {
    let named = LogitTokens {
        token: next_token("--token", token, model)?,
        versus: next_token("--versus", versus, model)?,
    };
    match named {
        LogitTokens { token: Some(id), versus: Some(other) } if id == other => {
            let text = escape_controls(&model.token(id).text);
            Err(Failure::Failed(format!(
                "--token and --versus are both token {id}, \"{text}\": name two tokens"
            )))
        }
        named => Ok(named),
    }
}

fn failed(flag: &str, value: impl Display, there_is: String) -> Failure {
    Failure::Failed(format!("{flag} {value}: {there_is}"))
}

fn there_are(tokens: usize) -> String {
    match tokens {
        1 => "the prompt has one token, 0".to_owned(),
        _ => format!("the prompt has {tokens} tokens, 0 to {}", tokens.saturating_sub(1)),
    }
}
