//! What is found about passes with more than the pass itself, for the commands that print it and for recipes.

use std::sync::Arc;

use super::failure::Failure;
use super::session::Session;
use crate::attention::ablation::next_divergence;
use crate::attention::knockout::{HiddenSpan, KeyMeasures, SpanEffect};
use crate::attention::patching::{LogitPair, PatchError, check_pair};
use crate::attention::push::Push;
use crate::attention::segments::Segments;
use crate::attention::shift::{HeadShift, check_shape, shifted_heads};
use crate::attention::sinks::Sinks;
use crate::attention::{Capture, escape_controls};
use crate::export::effect::EffectPass;
use crate::export::patch::PatchedPass;
use crate::export::push::PushPass;
use crate::export::shift::Shifted;
use crate::export::sinks::SinkPass;
use crate::export::{Found, FoundSubject, HiddenBy, LogitTokens, Recipe, Source, Subject};
use crate::model::{Model, Patch, ResidualStream};
use crate::vocabulary::Patched;

/// Likeliest next tokens that are listed.
const NEXT: usize = 10;

/// A pass, and how it was made.
pub(super) type Read = (Capture, Source);

impl Session {
    /// What a recipe says was found about passes, in its order.
    ///
    /// # Errors
    /// If a pass has no such token or span, or the passes don't fit each other.
    pub fn find(&mut self, passes: Vec<(Arc<Model>, Capture)>, recipe: &Recipe) -> Result<Found, Failure> {
        let (mut pushes, mut effects, mut patched, mut sinks, mut shifted) =
            (vec![], vec![], vec![], vec![], vec![]);
        for ((model, capture), source) in passes.into_iter().zip(recipe.sources()) {
            let read = (capture, source.clone());
            match source.subject {
                Subject::Found(FoundSubject::Push(tokens, query)) => {
                    pushes.push(self.push(&model, read, tokens, query)?);
                }
                Subject::Found(FoundSubject::Effect(by, token)) => {
                    effects.push(self.effect(&model, read, by, token)?);
                }
                Subject::Found(FoundSubject::Patch(what, tokens)) => {
                    patched.push((model, read, what, tokens))
                }
                Subject::Found(FoundSubject::Sinks) => {
                    let stream = self.stream(&model, &read.0)?;
                    sinks.push(self.sinks(&model, read, &stream)?);
                }
                Subject::Found(FoundSubject::Shift) => shifted.push(read),
                other => return Err(Failure::Failed(format!("{other}: nothing that is found about a pass"))),
            }
        }
        if !shifted.is_empty() {
            let passes = <[Read; 2]>::try_from(shifted);
            let passes =
                passes.map_err(|_| Failure::Failed("heads of two passes are compared".to_owned()))?;
            return Ok(Found::Shift(Box::new(self.shift(passes)?)));
        }
        let second = patched.pop();
        match (patched.pop(), second) {
            (Some((_, from, ..)), Some((model, to, what, tokens))) => {
                Ok(Found::Patch(Box::new(self.patch(&model, [from, to], what, tokens)?)))
            }
            (None, Some(_)) => Err(Failure::Failed("patching is of two passes: there is one".to_owned())),
            _ if !sinks.is_empty() => Ok(Found::Sinks(sinks)),
            _ if pushes.is_empty() => Ok(Found::Effect(effects)),
            _ => Ok(Found::Push(pushes)),
        }
    }

    /// What each part adds to the logit of a next token, after the last token if none is named.
    ///
    /// # Errors
    /// If there is no such token, or the model predicts nothing.
    pub fn push(
        &mut self,
        model: &Model,
        (capture, source): Read,
        tokens: LogitTokens,
        query: Option<usize>,
    ) -> Result<PushPass, Failure> {
        let push = self.push_at(model, &capture, query.unwrap_or(capture.tokens.len() - 1), tokens)?;
        let subject = Subject::Found(FoundSubject::Push(tokens, query));
        let recipe = Recipe::new(Source { subject, ..source }, None);
        Ok(PushPass { capture: Arc::new(capture), push: Arc::new(push), recipe })
    }

    /// What each part adds to the logit of a next token after a token.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn push_at(
        &mut self,
        model: &Model,
        capture: &Capture,
        query: usize,
        tokens: LogitTokens,
    ) -> Result<Push, Failure> {
        let pass = model.run_token(capture, query, NEXT, &self.cancel)?;
        self.say_gpu_failure(model);
        Ok(model.push(capture, &pass, (tokens.token, tokens.versus), &self.cancel)?)
    }

    /// Where heads put what they give to no word, and what is large in what flows between the layers.
    ///
    /// # Errors
    /// If it was stopped, or the device failed.
    pub fn sinks(
        &mut self,
        model: &Model,
        (capture, source): Read,
        stream: &ResidualStream,
    ) -> Result<SinkPass, Failure> {
        let activations = Arc::new(model.activations(stream, &self.cancel)?);
        let is_stopped = || self.cancel.is_cancelled();
        let sinks = Arc::new(Sinks::new(&capture, &is_stopped).ok_or(Failure::Interrupted)?);
        let recipe = Recipe::new(Source { subject: Subject::Found(FoundSubject::Sinks), ..source }, None);
        Ok(SinkPass { capture: Arc::new(capture), sinks, activations, recipe })
    }

    /// How far the heads of two passes are apart, the furthest first.
    ///
    /// # Errors
    /// If they are not of one shape, share no text, or it was stopped.
    pub fn shift(&mut self, [(left, of_left), (right, of_right)]: [Read; 2]) -> Result<Shifted, Failure> {
        check_shape(&left, &right).map_err(|why| {
            let names = [&left, &right].map(|capture| escape_controls(&capture.model.name));
            Failure::Failed(format!("{} and {}: {why}", names[0], names[1]))
        })?;
        let (mut heads, layers) = (Vec::new(), left.model.layers);
        for layer in 0..layers {
            self.cancel.check()?;
            self.reporter.progress(&format!("comparing layer {layer} of {layers}"));
            heads.extend(shifted_heads(&left, &right, layer).map_err(Failure::Failed)?);
        }
        self.reporter.clear();
        let mean = heads.iter().map(|head| head.divergence).sum::<f32>() / heads.len().max(1) as f32;
        HeadShift::sort(&mut heads);
        let next = next_divergence(&left, &right);
        let subject = Subject::Found(FoundSubject::Shift);
        let recipes = [of_left, of_right].map(|source| Recipe::new(Source { subject, ..source }, None));
        Ok(Shifted { captures: [left, right].map(Arc::new), recipes, heads, mean, next })
    }

    /// What hiding each span does.
    ///
    /// # Errors
    /// If there is no such span or token, the prompt can't be cut so, or the model predicts nothing.
    pub fn effect(
        &mut self,
        model: &Model,
        (capture, source): Read,
        by: HiddenBy,
        token: Option<u32>,
    ) -> Result<EffectPass, Failure> {
        let spans = spans(by, &capture, &source)?;
        let capture = Arc::new(capture);
        let last = capture.tokens.len() - 1;
        let pass = model.run_token(&capture, last, 1, &self.cancel)?;
        self.say_gpu_failure(model);
        let push = model.push(&capture, &pass, (token, None), &self.cancel)?;
        let keys = KeyMeasures::new(&capture, &push).map_err(|error| Failure::Failed(error.to_string()))?;
        let mut effects = Vec::new();
        for (at, span) in spans.iter().enumerate() {
            let (name, count) = (&model.info().name, spans.len());
            self.reporter.progress(&format!("{name}: span {} of {count}", at + 1));
            let after = model.run_hiding(&capture, span.tokens.clone(), &self.cancel, &mut |_| ())?;
            effects.extend(SpanEffect::new(span.clone(), &capture, &after, &keys));
            self.say_gpu_failure(model);
        }
        self.reporter.clear();
        let subject = Subject::Found(FoundSubject::Effect(by, token));
        let recipe = Recipe::new(Source { subject, ..source }, None);
        Ok(EffectPass { capture, target: keys.target, effects, recipe })
    }

    /// How far each place of the first pass brings the second one.
    ///
    /// # Errors
    /// If the prompts are of different lengths, or both speak for the same token.
    pub fn patch(
        &mut self,
        model: &Model,
        passes: [Read; 2],
        what: Patched,
        tokens: LogitTokens,
    ) -> Result<PatchedPass, Failure> {
        let name = &model.info().name;
        let failed = |error: PatchError| Failure::Failed(format!("{name}: {error}"));
        let [(from, taken), (to, changed)] = passes;
        let captures = [from, to].map(Arc::new);
        check_pair(&captures[0], &captures[1]).map_err(failed)?;
        let next = |at: usize, id: Option<u32>| id.map(|id| model.next_token(&captures[at], id));
        let logits =
            LogitPair::new([&captures[0], &captures[1]], next(0, tokens.token), next(1, tokens.versus))
                .map_err(failed)?;
        let mut patch = Patch::new(captures.clone(), what, logits)?;
        while !patch.is_done() {
            let (done, all) = patch.progress();
            self.reporter.progress(&format!("{name}: place {} of {all}", done + 1));
            patch.step(model, &self.cancel)?;
        }
        self.reporter.clear();
        let subject = Subject::Found(FoundSubject::Patch(what, tokens));
        let recipes = [taken, changed].map(|source| Recipe::new(Source { subject, ..source }, None));
        Ok(PatchedPass { captures, found: Arc::new(patch.found()), recipes })
    }
}

/// The spans that are hidden.
fn spans(by: HiddenBy, capture: &Capture, source: &Source) -> Result<Vec<HiddenSpan>, Failure> {
    let tokens = &capture.tokens;
    let rule = match by {
        HiddenBy::Words => return Ok(HiddenSpan::words(tokens)),
        HiddenBy::Spans => {
            if let Some(span) = source.spans.iter().find(|span| span.is_empty() || span.end > tokens.len()) {
                return Err(Failure::Failed(format!(
                    "there is no span {}:{}: {} reads {} tokens of the prompt",
                    span.start,
                    span.end,
                    capture.model.name,
                    tokens.len()
                )));
            }
            return Ok(source.spans.iter().map(|span| HiddenSpan::of(tokens, span.clone())).collect());
        }
        HiddenBy::Segments(_) => source.cut(),
    };
    let segments =
        Segments::new(capture, source.prompt(), &rule).map_err(|error| Failure::Failed(error.to_string()))?;
    let named = segments.named().map(|(name, tokens)| HiddenSpan { name: name.to_owned(), tokens });
    let named: Vec<HiddenSpan> = named.collect();
    // Behind the only one there is nothing.
    Ok(if named.len() < 2 { HiddenSpan::words(tokens) } else { named })
}
