//! The named points of a pass, at which something else than the decoder may look at its numbers, or change them: the
//! logit lens, tests of single steps, and whatever patches a head.
//!
//! A pass goes through these points in this order, in each layer: `after_rotary`, `head_mask`, `heads`, and `residual`
//! after each part. A point that nobody has asked for costs nothing.
//!
//! A pass that a device failed in begins again on the CPU: then hooks are called from the first point on again.
//!
//! A tensor that a hook is handed belongs to the pass: on the CPU its memory is used again. To keep it, copy it
//! ([`Tensor::copy`]); to change it, put another one of the same shape and type in its place.

use candle_core::Tensor;

use crate::attention::ablation::HeadMeans;
use crate::attention::{Ablation, HiddenKeys};
use crate::model::ModelError;

/// Called with a layer's index, and its queries f32 \[heads, S, head_dim\], keys and values f32
/// \[kv_heads, S, head_dim\].
pub type AfterRotary<'a> = dyn FnMut(usize, [&mut Tensor; 3]) -> Result<(), ModelError> + Send + 'a;

/// Called with a layer's index, and what each head took from the values, \[S, heads · head_dim\].
pub type Heads<'a> = dyn FnMut(usize, &mut Tensor) -> Result<(), ModelError> + Send + 'a;

/// Called with the residual stream, \[S, hidden\].
pub type Residual<'a> = dyn FnMut(ResidualPoint, &mut Tensor) -> Result<(), ModelError> + Send + 'a;

/// What hangs on to a pass.
#[derive(Default)]
pub struct Hooks<'a> {
    /// A layer that the pass begins at, and the residual stream before it, \[S, hidden\]: where the layers below are known.
    /// The pass writes into its memory.
    pub start: Option<(usize, Tensor)>,
    /// Queries, keys and values as attention takes them: projected, heads apart, turned by position.
    pub after_rotary: Option<&'a mut AfterRotary<'a>>,
    /// Heads that are off: what they took from the values is set to zero,
    pub head_mask: Ablation,
    /// or to this.
    pub head_means: HeadMeans,
    /// Keys that later queries don't see, in all layers.
    pub hidden: Option<HiddenKeys>,
    /// What the heads took from the values, before the output projection.
    pub heads: Option<&'a mut Heads<'a>>,
    /// The residual stream. With this hook the last layer is computed for all tokens, not only for the last one.
    pub residual: Option<&'a mut Residual<'a>>,
}

/// Where in a pass the residual stream is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResidualPoint {
    /// Before the first layer.
    Embedding,
    /// Once attention of the layer with this index was added.
    AfterAttention(usize),
    /// Once the MLP of the layer with this index was added.
    AfterMlp(usize),
}

impl Hooks<'_> {
    /// Calls the hook of `residual`, if there is one.
    ///
    /// # Errors
    /// If that fails.
    pub fn on_residual(&mut self, point: ResidualPoint, x: &mut Tensor) -> Result<(), ModelError> {
        self.residual.as_mut().map_or(Ok(()), |hook| hook(point, x))
    }
}
