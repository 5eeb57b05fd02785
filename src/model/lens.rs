//! The logit lens: the residual stream of a pass, and what the model would predict from each of its layers.

use std::sync::Arc;

use candle_core::Tensor;

use super::kept::Known;
use super::{Cancel, Hooks, Model, ModelError, Profile, ResidualPoint};
use crate::attention::lens::{Lens, LensRow};
use crate::attention::{Ablation, Capture, Computed, Token, log_sum_exp, probability};

/// The residual stream of a pass.
#[derive(Debug)]
pub struct ResidualStream {
    /// After the embedding and after each layer, f32 or as the model computes: \[S, hidden\].
    states: Vec<Tensor>,
}

impl ResidualStream {
    /// After the embedding and after each layer: \[S, hidden\].
    pub(super) fn states(&self) -> &[Tensor] {
        &self.states
    }

    /// Before a layer, of the first tokens, \[tokens, hidden\]: a copy that can be written to.
    ///
    /// # Errors
    /// If there are not so many layers or tokens.
    pub(super) fn before(&self, layer: usize, tokens: usize) -> Result<Tensor, ModelError> {
        let states = self.states.get(layer).ok_or_else(|| {
            ModelError::Invalid(format!("there is no layer {layer}: there are {}", self.states.len() - 1))
        })?;
        Ok(states.narrow(0, 0, tokens)?.copy()?)
    }
}

impl Model {
    /// As [`run_without`](Self::run_without), and keeps the residual stream.
    ///
    /// # Errors
    /// As [`run_without`](Self::run_without), or if there is no memory for it.
    pub fn run_keeping(
        &self,
        tokens: Vec<Token>,
        ablation: &Ablation,
        cancel: &Cancel,
        on_layer: &mut (dyn FnMut(usize) + Send),
    ) -> Result<(Capture, ResidualStream), ModelError> {
        self.keeping(&Known::Some(None, Computed::default()), tokens, ablation, cancel, on_layer)
    }

    /// The residual stream of a capture of this model, of which `before` is known: that of a prompt which it goes on from, with
    /// the same heads off. Only what is behind that prompt runs.
    ///
    /// # Errors
    /// As [`run_keeping`](Self::run_keeping).
    pub fn keep_on(
        &self,
        capture: &Arc<Capture>,
        before: &ResidualStream,
        cancel: &Cancel,
        on_layer: &mut (dyn FnMut(usize) + Send),
    ) -> Result<ResidualStream, ModelError> {
        let from = before.states.first().map_or(Ok(0), |state| state.dim(0))?;
        let known = Known::Some(Some(capture.clone()), Computed::from(from));
        let (_, new) = self.keeping(&known, capture.tokens.to_vec(), &capture.ablation, cancel, on_layer)?;
        let states =
            before.states.iter().zip(&new.states).map(|(before, new)| Tensor::cat(&[before, new], 0));
        Ok(ResidualStream { states: states.collect::<Result<_, _>>()? })
    }

    fn keeping(
        &self,
        known: &Known,
        tokens: Vec<Token>,
        ablation: &Ablation,
        cancel: &Cancel,
        on_layer: &mut (dyn FnMut(usize) + Send),
    ) -> Result<(Capture, ResidualStream), ModelError> {
        let values = (self.info.layers + 1) * tokens.len() * self.decoder.spec.hidden;
        let needed = (values * size_of::<f32>()) as u64;
        let device = self.decoder.embedding.device();
        self.check_room(device, needed, "what flows between the layers", tokens.len())?;
        let mut states = Vec::with_capacity(self.info.layers + 1);
        let mut keep = |point: ResidualPoint, x: &mut Tensor| {
            if point == ResidualPoint::Embedding {
                states.clear();
            }
            if !matches!(point, ResidualPoint::AfterAttention(_)) {
                states.push(x.copy()?);
            }
            Ok(())
        };
        let mut hooks = Hooks { residual: Some(&mut keep), ..self.hooks_without(&tokens, ablation, cancel)? };
        let profile = &mut Profile::default();
        let capture = self.run_from(known, tokens, &mut hooks, profile, cancel, on_layer)?;
        Ok((capture, ResidualStream { states }))
    }

    /// What each layer would predict after the token with index `query`, the `count` likeliest tokens of each.
    ///
    /// # Errors
    /// If there is no output head, or no such token, or the device failed.
    pub fn lens(&self, stream: &ResidualStream, query: usize, count: usize) -> Result<Lens, ModelError> {
        self.check_output_head()?;
        let tokens = stream.states.first().map_or(Ok(0), |state| state.dim(0))?;
        if query >= tokens {
            return Err(ModelError::Invalid(format!(
                "there is no token {query}: the prompt has tokens 0 to {}",
                tokens.saturating_sub(1)
            )));
        }
        let states = stream.states.iter().map(|state| state.narrow(0, query, 1));
        let states = Tensor::cat(&states.collect::<Result<Vec<_>, _>>()?, 0)?;
        self.watch.check()?;
        let logits = self.decoder.unembed(&states, self.engine, &mut Profile::default());
        self.watch.check()?;
        let logits = logits?;
        let sums: Vec<f64> = logits.iter().map(|logits| log_sum_exp(logits)).collect();
        let likeliest = logits.iter().zip(&sums).map(|(logits, sum)| self.likeliest(logits, *sum, count));
        let likeliest: Vec<_> = likeliest.collect();
        let last = likeliest.last().and_then(|next| next.first()).map_or(0, |next| next.token.id);
        let of_last = logits.iter().zip(&sums).map(|(logits, sum)| probability(logits, *sum, last) as f32);
        let rows = likeliest.into_iter().zip(of_last).map(|(next, of_last)| LensRow { next, of_last });
        Ok(Lens { query, rows: rows.collect() })
    }

    /// Whether the stream of a prompt of so many tokens serves one of others that it goes on from.
    pub fn turns_alike(&self, tokens: usize, others: usize) -> bool {
        self.decoder.spec.turns_alike(tokens, others)
    }
}
