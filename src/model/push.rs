//! Push (direct logit attribution): what each part of a pass adds to the logit of a next token.
//!
//! The keys and values of a capture are all that a token needs to run again by itself. So the pass at any token costs
//! one token, and nothing of the residual stream has to be kept.

use candle_core::Tensor;
use rayon::prelude::*;

use super::decoder::{LayerRow, Past};
use super::host::to_values;
use super::run::OnGpu;
use super::spec::LogitsSpec;
use super::{Cancel, Hooks, Model, ModelError, Profile, ResidualPoint};
use crate::attention::push::{HeadPush, Push, PushedLogit};
use crate::attention::{Capture, LayerCapture, NO_OUTPUT_HEAD, NextToken, log_sum_exp, probability};
use crate::kernels::attention::Rows;
use crate::kernels::dot::dot;

/// The pass of a capture at one token.
#[derive(Debug)]
pub struct TokenPass {
    /// The position of the token.
    pub query: usize,
    /// The likeliest tokens after it, the likeliest first.
    pub next: Vec<NextToken>,
    /// The residual stream after the embedding, and after attention and MLP of each layer: \[1, hidden\].
    stream: Vec<Tensor>,
    /// What the heads of each layer took from the values: \[1, heads · head_dim\].
    contexts: Vec<Tensor>,
    /// \[vocabulary\]
    logits: Vec<f32>,
    /// Of these.
    log_sum_exp: f64,
    /// The same before they are capped, if they are.
    uncapped: Option<Vec<f32>>,
}

impl TokenPass {
    /// The logit of `target` less that of `versus`, or less the mean of all: before caps.
    fn logit(&self, target: u32, versus: Option<u32>) -> f64 {
        let logits = self.uncapped.as_ref().unwrap_or(&self.logits);
        let of = |id: u32| f64::from(logits[id as usize]);
        let mean = || logits.iter().map(|logit| f64::from(*logit)).sum::<f64>() / logits.len() as f64;
        of(target) - versus.map_or_else(mean, of)
    }
}

impl Model {
    /// The pass of a capture of this model at one of its tokens, run again; lists the `count` likeliest next tokens.
    ///
    /// # Errors
    /// If there is no output head or no such token, it was cancelled or the device failed.
    pub fn run_token(
        &self,
        capture: &Capture,
        query: usize,
        count: usize,
        cancel: &Cancel,
    ) -> Result<TokenPass, ModelError> {
        self.check_output_head()?;
        let tokens = capture.tokens.len();
        if query >= tokens {
            return Err(ModelError::Invalid(format!(
                "there is no token {query}: the prompt has tokens 0 to {}",
                tokens.saturating_sub(1)
            )));
        }
        // The tokens behind it change nothing at it, unless they make the prompt turn by other factors.
        let end = if self.turns_alike(query + 1, tokens) { query + 1 } else { tokens };
        let (mut stream, mut contexts) = (Vec::new(), Vec::new());
        let first = |x: &Tensor| Ok::<_, ModelError>(x.narrow(0, 0, 1)?.copy()?);
        let mut residual = |point: ResidualPoint, x: &mut Tensor| {
            if point == ResidualPoint::Embedding {
                stream.clear();
            }
            stream.push(first(x)?);
            Ok(())
        };
        let mut heads = |layer: usize, x: &mut Tensor| {
            contexts.truncate(layer);
            contexts.push(first(x)?);
            Ok(())
        };
        let mut hooks = Hooks {
            hidden: capture.layers.first().and_then(|layer| layer.rule.hidden),
            residual: Some(&mut residual),
            heads: Some(&mut heads),
            ..self.hooks_without(&capture.tokens, &capture.ablation, cancel)?
        };
        let past = Past { tokens: query, layers: &capture.layers };
        let (stop, profile) = ((cancel, &self.watch), &mut Profile::default());
        let run = || {
            let prompt = (&capture.tokens[..end], past);
            if let OnGpu::Done(_) = self.run_on_gpu(prompt, &mut hooks, cancel, &mut |_| ())? {
                return Ok(());
            }
            self.decoder.run_layers(prompt, self.engine, &mut hooks, profile, stop, &mut |_| ()).map(drop)
        };
        self.compute(1, run)?;
        let x = stream.last().ok_or_else(|| ModelError::Invalid(NO_OUTPUT_HEAD.to_owned()))?;
        let mut none = Profile::default();
        // After the last token they are known, and the output head is as large as a third of GPT-2's layers.
        let is_known = query + 1 == tokens && !capture.logits.is_empty();
        let logits = match is_known {
            true => capture.logits.clone(),
            false => self.compute(1, || self.decoder.unembed(x, self.engine, &mut none))?.concat(),
        };
        self.watch.check()?;
        let (spec, head) = (self.decoder.spec.logits, self.decoder.head.as_ref());
        let uncapped = match head.filter(|_| spec.softcap.is_some()) {
            Some(head) => {
                let spec = LogitsSpec { softcap: None, ..spec };
                Some(head.logits(x, &spec, self.decoder.runs_on_host(self.engine), &mut none)?.concat())
            }
            None => None,
        };
        let log_sum_exp = log_sum_exp(&logits);
        let next = self.likeliest(&logits, log_sum_exp, count);
        Ok(TokenPass { query, next, stream, contexts, logits, log_sum_exp, uncapped })
    }

    /// What each part of the pass adds to the logit of `target`, or of the likeliest next token; less that of `versus`, or
    /// less the mean of all logits. `pass` is that of the capture at a token.
    ///
    /// # Errors
    /// If there is no output head or no such next token, both are the same, it was cancelled or the device failed.
    pub fn push(
        &self,
        capture: &Capture,
        pass: &TokenPass,
        (target, versus): (Option<u32>, Option<u32>),
        cancel: &Cancel,
    ) -> Result<Push, ModelError> {
        let (Some(head), Some(likeliest)) = (&self.decoder.head, pass.next.first()) else {
            return Err(ModelError::Invalid(NO_OUTPUT_HEAD.to_owned()));
        };
        let target = target.unwrap_or(likeliest.token.id);
        for id in [Some(target), versus].into_iter().flatten() {
            self.check_next(id)?;
        }
        if versus == Some(target) {
            return Err(ModelError::Invalid(format!(
                "token {target} against itself: every part pushes 0, name another one with --token or --versus"
            )));
        }
        self.watch.check()?;
        let [x, last] = [0, pass.stream.len() - 1].map(|at| to_values(&pass.stream[at]));
        let work = || {
            let (mut direction, mut biases) =
                head.direction(&last?, (target, versus), &self.decoder.spec.logits)?;
            let (mut heads, mut mlps) = (Vec::new(), Vec::new());
            let mut means = capture.ablation.needs_means().then_some(0.0);
            for (layer, block) in self.decoder.blocks.iter().enumerate().rev() {
                cancel.check()?;
                let [before, between, after] = [0, 1, 2].map(|at| &pass.stream[2 * layer + at]);
                let row = LayerRow { before, between, after, context: &pass.contexts[layer] };
                let on_host = self.decoder.runs_on_host(self.engine);
                let effects = block.direct_effects(direction, row, on_host, cancel)?;
                let off: Vec<usize> = capture.ablation.of_layer(layer).collect();
                heads.push(heads_of(&capture.layers[layer], layer, pass.query, &effects.heads, &off));
                if let Some(means) = &mut means {
                    let (context, width) = (to_values(&pass.contexts[layer])?, self.decoder.spec.head_dim);
                    for part in off.iter().map(|head| head * width..(head + 1) * width) {
                        *means += dot(&effects.heads[part.clone()], &context[part]);
                    }
                }
                mlps.push(effects.mlp);
                biases += effects.biases;
                direction = effects.direction;
            }
            heads.reverse();
            mlps.reverse();
            let embedding = dot(&direction, &x?);
            Ok::<_, ModelError>((heads.concat(), PushedLogit { logit: 0.0, embedding, biases, means, mlps }))
        };
        let done = self.compute(1, work);
        self.watch.check()?;
        let (heads, rest) = done?;
        let rest = PushedLogit { logit: pass.logit(target, versus), ..rest };
        let next = |id: u32| {
            let probability = probability(&pass.logits, pass.log_sum_exp, id) as f32;
            NextToken { token: self.token(id), probability }
        };
        Ok(Push::new(pass.query, (next(target), versus.map(next), pass.next.clone()), heads, rest))
    }
}

/// The heads of a layer, by what they add along `direction` \[heads · head_dim\] among what they take from the values.
fn heads_of(
    layer: &LayerCapture,
    at: usize,
    query: usize,
    direction: &[f32],
    off: &[usize],
) -> Vec<HeadPush> {
    let value = &layer.qkv.get().value;
    let head_dim = value.head_dim();
    let of_head = |head: usize| {
        let seen = layer.head(head);
        let mut rows = Rows::default();
        seen.rows(query..query + 1, &mut rows);
        let Some(row) = rows.iter().next() else { return HeadPush::new((at, head), 0, &[], &[]) };
        let keys = row.first_key..row.first_key + row.weights.len();
        let along = match off.contains(&head) {
            true => vec![0.0; keys.len()],
            false => value.along(seen.kv_head, keys, &direction[head * head_dim..][..head_dim]),
        };
        HeadPush::new((at, head), row.first_key, row.weights, &along)
    };
    (0..layer.heads.len()).into_par_iter().map(of_head).collect()
}
