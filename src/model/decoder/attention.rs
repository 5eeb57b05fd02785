//! What tokens take from each other: project, turn by position, attend, project back.

use candle_core::{D, DType, Tensor};

use super::host::{self, Buffer, Buffers};
use super::{Lengths, Linear, Pass, Way, fused, generic};
use crate::attention::{CausalMatrix, HeadSummary};
use crate::model::recorder::Recorder;
use crate::model::spec::{DecoderSpec, LayerSpec};
use crate::model::{ModelError, Profile};

/// The attention of a layer.
pub struct Attention {
    /// To queries, keys and values.
    pub projections: Projections,
    /// From all heads back to the residual stream.
    pub output: Linear,
    /// Scale and window.
    pub layer: LayerSpec,
    /// One logit per query head, on the host.
    pub sinks: Option<Vec<f32>>,
    /// Of the output projection, for the lengths of what values become.
    pub lengths: Lengths,
}

/// To queries, keys and values.
pub enum Projections {
    /// One matrix, its output split in thirds.
    Fused(Linear),
    /// One each; there may be fewer key and value heads.
    Separate {
        /// hidden → heads · head_dim
        query: Linear,
        /// hidden → kv_heads · head_dim
        key: Linear,
        /// hidden → kv_heads · head_dim
        value: Linear,
    },
}

/// Queries, keys and values of a layer, as both ways to attend take them.
pub struct HeadInputs<'a> {
    /// f32 \[heads, S, head_dim\]
    pub query: Tensor,
    /// f32 \[kv_heads, S, head_dim\]
    pub key: Tensor,
    /// f32 \[kv_heads, S, head_dim\]
    pub value: Tensor,
    /// Scale and window.
    pub layer: LayerSpec,
    /// \[heads\]
    pub sinks: Option<&'a [f32]>,
}

/// What attending gives: the values that tokens took, and what was seen on the way.
pub struct Attended {
    /// \[S, heads · head_dim\]
    pub context: Tensor,
    /// \[S, heads\]
    pub log_sum_exp: Vec<f32>,
    /// Mean over heads.
    pub mean: CausalMatrix,
    /// One per head.
    pub heads: Vec<HeadSummary>,
}

impl Attention {
    /// \[tokens, hidden\] → the same, added to `residual`, of which the rows that the pass still needs are returned;
    /// what was attended to goes to `recorder`.
    ///
    /// # Errors
    /// If the device fails.
    pub fn add_to(
        &self,
        residual: Tensor,
        x: &Tensor,
        spec: &DecoderSpec,
        pass: &mut Pass,
        recorder: &mut Recorder<'_>,
    ) -> Result<Tensor, ModelError> {
        let [query, key, value] = self.project(x, pass.buffers(), &mut recorder.profile)?;
        let buffers = pass.buffers();
        let split = |x: Tensor, heads: usize, buffer: Option<&Buffer>| -> Result<Tensor, ModelError> {
            if buffers.is_some() {
                // Queries and keys are kept: of these each layer has its own.
                return host::split_heads(&x, spec.head_dim, buffer.unwrap_or(&Buffer::default()));
            }
            let x = x.reshape((x.dim(0)?, heads, spec.head_dim))?;
            Ok(x.transpose(0, 1)?.to_dtype(DType::F32)?.contiguous()?)
        };
        let turn = |x: Tensor| pass.rotation.as_ref().map_or(Ok(x.clone()), |rotation| rotation.apply(&x));
        let inputs = HeadInputs {
            query: turn(split(query, spec.heads, None)?)?,
            key: turn(split(key, spec.kv_heads, None)?)?,
            value: split(value, spec.kv_heads, buffers.map(|buffers| &buffers.values))?,
            layer: self.layer,
            sinks: self.sinks.as_deref(),
        };
        let mut profile = std::mem::take(&mut recorder.profile);
        let attended = profile.attention(|| match &mut pass.way {
            Way::Kernels(buffers) => fused::attend(&inputs, recorder.repeats(), &buffers.context),
            Way::Tensors(masks) => generic::attend(&inputs, masks),
        })?;
        let off = recorder.heads_off();
        let context = attended.context.to_dtype(x.dtype())?;
        let context = without(context, &off, spec.head_dim)?;
        profile.record(|| {
            let norms =
                self.lengths.of(&inputs.value, &self.output, spec.heads, &off, pass.buffers().is_some())?;
            recorder.record(inputs, attended, norms)
        })?;
        let (residual, context) = (pass.needed.rows_of(residual)?, pass.needed.rows_of(context)?);
        let out = self.output.add_to(residual, &context, &mut profile);
        recorder.profile = profile;
        out
    }

    fn project(
        &self,
        x: &Tensor,
        buffers: Option<&Buffers>,
        profile: &mut Profile,
    ) -> Result<[Tensor; 3], ModelError> {
        let buffer = |at: usize| buffers.map(|buffers| &buffers.projected[at]);
        match &self.projections {
            Projections::Fused(linear) => {
                let all = linear.forward(x, buffer(0), profile)?;
                let width = all.dim(D::Minus1)? / 3;
                let third = |at: usize| all.narrow(D::Minus1, at * width, width);
                Ok([third(0)?, third(1)?, third(2)?])
            }
            Projections::Separate { query, key, value } => Ok([
                query.forward(x, buffer(0), profile)?,
                key.forward(x, buffer(1), profile)?,
                value.forward(x, buffer(2), profile)?,
            ]),
        }
    }
}

/// \[S, heads · head_dim\] with zeros in the place of some heads.
fn without(context: Tensor, heads: &[usize], head_dim: usize) -> Result<Tensor, ModelError> {
    if heads.is_empty() {
        return Ok(context);
    }
    let is_kept = |at: usize| if heads.contains(&(at / head_dim)) { 0f32 } else { 1.0 };
    let kept: Vec<f32> = (0..context.dim(D::Minus1)?).map(is_kept).collect();
    let kept = Tensor::new(kept, context.device())?.to_dtype(context.dtype())?;
    Ok(context.broadcast_mul(&kept)?)
}
