//! A pass through a model, captured.

use std::sync::Arc;

use candle_core::Device;

use super::cuda::CudaDecoder;
use super::decoder::Past;
use super::device::Place;
use super::kept::Known;
use super::recorder::Recorder;
use super::{Cancel, Hooks, Model, ModelError, Profile};
use crate::attention::ablation::HeadMeans;
use crate::attention::{
    Ablation, Cached, Capture, Computed, LayerCapture, ModelInfo, NextToken, Token, log_sum_exp, probability,
};
use crate::vocabulary::human_bytes;

/// Bytes of a capture below which nobody asks whether there is room for it.
const MUCH: u64 = 100_000_000;
/// Tokens times weights from which threads stay awake during a pass. For less, which takes a core about a millisecond,
/// they would only keep others from working: the viewer, and the other model.
const MUCH_WORK: u64 = 16_000_000;
/// What is said of a pass that a GPU was asked for and the CPU has computed.
const GPU_FAILED: &str = "the GPU failed: computed on the CPU";
/// What is said if a part of a pass can't be computed without what the GPU had of the rest.
const PAST_IS_GONE: &str = "the GPU failed, and what it kept of this prompt is gone: run the prompt again";
/// Likeliest next tokens that a capture lists.
const NEXT_TOKENS: usize = 10;
/// Logits that are looked at together, whether any of them is among the likeliest.
const LOGITS: usize = 256;

/// What became of a pass on a GPU.
pub(super) enum OnGpu {
    /// The model is on none, or the kernels can't do it.
    NotThere,
    /// The GPU has failed: somebody will be told.
    Failed,
    /// The logits after the last token, \[vocabulary\]; none without an output head.
    Done(Vec<f32>),
}

impl Model {
    /// Runs tokens through the model, from the first one on that differs from what it ran last. Reports finished layers
    /// and stops between layers when cancelled; then what it ran last stays what it was.
    ///
    /// # Errors
    /// If the tokens are none, too many or beyond the vocabulary, it was cancelled or the device failed.
    pub fn run(
        &self,
        tokens: Vec<Token>,
        cancel: &Cancel,
        on_layer: &mut (dyn FnMut(usize) + Send),
    ) -> Result<Capture, ModelError> {
        self.run_without(tokens, &Ablation::default(), cancel, on_layer)
    }

    /// As [`run`](Self::run), with some heads off.
    ///
    /// # Errors
    /// As [`run`](Self::run), or if the model hasn't got one of the heads.
    pub fn run_without(
        &self,
        tokens: Vec<Token>,
        ablation: &Ablation,
        cancel: &Cancel,
        on_layer: &mut (dyn FnMut(usize) + Send),
    ) -> Result<Capture, ModelError> {
        self.check_tokens(&tokens)?;
        self.watch.check()?;
        let known = self.kept.of(&tokens, ablation, &self.decoder.spec);
        if let Known::All(capture) = known {
            return Ok((*capture).clone());
        }
        let mut hooks = self.hooks_without(&tokens, ablation, cancel)?;
        let profile = &mut Profile::default();
        let capture = self.run_from(&known, tokens, &mut hooks, profile, cancel, on_layer)?;
        self.kept.keep(&capture);
        Ok(capture)
    }

    /// The hooks of a pass over tokens with some heads off. Where their means are put in their place, those come from a
    /// pass with all heads on.
    ///
    /// # Errors
    /// As [`run_without`](Self::run_without).
    pub(super) fn hooks_without<'a>(
        &self,
        tokens: &[Token],
        ablation: &Ablation,
        cancel: &Cancel,
    ) -> Result<Hooks<'a>, ModelError> {
        self.check_heads(ablation)?;
        let head_means = match ablation.needs_means() {
            true => self.run_aside(tokens, cancel)?.means_of(ablation),
            false => HeadMeans::default(),
        };
        Ok(Hooks { head_mask: ablation.clone(), head_means, ..Hooks::default() })
    }

    /// A pass with all heads on, which is not kept: another one may go on.
    fn run_aside(&self, tokens: &[Token], cancel: &Cancel) -> Result<Arc<Capture>, ModelError> {
        match self.kept.of(tokens, &Ablation::default(), &self.decoder.spec) {
            Known::All(capture) => Ok(capture),
            known => {
                let (mut hooks, mut profile) = (Hooks::default(), Profile::default());
                self.run_from(&known, tokens.to_vec(), &mut hooks, &mut profile, cancel, &mut |_| ())
                    .map(Arc::new)
            }
        }
    }

    /// As [`run`](Self::run), of all tokens, and returns what it cost. On a GPU it waits for each part, and takes longer.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn profile(
        &self,
        tokens: Vec<Token>,
        cancel: &Cancel,
        on_layer: &mut (dyn FnMut(usize) + Send),
    ) -> Result<(Capture, Profile), ModelError> {
        let device = Some(self.decoder.embedding.device().clone());
        let mut profile = Profile { device, ..Profile::default() };
        let capture = self.run_hooked(tokens, &mut Hooks::default(), &mut profile, cancel, on_layer)?;
        Ok((capture, profile))
    }

    /// Runs all tokens, whatever is known of them, with `hooks` in the pass, and adds what it costs to `profile`. Nothing
    /// is kept of it.
    ///
    /// # Errors
    /// As [`run_without`](Self::run_without), or if a hook fails.
    pub fn run_hooked(
        &self,
        tokens: Vec<Token>,
        hooks: &mut Hooks<'_>,
        profile: &mut Profile,
        cancel: &Cancel,
        on_layer: &mut (dyn FnMut(usize) + Send),
    ) -> Result<Capture, ModelError> {
        let known = Known::Some(None, Computed::default());
        self.run_from(&known, tokens, hooks, profile, cancel, on_layer)
    }

    /// Runs what is not known of a prompt.
    pub(super) fn run_from(
        &self,
        known: &Known,
        tokens: Vec<Token>,
        hooks: &mut Hooks<'_>,
        profile: &mut Profile,
        cancel: &Cancel,
        on_layer: &mut (dyn FnMut(usize) + Send),
    ) -> Result<Capture, ModelError> {
        self.check_tokens(&tokens)?;
        self.check_heads(&hooks.head_mask)?;
        let (before, mut computed) = match known {
            Known::Some(before, computed) => (before.as_ref().map(|before| &before.mean), *computed),
            Known::All(capture) => (Some(&capture.mean), capture.computed),
        };
        let past = known.past();
        self.check_capture_room(tokens.len(), past.tokens)?;
        let shape = (tokens.len(), self.info.layers, self.info.has_sinks);
        let mut recorder = Recorder::new(shape, before, past.tokens);
        let run = || {
            let prompt = (tokens.as_slice(), past);
            let mut on_layer = |layer| on_layer(recorder.add(layer));
            let on_gpu = self.run_on_gpu(prompt, hooks, cancel, &mut on_layer)?;
            computed.on_cpu = self.cuda.is_some() && !matches!(on_gpu, OnGpu::Done(_));
            if matches!(on_gpu, OnGpu::Failed) {
                computed.note = Some(GPU_FAILED);
            }
            let logits = match on_gpu {
                OnGpu::Done(logits) => logits,
                _ if self.cuda.is_some() && !past.is_here() => return Ok(None),
                OnGpu::NotThere | OnGpu::Failed => {
                    let stop = (cancel, &self.watch);
                    self.decoder.run(prompt, self.engine, hooks, profile, stop, &mut on_layer)?
                }
            };
            let log_sum_exp = log_sum_exp(&logits);
            let next = self.likeliest(&logits, log_sum_exp, NEXT_TOKENS);
            Ok::<_, ModelError>(Some((logits, log_sum_exp, next)))
        };
        let Some((logits, log_sum_exp, next)) = self.compute(tokens.len() - past.tokens, run)? else {
            if hooks.heads.is_some() || hooks.residual.is_some() {
                return Err(ModelError::Invalid(PAST_IS_GONE.to_owned()));
            }
            let nothing = Known::Some(None, Computed { note: Some(GPU_FAILED), ..Computed::default() });
            return self.run_from(&nothing, tokens, hooks, profile, cancel, on_layer);
        };
        let (layers, mean) = recorder.finish();
        let (model, ablation) = (Arc::clone(&self.info), hooks.head_mask.clone());
        Ok(Capture {
            model,
            tokens: tokens.into(),
            computed,
            ablation,
            before: None,
            layers,
            mean,
            logits,
            log_sum_exp: Cached::of(log_sum_exp),
            next,
            chat: None,
            drawn: None,
            repeated: None,
            swept: None,
            pushed: None,
            digest: Cached::default(),
        })
    }

    /// Runs a prompt as [`Decoder::run`](super::decoder::Decoder::run) does, on the model's GPU. If that fails, nothing was
    /// handed on, but hooks may have been called.
    ///
    /// # Errors
    /// If it was cancelled, a hook failed or numbers overflowed.
    pub(super) fn run_on_gpu(
        &self,
        prompt: (&[Token], Past<'_>),
        hooks: &mut Hooks<'_>,
        cancel: &Cancel,
        on_layer: &mut (dyn FnMut(LayerCapture) + Send),
    ) -> Result<OnGpu, ModelError> {
        let Some(cuda) = self.cuda.as_ref().filter(|cuda| cuda.takes(hooks, prompt.0.len())) else {
            return Ok(OnGpu::NotThere);
        };
        match cuda.run(&self.decoder, prompt, hooks, (cancel, &self.watch), on_layer) {
            Err(ModelError::Gpu(error)) => {
                cuda.give_up(&error);
                self.kept.clear();
                Ok(OnGpu::Failed)
            }
            logits => Ok(OnGpu::Done(logits?)),
        }
    }

    /// Computes on the model's threads; those stay awake meanwhile if there is much for them to do for so many tokens.
    pub(super) fn compute<R: Send>(&self, tokens: usize, work: impl FnOnce() -> R + Send) -> R {
        let is_much = tokens as u64 * self.info.parameters >= MUCH_WORK;
        let on_cpu = self.cuda.as_ref().is_none_or(CudaDecoder::is_given_up);
        match is_much && on_cpu && self.decoder.embedding.device().is_cpu() {
            true => self.threads.run_awake(work),
            false => self.threads.run(work),
        }
    }

    /// Checks that there is memory for what is captured of a prompt, as far as it is much.
    fn check_capture_room(&self, tokens: usize, known: usize) -> Result<(), ModelError> {
        let bytes = |tokens| self.decoder.spec.capture_bytes(tokens);
        let needed = bytes(tokens).saturating_sub(bytes(known));
        if needed > MUCH { self.check_room(&Device::Cpu, needed, "what is kept", tokens) } else { Ok(()) }
    }

    /// Checks that a device has room for `what`, of so many tokens.
    pub(super) fn check_room(
        &self,
        device: &Device,
        needed: u64,
        what: &str,
        tokens: usize,
    ) -> Result<(), ModelError> {
        match Place::Candle(device.clone()).free_bytes() {
            Some(free) if needed > free => Err(ModelError::OutOfMemory(format!(
                "{}: {what} takes {} for {tokens} tokens, {} are free: shorten the prompt",
                self.info.name,
                human_bytes(needed),
                human_bytes(free)
            ))),
            _ => Ok(()),
        }
    }

    fn check_heads(&self, ablation: &Ablation) -> Result<(), ModelError> {
        let ModelInfo { name, layers, heads, .. } = &*self.info;
        match ablation.beyond(&self.info) {
            None => Ok(()),
            Some(view) => Err(ModelError::Invalid(format!(
                "{view} can't be switched off: {name} has layers 0 to {} and heads 0 to {}",
                layers - 1,
                heads - 1
            ))),
        }
    }

    /// The `count` likeliest tokens by their logits and the [`log_sum_exp`] of these, the likeliest first.
    pub(super) fn likeliest(&self, logits: &[f32], log_sum_exp: f64, count: usize) -> Vec<NextToken> {
        let likelier = |a: &u32, b: &u32| logits[*b as usize].total_cmp(&logits[*a as usize]).then(a.cmp(b));
        let mut likeliest: Vec<u32> = Vec::with_capacity(count + 1);
        for (part, of_part) in logits.chunks(LOGITS).enumerate() {
            let least = match likeliest.last() {
                Some(last) if likeliest.len() == count => logits[*last as usize],
                _ => f32::NEG_INFINITY,
            };
            // All of them are compared, which is many at a time.
            if of_part.iter().fold(true, |none, logit| none & (*logit <= least)) {
                continue;
            }
            for id in (part * LOGITS) as u32..(part * LOGITS + of_part.len()) as u32 {
                let is_full = likeliest.len() == count;
                if is_full
                    && likeliest.last().is_none_or(|last| logits[id as usize] <= logits[*last as usize])
                {
                    continue;
                }
                let place = likeliest.partition_point(|other| likelier(other, &id).is_lt());
                likeliest.insert(place, id);
                likeliest.truncate(count);
            }
        }
        let next = |id: u32| {
            let probability = probability(logits, log_sum_exp, id) as f32;
            NextToken { token: self.token(id), probability }
        };
        likeliest.into_iter().map(next).collect()
    }
}
