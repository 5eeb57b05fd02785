//! The attention of a layer: project, rotate by position, attend, project back.

use candle_core::{D, DType, Tensor};

use super::heads::{Attended, HeadInputs};
use super::hooks::Hooks;
use super::pass::{Backend, Pass};
use super::{Linear, ValueNorms, fused, generic};
use crate::attention::LayerCapture;
use crate::model::host::{self, Buffer, Buffers};
use crate::model::spec::LayerSpec;
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
    /// How long values are after the output projection.
    pub value_norms: ValueNorms,
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

impl Attention {
    /// Adds attention to `residual` \[tokens, hidden\]; `x` is the same, normalised. Returns the rows that the pass
    /// still needs, and what the layer attended to.
    ///
    /// # Errors
    /// If the device or a hook fails.
    pub fn add_to(
        &self,
        residual: Tensor,
        x: &Tensor,
        layer: usize,
        pass: &mut Pass<'_>,
        hooks: &mut Hooks<'_>,
        profile: &mut Profile,
    ) -> Result<(Tensor, LayerCapture), ModelError> {
        let mut inputs = self.inputs(x, pass, profile)?;
        if let Some(hook) = &mut hooks.after_rotary {
            hook(layer, [&mut inputs.query, &mut inputs.key, &mut inputs.value])?;
        }
        let attended = profile.attention(|| match &mut pass.backend {
            Backend::Cpu { buffers, index } => fused::attend(&inputs, index, &buffers.context),
            Backend::Tensors(masks) => generic::attend(&inputs, masks),
        })?;
        let off: Vec<usize> = hooks.head_mask.of_layer(layer).collect();
        let mut context = without(attended.context.to_dtype(x.dtype())?, &off, pass.spec.head_dim)?;
        if let Some(hook) = &mut hooks.heads {
            hook(layer, &mut context)?;
        }
        let capture = profile.record(|| {
            let on_host = pass.buffers().is_some();
            let value_norms =
                self.value_norms.of(&inputs.value, &self.output, pass.spec.heads, &off, on_host)?;
            capture(inputs, attended, value_norms)
        })?;
        let out = self.output.add_to(pass.rows.of(residual)?, &pass.rows.of(context)?, profile)?;
        Ok((out, capture))
    }

    /// Queries, keys and values of \[tokens, hidden\].
    fn inputs(
        &self,
        x: &Tensor,
        pass: &Pass<'_>,
        profile: &mut Profile,
    ) -> Result<HeadInputs<'_>, ModelError> {
        let (spec, buffers) = (pass.spec, pass.buffers());
        let [query, key, value] = self.project(x, buffers, profile)?;
        let split = |x: Tensor, heads: usize, buffer: Option<&Buffer>| -> Result<Tensor, ModelError> {
            if buffers.is_some() {
                // Queries and keys are kept, so that each layer has its own.
                return host::split_heads(&x, spec.head_dim, buffer.unwrap_or(&Buffer::default()));
            }
            let x = x.reshape((x.dim(0)?, heads, spec.head_dim))?;
            Ok(x.transpose(0, 1)?.to_dtype(DType::F32)?.contiguous()?)
        };
        let apply_rope = |x: Tensor| pass.rope.as_ref().map_or(Ok(x.clone()), |rope| rope.apply(&x));
        Ok(HeadInputs {
            query: apply_rope(split(query, spec.heads, None)?)?,
            key: apply_rope(split(key, spec.kv_heads, None)?)?,
            value: split(value, spec.kv_heads, buffers.map(|buffers| &buffers.values))?,
            layer: self.layer,
            sinks: self.sinks.as_deref(),
        })
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

/// The part of a layer that is kept, on the host.
fn capture(
    inputs: HeadInputs<'_>,
    attended: Attended,
    value_norms: Vec<f32>,
) -> Result<LayerCapture, ModelError> {
    Ok(LayerCapture {
        head_dim: inputs.query.dim(2)?,
        query: host::into_values(inputs.query)?,
        key: host::into_values(inputs.key)?,
        value_norms,
        log_sum_exp: attended.log_sum_exp,
        scale: inputs.layer.scale,
        window: inputs.layer.sliding_window,
        sinks: inputs.sinks.map(<[f32]>::to_vec),
        mean: attended.mean,
        heads: attended.heads,
    })
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
