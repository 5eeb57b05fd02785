//! The attention of a layer: project, normalise, turn by position, attend.

use std::sync::Arc;

use candle_core::{D, DType, Tensor};

use super::aside::Aside;
use super::heads::{Attended, HeadInputs, HostHeads, Room};
use super::hooks::Hooks;
use super::pass::{Backend, Pass};
use super::past::PastLayer;
use super::projections::{HeadNorm, Projections};
use super::{Linear, ValueNorms, fused, generic};
use crate::attention::{HeadSummary, LayerCapture, Qkv};
use crate::kernels::attention_rule::AttentionRule;
use crate::model::host::{self, Buffer};
use crate::model::spec::DecoderSpec;
use crate::model::{ModelError, Profile};

/// The attention of a layer.
pub struct Attention {
    /// To queries, keys and values.
    pub projections: Projections,
    /// Norms of queries and of keys.
    pub qk_norms: Option<[HeadNorm; 2]>,
    /// Which of the spec's rotaries turns queries and keys, if any does.
    pub rotary: Option<usize>,
    /// How scores become weights.
    pub rule: AttentionRule,
    /// From all heads back to the residual stream.
    pub output: Linear,
    /// How long values are after the output projection.
    pub value_norms: ValueNorms,
}

impl Attention {
    /// What the heads take from the values, \[tokens, heads · head_dim\], and what the layer attended to. `x`
    /// \[tokens, hidden\] is the residual stream, normalised. With `aside`, see [`Aside`].
    ///
    /// # Errors
    /// If the device or a hook fails.
    pub fn attend<'a>(
        &'a self,
        x: &Tensor,
        (layer, aside): (usize, Aside),
        pass: &mut Pass<'a>,
        hooks: &mut Hooks<'_>,
        profile: &mut Profile,
    ) -> Result<(Tensor, Recording<'a>), ModelError> {
        let rule = AttentionRule { hidden: hooks.hidden, ..self.rule.clone() };
        let (past, spec, new) = (pass.past.layer(layer), pass.spec, x.dim(0)?);
        let room = || Room::new(&past, new, spec, rule.sinks.is_some());
        let (room, inputs) = aside.run(room, || self.inputs(x, &rule, pass, profile));
        let mut inputs = inputs?;
        if let Some(hook) = &mut hooks.after_rotary {
            hook(layer, [&mut inputs.query, &mut inputs.key, &mut inputs.value])?;
        }
        let (heads, folding) = profile.attention(|| HostHeads::new(&inputs, room))?;
        let known = (&past, folding);
        let attended = profile.attention(|| match &mut pass.backend {
            Backend::Cpu { buffers, index } => fused::attend(&heads, known, index, &buffers.context),
            Backend::Tensors(masks) => generic::attend(&inputs, &heads, known, masks),
        })?;
        let off: Vec<usize> = hooks.head_mask.of_layer(layer).collect();
        let means = hooks.head_means.of_layer(layer);
        let mut context = without(attended.context.to_dtype(x.dtype())?, &off, means, pass.spec.head_dim)?;
        if let Some(hook) = &mut hooks.heads {
            hook(layer, &mut context)?;
        }
        let (value, on_host) = (inputs.value, pass.buffers().is_some());
        Ok((context, Recording { attention: self, spec, past, heads, attended, value, off, on_host }))
    }

    /// Queries, keys and values of \[tokens, hidden\].
    fn inputs<'r>(
        &self,
        x: &Tensor,
        rule: &'r AttentionRule,
        pass: &Pass<'_>,
        profile: &mut Profile,
    ) -> Result<HeadInputs<'r>, ModelError> {
        let (spec, buffers) = (pass.spec, pass.buffers());
        let mut projected = self.projections.project(x, spec, buffers, profile)?;
        if let Some(limit) = spec.clip_qkv {
            for x in &mut projected {
                *x = x.clamp(-limit, limit)?;
            }
        }
        let [query, key, value] = projected;
        let split = |x: Tensor, heads: usize, buffer: Option<&Buffer>| -> Result<Tensor, ModelError> {
            if buffers.is_some() {
                // Queries and keys are kept, so that each layer has its own.
                return host::split_heads(&x, spec.head_dim, buffer.unwrap_or(&Buffer::default()));
            }
            let x = x.reshape((x.dim(0)?, heads, spec.head_dim))?;
            Ok(x.transpose(0, 1)?.to_dtype(DType::F32)?.contiguous()?)
        };
        let rope = self.rotary.map(|rotary| &pass.ropes[rotary]);
        let ready = |x: Tensor, heads: usize, norm: Option<&HeadNorm>| -> Result<Tensor, ModelError> {
            let on_host = buffers.is_some();
            let x = norm.map_or(Ok(x.clone()), |norm| norm.before_split(x, on_host))?;
            let x = split(x, heads, None)?;
            let x = norm.map_or(Ok(x.clone()), |norm| norm.after_split(x, on_host))?;
            rope.map_or(Ok(x.clone()), |rope| rope.apply(&x))
        };
        let [query_norm, key_norm] = match &self.qk_norms {
            Some([query, key]) => [Some(query), Some(key)],
            None => [None, None],
        };
        Ok(HeadInputs {
            query: ready(query, spec.heads, query_norm)?,
            key: ready(key, spec.kv_heads, key_norm)?,
            value: split(value, spec.kv_heads, buffers.map(|buffers| &buffers.values))?,
            rule,
        })
    }
}

/// What a layer attended to, of which what is kept isn't made yet: nothing in the pass waits for it.
pub struct Recording<'a> {
    attention: &'a Attention,
    spec: &'a DecoderSpec,
    past: PastLayer<'a>,
    heads: HostHeads,
    attended: Attended,
    /// Of the new tokens.
    value: Tensor,
    /// Heads that are off.
    off: Vec<usize>,
    on_host: bool,
}

impl Recording<'_> {
    /// What is kept of the layer.
    ///
    /// # Errors
    /// If the device fails.
    pub fn finish(self) -> Result<LayerCapture, ModelError> {
        let Self { attention, spec, past, heads, attended, value, off, on_host } = self;
        let mut value_norms =
            attention.value_norms.of(&value, &attention.output, spec.heads, &off, on_host)?;
        if spec.residual_scale != 1.0 {
            value_norms.iter_mut().for_each(|norm| *norm *= spec.residual_scale as f32);
        }
        Ok(capture(heads, attended, &value_norms, past))
    }
}

/// The part of a layer that is kept, on the host. `value_norms` \[heads, n\] are those of the new tokens.
fn capture(all: HostHeads, attended: Attended, value_norms: &[f32], past: PastLayer<'_>) -> LayerCapture {
    let heads = all.heads;
    let new = value_norms.len() / heads;
    let mut norms = past.rows(heads, |layer| &layer.value_norms);
    norms.extend(new, |token, row| {
        row.iter_mut().enumerate().for_each(|(head, norm)| *norm = value_norms[head * new + token]);
    });
    let mut log_sum_exp = past.rows(heads, |layer| &layer.log_sum_exp);
    log_sum_exp
        .extend(new, |token, row| row.copy_from_slice(&attended.log_sum_exp[token * heads..][..heads]));
    let mut sums = past.sums(heads);
    sums.extend(&attended.row_sums);
    let summary = |(statistics, thumbnail)| HeadSummary { statistics, thumbnail };
    LayerCapture {
        heads: sums.finish().zip(attended.thumbnails).map(summary).collect(),
        qkv: Arc::new(Qkv { query: all.query, key: all.key, value: all.value }.into()),
        value_norms: norms,
        log_sum_exp,
        sums,
        rule: all.rule,
        mean: attended.mean,
    }
}

/// \[S, heads · head_dim\] with zeros in the place of some heads, or with `means` \[heads · head_dim\].
fn without(
    context: Tensor,
    heads: &[usize],
    means: Option<&[f32]>,
    head_dim: usize,
) -> Result<Tensor, ModelError> {
    if heads.is_empty() {
        return Ok(context);
    }
    let is_kept = |at: usize| if heads.contains(&(at / head_dim)) { 0f32 } else { 1.0 };
    let kept: Vec<f32> = (0..context.dim(D::Minus1)?).map(is_kept).collect();
    let kept = Tensor::new(kept, context.device())?.to_dtype(context.dtype())?;
    let kept = context.broadcast_mul(&kept)?;
    let Some(means) = means else { return Ok(kept) };
    let means = Tensor::new(means, kept.device())?.to_dtype(kept.dtype())?;
    Ok(kept.broadcast_add(&means)?)
}
