//! What all layers of a pass have in common.

use candle_core::Tensor;

use super::masks::Masks;
use super::past::Past;
use super::rotary::Rope;
use crate::attention::PromptIndex;
use crate::model::host::Buffers;
use crate::model::spec::DecoderSpec;
use crate::model::{Cancel, ModelError};

/// What all layers of a pass have in common.
pub struct Pass<'a> {
    /// How the decoder is built.
    pub spec: &'a DecoderSpec,
    /// The first tokens, if they are known from an earlier pass. What the pass computes are the new ones behind them.
    pub past: Past<'a>,
    /// One for each of the spec's rotaries, for the new tokens.
    pub ropes: Vec<Rope>,
    /// What computes.
    pub backend: Backend,
    /// Of which tokens the residual stream is needed after a layer's attention.
    pub rows: OutputRows,
    /// Stops the pass.
    pub cancel: &'a Cancel,
}

/// What computes, and what it needs in every layer.
pub enum Backend {
    /// The CPU's kernels.
    Cpu {
        /// Where they write.
        buffers: Buffers,
        /// Where the keys are that statistics count.
        index: PromptIndex,
    },
    /// Tensor operations, on any device.
    Tensors(Masks),
}

/// Tokens that a computation is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputRows {
    /// Every token.
    All,
    /// The last token: the next one is predicted from it.
    Last,
}

impl Pass<'_> {
    /// Where the CPU's kernels write, if it is these that compute.
    pub fn buffers(&self) -> Option<&Buffers> {
        match &self.backend {
            Backend::Cpu { buffers, .. } => Some(buffers),
            Backend::Tensors(_) => None,
        }
    }
}

impl OutputRows {
    /// The rows that are needed of \[tokens, size\].
    ///
    /// # Errors
    /// If there are none.
    pub fn of(self, x: Tensor) -> Result<Tensor, ModelError> {
        match self {
            Self::All => Ok(x),
            Self::Last => Ok(x.narrow(0, x.dim(0)? - 1, 1)?),
        }
    }
}
