//! The one decoder. A spec configures it, a family fills it with weights.
//!
//! # How it works
//! [`Decoder::run`] embeds the ids and sends them through the blocks. Each block adds its attention and its MLP to the
//! residual stream. Two backends compute (`pass::Backend`): the CPU's kernels (`fused`, with `model::host`), and tensor
//! operations on any device (`generic`, with `masks`). Both take `heads::HeadInputs` and give `heads::Attended`, and each
//! layer becomes a `LayerCapture` on the host.
//!
//! # How to add
//! - An activation: a variant of `spec::Activation`, and its formula in `activation`.
//! - A kind of positions, norm or MLP: a variant of the spec, and its code in `rotary`, `norm` or `mlp`.
//! - A point to look at or to change: a field of [`Hooks`], called where the numbers are.

mod activation;
mod addition;
mod aside;
mod attention;
mod block;
mod direct;
mod ends;
mod frozen;
mod fused;
mod gated;
mod generic;
mod heads;
mod hooks;
mod linear;
mod masks;
mod mlp;
mod moe;
mod norm;
mod pass;
mod past;
mod projections;
mod rotary;
mod value_norms;

pub use addition::Addition;
pub use attention::Attention;
pub use block::Block;
pub use direct::LayerRow;
pub use ends::{Embedding, Head, check_logits};
pub use gated::{GateUp, Gated};
pub use hooks::{Hooks, ResidualPoint};
pub use linear::Linear;
pub use mlp::Mlp;
pub use moe::{Experts, Matrices, Stacked};
pub use norm::Norm;
pub use past::{Folding, Past, mean as mean_going_on};
pub use projections::{HeadNorm, Projections, QkvOrder};
pub use rotary::Rope;
pub use value_norms::{ValueNorms, squares as head_squares};

use candle_core::Tensor;

use super::host::Buffers;
use super::spec::DecoderSpec;
use super::weights::Watch;
use super::{Cancel, Engine, ModelError, Profile};
use crate::attention::{LayerCapture, NO_OUTPUT_HEAD, PromptIndex, Token};
use masks::Masks;
use pass::{Backend, OutputRows, Pass};

/// A decoder with its weights.
pub struct Decoder {
    /// How it is built.
    pub spec: DecoderSpec,
    /// From tokens to the residual stream.
    pub embedding: Embedding,
    /// One per layer.
    pub blocks: Vec<Block>,
    /// From the residual stream to the vocabulary; `None` of a model that predicts nothing.
    pub head: Option<Head>,
}

impl Decoder {
    /// Runs a prompt, from the first token on that `past` doesn't know; there has to be one. Returns the logits after the
    /// last token, \[vocabulary\], or none without an output head. Hands the attention of each finished layer to
    /// `on_layer`, in order: that of all tokens, the known ones included.
    ///
    /// # Errors
    /// If it was cancelled, a file that is watched changed, the device or a hook failed, or numbers overflowed.
    pub fn run(
        &self,
        prompt: (&[Token], Past<'_>),
        engine: Engine,
        hooks: &mut Hooks<'_>,
        profile: &mut Profile,
        stop: (&Cancel, &Watch),
        on_layer: &mut (dyn FnMut(LayerCapture) + Send),
    ) -> Result<Vec<f32>, ModelError> {
        let x = self.run_layers(prompt, engine, hooks, profile, stop, on_layer)?;
        if self.head.is_none() {
            return Ok(Vec::new());
        }
        let logits = self.unembed(&OutputRows::Last.of(x)?, engine, profile);
        stop.1.check()?;
        Ok(logits?.concat())
    }

    /// As [`run`](Self::run), without the output head: returns the residual stream after the last layer, \[rows, hidden\],
    /// of the last token or of more.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_layers(
        &self,
        (tokens, past): (&[Token], Past<'_>),
        engine: Engine,
        hooks: &mut Hooks<'_>,
        profile: &mut Profile,
        (cancel, watch): (&Cancel, &Watch),
        on_layer: &mut (dyn FnMut(LayerCapture) + Send),
    ) -> Result<Tensor, ModelError> {
        watch.check()?;
        let ids: Vec<u32> = tokens[past.tokens..].iter().map(|token| token.id).collect();
        let mut pass = self.pass((tokens, past), engine, cancel)?;
        let on_host = self.runs_on_host(engine);
        let (first, mut x) = match hooks.start.take() {
            Some(start) => start,
            None => {
                let mut x = self.embedding.embed((&ids, past.tokens), &self.spec.embedding, on_host)?;
                hooks.on_residual(ResidualPoint::Embedding, &mut x)?;
                (0, x)
            }
        };
        for (layer, block) in self.blocks.iter().enumerate().skip(first) {
            cancel.check()?;
            if layer + 1 == self.blocks.len() && hooks.residual.is_none() {
                pass.rows = OutputRows::Last;
            }
            let forwarded = block.forward(x, layer, &mut pass, hooks, profile);
            // Before anything is made of numbers that may be those of a file that was cut.
            watch.check()?;
            let (next, capture) = forwarded?;
            x = next;
            check_finite(layer, past.tokens, &capture)?;
            profile.record(|| on_layer(capture));
        }
        Ok(x)
    }

    fn pass<'a>(
        &'a self,
        (tokens, past): (&[Token], Past<'a>),
        engine: Engine,
        cancel: &'a Cancel,
    ) -> Result<Pass<'a>, ModelError> {
        let (spec, device) = (&self.spec, self.embedding.device());
        let ropes = spec.rotaries.iter().map(|rotary| Rope::new(rotary, past.tokens..tokens.len(), device));
        let ropes = ropes.collect::<Result<_, _>>()?;
        let backend = match self.runs_on_host(engine) {
            true => Backend::Cpu { buffers: Buffers::default(), index: PromptIndex::new(tokens) },
            false => Backend::Tensors(Masks::new(tokens, device)?),
        };
        Ok(Pass { spec, past, ropes, backend, rows: OutputRows::All, cancel })
    }

    /// From the residual stream, \[rows, hidden\], to the logits of each row, \[vocabulary\].
    ///
    /// # Errors
    /// If there is no output head, the device failed, or numbers overflowed.
    pub fn unembed(
        &self,
        x: &Tensor,
        engine: Engine,
        profile: &mut Profile,
    ) -> Result<Vec<Vec<f32>>, ModelError> {
        let head = self.head.as_ref().ok_or_else(|| ModelError::Invalid(NO_OUTPUT_HEAD.to_owned()))?;
        head.logits(x, &self.spec.logits, self.runs_on_host(engine), profile)
    }

    /// Whether the CPU's kernels compute.
    pub fn runs_on_host(&self, engine: Engine) -> bool {
        engine == Engine::Auto && self.embedding.device().is_cpu()
    }
}

/// Finite weights can still overflow. Looks at the tokens from `first` on.
///
/// # Errors
/// If they did.
pub fn check_finite(layer: usize, first: usize, capture: &LayerCapture) -> Result<(), ModelError> {
    if capture.log_sum_exp.rows().skip(first).flatten().all(|value| value.is_finite()) {
        return Ok(());
    }
    Err(ModelError::Invalid(format!("the attention of layer {layer} is not a number: numbers overflowed")))
}
