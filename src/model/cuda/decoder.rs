//! A model's decoder on a device, and a pass through it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::capture;
use super::held::{HeldRows, Wanted};
use super::looking::Looking;
use super::rows::{Bridge, with_room};
use super::upload::{unsupported, upload};
use crate::attention::{Feature, LayerCapture, Mask, PromptIndex, Token, tokens_per_cell};
use crate::gpu::{self, Device, GpuError, HostBuffer};
use crate::model::decoder::{self, Decoder, Hooks, Past, ResidualPoint, Rope};
use crate::model::footprint::PROMPT_TOKENS;
use crate::model::host::to_values;
use crate::model::weights::Watch;
use crate::model::{Cancel, Control, LoadProgress, ModelError};

/// Tokens of a cell of a matrix that the kernels fold, along each axis, at most.
const MOST_BIN: usize = 16;

/// A model's decoder on a device.
pub struct CudaDecoder {
    decoder: gpu::Decoder,
    bridge: Arc<Bridge>,
    state: Mutex<State>,
    is_lost: AtomicBool,
    /// Why it was given up, until somebody has been told.
    failure: Mutex<Option<GpuError>>,
}

/// What passes use one after the other.
#[derive(Default)]
struct State {
    arena: gpu::Arena,
    held: HeldRows,
    /// Rows of two layers, on their way to the host.
    by: [Option<HostBuffer>; 2],
}

impl CudaDecoder {
    /// Uploads a decoder.
    ///
    /// # Errors
    /// If the kernels lack one of its rules, the device has no room or fails, or `control` was cancelled.
    pub fn new(host: &Decoder, ordinal: usize, control: &mut Control<'_>) -> Result<Self, ModelError> {
        if let Some(what) = unsupported(&host.spec) {
            return Err(GpuError::Unsupported(what).into());
        }
        let total = host.blocks.len();
        let mut step = |layer: usize| {
            (control.progress)(LoadProgress::Weights { done: layer + 1, total });
            control.cancel.check()
        };
        let decoder = upload(host, Arc::new(Device::open(ordinal)?), &mut step)?;
        // Where weights leave no room for a prompt, no prompt would run.
        let tokens = host.spec.context.min(PROMPT_TOKENS);
        let extent = capture::extent(Past::default(), tokens, &host.spec);
        if decoder.device.free()? < gpu::bytes_of_pass(&decoder.shape, &extent) {
            return Err(GpuError::OutOfMemory.into());
        }
        let bridge = Arc::new(Bridge::new(decoder.device.clone(), decoder.shape.clone()));
        Ok(Self {
            decoder,
            bridge,
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

    /// Whether it runs no more.
    pub fn is_given_up(&self) -> bool {
        self.is_lost.load(Ordering::Relaxed)
    }

    /// Why the device was given up, if it was since this was asked the last time.
    pub fn take_failure(&self) -> Option<GpuError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Whether a pass runs on the device: nobody looks at queries as they are turned, and its matrices are not folded further
    /// than the kernels do.
    pub fn takes(&self, hooks: &Hooks<'_>, tokens: usize) -> bool {
        hooks.after_rotary.is_none() && tokens_per_cell(tokens) <= MOST_BIN && !self.is_given_up()
    }

    /// As [`Decoder::run`], on the device. All layers are handed on at the end; their queries, keys and values stay on the
    /// device until somebody asks for them, or it needs the room.
    ///
    /// # Errors
    /// If it was cancelled, the device has no room or fails, a hook fails, or numbers overflowed.
    pub fn run(
        &self,
        host: &Decoder,
        (tokens, past): (&[Token], Past<'_>),
        hooks: &mut Hooks<'_>,
        (cancel, watch): (&Cancel, &Watch),
        on_layer: &mut (dyn FnMut(LayerCapture) + Send),
    ) -> Result<Vec<f32>, ModelError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { arena, held, by } = &mut *state;
        let ids: Vec<u32> = tokens.iter().map(|token| token.id).collect();
        let inputs = Inputs::new(host, tokens, past, hooks)?;
        watch.check()?;
        let is_plain = hooks.heads.is_none()
            && hooks.residual.is_none()
            && hooks.start.is_none()
            && hooks.hidden.is_none()
            && !hooks.head_mask.needs_means();
        let ablation = hooks.head_mask.clone();
        let turns_alike = |others| host.spec.turns_alike(others, tokens.len());
        let wanted =
            Wanted { ids: &ids, past, ablation: &ablation, stays: is_plain, turns_alike: &turns_alike };
        let rows = held.for_pass(&self.bridge, &wanted)?;
        let kept = rows.kept().ok_or(GpuError::OutOfMemory)?;
        let by = match rows.is_much {
            true => {
                let count = (tokens.len() - past.tokens) * self.decoder.shape.layer_stride();
                let [one, other] = by;
                let device = &self.decoder.device;
                Some([with_room(one, device, count)?, with_room(other, device, count)?])
            }
            false => None,
        };
        let prompt = gpu::Prompt {
            extent: capture::extent(past, tokens.len(), &host.spec),
            ids: &ids,
            chosen: &inputs.chosen,
            x: &inputs.x,
            turns: &inputs.turns,
            keep: &inputs.keep,
            means: &inputs.means,
            hidden: hooks.hidden.map(|hidden| (hidden.start, hidden.end)),
            start: inputs.start,
        };
        let shape = &self.decoder.shape;
        let mut looking = Looking { cancel, hooks, shape, rows: &rows, first: past.tokens };
        let memory = gpu::Memory { arena, rows: &kept, by };
        let passed = match gpu::run(&self.decoder, memory, &prompt, &mut looking) {
            Ok(passed) => passed,
            Err(error) => {
                // What was known is there as before, for the prompt that this one was ended for.
                if is_plain && !matches!(error, ModelError::Gpu(_)) {
                    held.hold(rows, &wanted, past.tokens);
                }
                return Err(error);
            }
        };
        rows.set_used(tokens.len());
        for (layer, block) in host.blocks.iter().enumerate().skip(inputs.start) {
            let of = (past, &*hooks);
            let layer_capture = capture::layer((&passed, &rows), layer, &block.attention, of, &host.spec);
            decoder::check_finite(layer, past.tokens, &layer_capture)?;
            on_layer(layer_capture);
        }
        let logits = logits(host, passed.logits())?;
        if is_plain {
            held.hold(rows, &wanted, tokens.len());
        }
        Ok(logits)
    }
}

impl Drop for CudaDecoder {
    /// Captures may outlive their model; the next one needs its room.
    fn drop(&mut self) {
        self.state.get_mut().unwrap_or_else(PoisonError::into_inner).held.leave();
    }
}

/// What a pass is given besides the decoder.
struct Inputs {
    /// The layer that the pass begins at.
    start: usize,
    /// The residual stream before it.
    x: Vec<f32>,
    turns: Vec<[Vec<f32>; 2]>,
    chosen: Vec<u32>,
    keep: Vec<f32>,
    means: Vec<f32>,
}

impl Inputs {
    fn new(
        host: &Decoder,
        tokens: &[Token],
        past: Past<'_>,
        hooks: &mut Hooks<'_>,
    ) -> Result<Self, ModelError> {
        let (spec, device) = (&host.spec, host.embedding.device());
        let ids: Vec<u32> = tokens[past.tokens..].iter().map(|token| token.id).collect();
        let (start, x) = match &hooks.start {
            Some((start, x)) => (*start, to_values(x)?),
            None => {
                let mut x = host.embedding.embed((&ids, past.tokens), &spec.embedding, true)?;
                hooks.on_residual(ResidualPoint::Embedding, &mut x)?;
                (0, to_values(&x)?)
            }
        };
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
        Ok(Self { start, x, turns, chosen, keep, means })
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
