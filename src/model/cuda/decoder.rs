//! A model's decoder on a device, and a pass through it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::capture;
use super::upload::{unsupported, upload};
use crate::attention::{Ablation, Feature, LayerCapture, Mask, PromptIndex, Token, tokens_per_cell};
use crate::gpu::{self, GpuError};
use crate::model::decoder::{self, Decoder, Hooks, Past, Rope};
use crate::model::host::to_values;
use crate::model::weights::Watch;
use crate::model::{Cancel, Control, LoadProgress, ModelError};

/// Tokens of a cell of a matrix that the kernels fold, along each axis, at most.
const MOST_BIN: usize = 16;

/// A model's decoder on a device.
pub struct CudaDecoder {
    decoder: gpu::Decoder,
    state: Mutex<State>,
    is_lost: AtomicBool,
    /// Why it was given up, until somebody has been told.
    failure: Mutex<Option<GpuError>>,
}

/// What passes use one after the other.
#[derive(Default)]
struct State {
    arena: gpu::Arena,
    held: Option<Held>,
}

/// The tokens whose rows the device still holds.
struct Held {
    ids: Vec<u32>,
    ablation: Ablation,
    /// Tokens of the prompt that they were computed in.
    tokens: usize,
}

impl CudaDecoder {
    /// Uploads a decoder.
    ///
    /// # Errors
    /// If the kernels lack one of its rules, the device has no room or fails, or `control` was cancelled.
    pub fn new(decoder: &Decoder, ordinal: usize, control: &mut Control<'_>) -> Result<Self, ModelError> {
        if let Some(what) = unsupported(&decoder.spec) {
            return Err(GpuError::Unsupported(what).into());
        }
        let total = decoder.blocks.len();
        let mut step = |layer: usize| {
            (control.progress)(LoadProgress::Weights { done: layer + 1, total });
            control.cancel.check()
        };
        let decoder = upload(decoder, gpu::Device::open(ordinal)?, &mut step)?;
        Ok(Self {
            decoder,
            state: Mutex::default(),
            is_lost: AtomicBool::new(false),
            failure: Mutex::default(),
        })
    }

    /// Runs it no more: the device is lost, or may be.
    pub fn give_up(&self, error: &GpuError) {
        tracing::warn!(%error, "the GPU failed: the CPU goes on");
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.clone());
        // Without room for one prompt there may be for another.
        self.is_lost.store(*error != GpuError::OutOfMemory, Ordering::Relaxed);
    }

    /// Why the device was given up, if it was since this was asked the last time.
    pub fn take_failure(&self) -> Option<GpuError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Whether a pass runs on the device: nobody looks into it or puts anything in its place but heads, and its matrices
    /// are not folded further than the kernels do.
    pub fn takes(&self, hooks: &Hooks<'_>, tokens: usize) -> bool {
        let is_watched = hooks.after_rotary.is_some()
            || hooks.heads.is_some()
            || hooks.residual.is_some()
            || hooks.start.is_some();
        !is_watched && tokens_per_cell(tokens) <= MOST_BIN && !self.is_lost.load(Ordering::Relaxed)
    }

    /// As [`Decoder::run`], on the device. All layers are handed on at the end.
    ///
    /// # Errors
    /// If it was cancelled, the device has no room or fails, or numbers overflowed.
    pub fn run(
        &self,
        host: &Decoder,
        (tokens, past): (&[Token], Past<'_>),
        hooks: &Hooks<'_>,
        (cancel, watch): (&Cancel, &Watch),
        on_layer: &mut (dyn FnMut(LayerCapture) + Send),
    ) -> Result<Vec<f32>, ModelError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { arena, held } = &mut *state;
        let ids: Vec<u32> = tokens.iter().map(|token| token.id).collect();
        let holds = held.as_ref().is_some_and(|held| {
            held.ablation == hooks.head_mask
                && held.ids.starts_with(&ids[..past.tokens])
                && host.spec.turns_alike(held.tokens, tokens.len())
        });
        let inputs = Inputs::new(host, tokens, past, hooks)?;
        watch.check()?;
        // Until it has come to its end, only what was known before is sure to be there.
        *held = None;
        let mut known = (!holds && past.tokens > 0).then(|| capture::known_rows(&self.decoder.shape, past));
        let extent = capture::extent(past, tokens.len(), &host.spec);
        let mut go_on = |_| cancel.check();
        loop {
            let prompt = gpu::Prompt {
                extent,
                ids: &ids,
                chosen: &inputs.chosen,
                x: &inputs.x,
                turns: &inputs.turns,
                keep: &inputs.keep,
                means: &inputs.means,
                hidden: hooks.hidden.map(|hidden| (hidden.start, hidden.end)),
                known: known.as_deref(),
            };
            let Some(passed) = gpu::run(&self.decoder, arena, &prompt, &mut go_on)? else {
                known = Some(capture::known_rows(&self.decoder.shape, past));
                continue;
            };
            for (layer, block) in host.blocks.iter().enumerate() {
                let layer_capture =
                    capture::layer(&passed, layer, &block.attention, (past, hooks), &host.spec);
                decoder::check_finite(layer, past.tokens, &layer_capture)?;
                on_layer(layer_capture);
            }
            let logits = logits(host, passed.logits())?;
            let sure = hooks.hidden.map_or(ids.len(), |hidden| hidden.end);
            if !hooks.head_mask.needs_means() {
                let ids = ids[..sure].to_vec();
                *held = Some(Held { ids, ablation: hooks.head_mask.clone(), tokens: tokens.len() });
            }
            return Ok(logits);
        }
    }
}

/// What a pass is given besides the decoder.
struct Inputs {
    x: Vec<f32>,
    turns: Vec<[Vec<f32>; 2]>,
    chosen: Vec<u32>,
    keep: Vec<f32>,
    means: Vec<f32>,
}

impl Inputs {
    fn new(host: &Decoder, tokens: &[Token], past: Past<'_>, hooks: &Hooks<'_>) -> Result<Self, ModelError> {
        let (spec, device) = (&host.spec, host.embedding.device());
        let ids: Vec<u32> = tokens[past.tokens..].iter().map(|token| token.id).collect();
        let x = to_values(&host.embedding.embed((&ids, past.tokens), &spec.embedding, true)?)?;
        let tables = |rotary| Rope::new(rotary, past.tokens..tokens.len(), device)?.tables();
        let turns = spec.rotaries.iter().map(tables).collect::<Result<_, _>>()?;

        let index = PromptIndex::new(tokens);
        let mut chosen = vec![0; tokens.len()];
        for (bit, feature) in Feature::all().enumerate() {
            if let Feature::Masked(statistic, Mask::Tokens { .. }) = feature {
                index.chosen(statistic).iter().for_each(|at| chosen[*at] |= 1 << bit);
            }
        }

        let (layers, heads) = (host.blocks.len(), spec.heads);
        let mut keep = vec![1.0; layers * heads];
        let mut means = Vec::new();
        for layer in 0..layers {
            hooks.head_mask.of_layer(layer).for_each(|head| keep[layer * heads + head] = 0.0);
            if let Some(of_layer) = hooks.head_means.of_layer(layer) {
                let width = heads * spec.head_dim;
                means.resize(layers * width, 0.0);
                means[layer * width..][..width].copy_from_slice(of_layer);
            }
        }
        Ok(Self { x, turns, chosen, keep, means })
    }
}

/// Scaled and capped, as the model says; none without an output head.
fn logits(host: &Decoder, values: &[f32]) -> Result<Vec<f32>, ModelError> {
    if host.head.is_none() {
        return Ok(Vec::new());
    }
    let (scale, cap) = (host.spec.logits.scale as f32, host.spec.logits.softcap.map(|cap| cap as f32));
    let finish = |value: &f32| {
        let value = value * scale;
        cap.map_or(value, |cap| cap * (value / cap).tanh())
    };
    let logits: Vec<f32> = values.iter().map(finish).collect();
    decoder::check_logits(&logits)?;
    Ok(logits)
}
