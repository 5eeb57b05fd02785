//! The one decoder: configured by its spec, filled by a family, run token by token in reading order.

mod activation;
mod attention;
mod fused;
mod generic;
mod host;
mod lengths;
mod linear;
mod masks;
mod mlp;
mod moe;
mod norm;
mod rotary;

pub use attention::{Attended, Attention, HeadInputs, Projections};
pub use host::{into_values, with_values};
pub use lengths::Lengths;
pub use linear::Linear;
pub use mlp::Mlp;
pub use moe::Experts;
pub use norm::Norm;

use candle_core::{DType, Tensor};

use super::recorder::Recorder;
use super::spec::{DecoderSpec, Position};
use super::weights::{Matrix, Watch};
use super::{Cancel, Engine, ModelError, Profile};
use crate::attention::NO_OUTPUT_HEAD;
use host::{Buffer, Buffers};
use masks::Masks;
use rotary::Rotation;

/// A decoder with its weights.
pub struct Decoder {
    /// How it is built.
    pub spec: DecoderSpec,
    /// \[vocabulary, hidden\]
    pub embedding: Matrix,
    /// \[context, hidden\], where positions are learned.
    pub positions: Option<Tensor>,
    /// One per layer.
    pub blocks: Vec<Block>,
    /// Before the head.
    pub norm: Norm,
    /// From the residual stream to the vocabulary; `None` of a model that predicts nothing.
    pub head: Option<Linear>,
}

/// One layer.
pub struct Block {
    /// Before attention.
    pub attention_norm: Norm,
    /// What tokens take from each other.
    pub attention: Attention,
    /// Before the MLP.
    pub mlp_norm: Norm,
    /// What each token does by itself.
    pub mlp: Mlp,
}

/// What all layers of a pass have in common.
pub struct Pass {
    /// Where positions are turned.
    rotation: Option<Rotation>,
    way: Way,
    /// Of which tokens the residual stream is needed after a layer's attention.
    needed: Needed,
}

/// Tokens that a computation is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needed {
    All,
    /// The next token is predicted from the last one.
    Last,
}

impl Needed {
    /// Of \[tokens, size\] the rows that are needed.
    fn rows_of(self, x: Tensor) -> Result<Tensor, ModelError> {
        match self {
            Self::All => Ok(x),
            Self::Last => Ok(x.narrow(0, x.dim(0)? - 1, 1)?),
        }
    }
}

/// What computes, and what it needs in every layer.
enum Way {
    /// The CPU's kernels.
    Kernels(Buffers),
    /// Tensor operations, on any device.
    Tensors(Masks),
}

impl Pass {
    /// Where the CPU's kernels write, if it is these that compute.
    fn buffers(&self) -> Option<&Buffers> {
        match &self.way {
            Way::Kernels(buffers) => Some(buffers),
            Way::Tensors(_) => None,
        }
    }
}

impl Decoder {
    /// Runs a prompt and hands each layer's attention to `recorder`; returns the logits after the last token,
    /// \[vocabulary\], or none without an output head. Calls `on_layer` with the number of finished layers.
    ///
    /// # Errors
    /// If `cancel` was raised, a file that is watched changed, the device failed, or numbers overflowed.
    pub fn run(
        &self,
        ids: &[u32],
        engine: Engine,
        recorder: &mut Recorder<'_>,
        (cancel, watch): (&Cancel, &Watch),
        on_layer: &mut (dyn FnMut(usize) + Send),
    ) -> Result<Vec<f32>, ModelError> {
        watch.check()?;
        let device = self.embedding.device();
        let tokens = ids.len();
        let mut x = self.embedding.rows(ids)?;
        if let Some(positions) = &self.positions {
            x = (x + positions.narrow(0, 0, tokens)?)?;
        }
        let rotation = match &self.spec.position {
            Position::Learned => None,
            Position::Rotary(spec) => Some(Rotation::new(spec, self.spec.head_dim, tokens, device)?),
        };
        let way = match self.runs_on_host(engine) {
            true => Way::Kernels(Buffers::default()),
            false => Way::Tensors(Masks::new(ids, device)?),
        };
        let mut pass = Pass { rotation, way, needed: Needed::All };
        recorder.flow(&x)?;
        for (at, block) in self.blocks.iter().enumerate() {
            cancel.check()?;
            if at + 1 == self.blocks.len() && !recorder.keeps_residual() {
                pass.needed = Needed::Last;
            }
            let forwarded = block.forward(x, &self.spec, &mut pass, recorder, cancel);
            // Before anything is made of numbers that may be those of a file that was cut.
            watch.check()?;
            x = forwarded?;
            recorder.check_finite(at)?;
            recorder.flow(&x)?;
            on_layer(at + 1);
        }
        if self.head.is_none() {
            return Ok(Vec::new());
        }
        let last = Needed::Last.rows_of(x)?;
        let logits = self.unembed(&last, engine, &mut recorder.profile);
        watch.check()?;
        Ok(logits?.concat())
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
        let buffer = self.runs_on_host(engine).then(Buffer::default);
        let normed = self.norm.forward(x, buffer.as_ref())?;
        let logits = head.forward(&normed, None, profile)?.to_dtype(DType::F32)?.to_vec2::<f32>()?;
        for row in &logits {
            if let Some(at) = row.iter().position(|logit| !logit.is_finite()) {
                return Err(ModelError::Invalid(format!(
                    "the logit of token {at} is {}: numbers overflowed",
                    row[at]
                )));
            }
        }
        Ok(logits)
    }

    fn runs_on_host(&self, engine: Engine) -> bool {
        engine == Engine::Auto && self.embedding.device().is_cpu()
    }
}

impl Block {
    fn forward(
        &self,
        x: Tensor,
        spec: &DecoderSpec,
        pass: &mut Pass,
        recorder: &mut Recorder<'_>,
        cancel: &Cancel,
    ) -> Result<Tensor, ModelError> {
        fn buffer(pass: &Pass) -> Option<&Buffer> {
            pass.buffers().map(|buffers| &buffers.normed)
        }
        let normed = self.attention_norm.forward(&x, buffer(pass))?;
        let x = self.attention.add_to(x, &normed, spec, pass, recorder)?;
        let normed = self.mlp_norm.forward(&x, buffer(pass))?;
        self.mlp.add_to(x, &normed, pass.buffers(), &mut recorder.profile, cancel)
    }
}
