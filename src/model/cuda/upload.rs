//! From the CPU's decoder to one on a device.

use std::sync::Arc;

use crate::attention::{Feature, Mask};
use crate::gpu::{self, Activated, Device, Matrix, Rotary, Rule, Shape, padded};
use crate::kernels::attention_rule::AttentionRule;
use crate::model::ModelError;
use crate::model::decoder::{
    Addition, Attention, Block, Decoder, Experts, GateUp, Gated, Head, HeadNorm, Linear, Matrices, Mlp, Norm,
    Projections, QkvOrder, Stacked, head_squares,
};
use crate::model::host::to_values;
use crate::model::spec::{DecoderSpec, ExpertsSpec, MlpSpec, NormSpan, Wiring};
use crate::model::weights::ExpertMatrices;

/// Experts that a token goes through, at most: the lanes of a warp.
const MOST_ACTIVE: usize = 32;
/// Widest head: what a lane of a warp has room for.
const MOST_HEAD_DIM: usize = 256;

/// What of a decoder the kernels lack, if they lack anything.
pub fn unsupported(spec: &DecoderSpec) -> Option<String> {
    if spec.head_dim > MOST_HEAD_DIM {
        return Some(format!("heads of {} values: {MOST_HEAD_DIM} at most", spec.head_dim));
    }
    let experts = |layer: &_| match layer {
        MlpSpec::Experts(experts) => Some(*experts),
        _ => None,
    };
    let experts: Vec<ExpertsSpec> = spec.layers.iter().filter_map(|layer| experts(&layer.mlp)).collect();
    if let Some(experts) = experts.iter().find(|experts| experts.active > MOST_ACTIVE) {
        return Some(format!("{} experts for each token: {MOST_ACTIVE} at most", experts.active));
    }
    let has_router_norm = spec.block.before && matches!(spec.block.wiring, Wiring::Sequential);
    (!experts.is_empty() && !has_router_norm)
        .then(|| "experts without a norm of their own before them".to_owned())
}

/// Uploads a decoder. `step` is called after each layer.
///
/// # Errors
/// If the device has no room or fails, or `step` says so.
pub fn upload(
    decoder: &Decoder,
    device: Arc<Device>,
    step: &mut dyn FnMut(usize) -> Result<(), ModelError>,
) -> Result<gpu::Decoder, ModelError> {
    let shape = shape(decoder);
    let uploader = Uploader { device: &device, spec: &decoder.spec };
    let mut layers = Vec::new();
    let mut squares = Vec::new();
    for (at, block) in decoder.blocks.iter().enumerate() {
        layers.push(uploader.layer(block)?);
        squares.extend(to_values(&head_squares(&block.attention.output, decoder.spec.heads)?)?);
        step(at)?;
    }
    let rules: Vec<_> = layers.iter().map(|layer| layer.attention.rule.parameters()).collect();
    let (rules, squares) = (device.upload(&rules)?, device.upload(&squares)?);
    let head = decoder.head.as_ref().map(|head| uploader.head(head)).transpose()?;
    Ok(gpu::Decoder::new(device, shape, layers, (rules, squares), head)?)
}

fn shape(decoder: &Decoder) -> Shape {
    let spec = &decoder.spec;
    let (mut intermediate, mut active, mut experts) = (0, 1, 0);
    for layer in &spec.layers {
        intermediate = intermediate.max(match layer.mlp {
            MlpSpec::Plain { intermediate_size, .. } | MlpSpec::Gated { intermediate_size, .. } => {
                intermediate_size
            }
            MlpSpec::Experts(of) => {
                (active, experts) = (active.max(of.active), experts.max(of.count));
                of.intermediate_size
            }
        });
    }
    Shape {
        layers: spec.layers.len(),
        hidden: spec.hidden,
        intermediate,
        active,
        experts,
        heads: spec.heads,
        kv_heads: spec.kv_heads,
        head_dim: spec.head_dim,
        clip: spec.clip_qkv.map(|clip| clip as f32),
        rotaries: spec.rotaries.iter().map(|of| Rotary { width: of.width, pairs: of.pairs }).collect(),
        vocabulary: decoder.head.as_ref().map_or(0, |head| head.linear.out_features()),
        features: features(),
    }
}

/// What statistics count, as kernels are told: in the order of [`Feature::all`].
fn features() -> [gpu::Feature; gpu::FEATURES] {
    const { assert!(Feature::COUNT == gpu::FEATURES, "attention.cuh has room for so many") };
    let mut features = [gpu::Feature::MASS; gpu::FEATURES];
    for (bit, (to, feature)) in features.iter_mut().zip(Feature::all()).enumerate() {
        *to = match feature {
            Feature::Mass => gpu::Feature::MASS,
            Feature::Distance => gpu::Feature::DISTANCE,
            Feature::Masked(_, Mask::Near { from, to }) => gpu::Feature::near(from, to),
            Feature::Masked(_, Mask::Tokens { own, .. }) => gpu::Feature::chosen(bit, own),
            Feature::Masked(_, Mask::Copies) => gpu::Feature::COPIES,
            Feature::Masked(_, Mask::AfterCopies) => gpu::Feature::AFTER_COPIES,
        };
    }
    features
}

struct Uploader<'a> {
    device: &'a Device,
    spec: &'a DecoderSpec,
}

impl Uploader<'_> {
    fn layer(&self, block: &Block) -> Result<gpu::Layer, ModelError> {
        let norm = |norm: &Option<Norm>| norm.as_ref().map(|norm| self.norm(norm)).transpose();
        let addition = |of: &Addition| {
            Ok::<_, ModelError>(gpu::Addition { norm: norm(&of.norm)?, scale: of.scale as f32 })
        };
        Ok(gpu::Layer {
            wiring: block.wiring,
            attention_norm: norm(&block.attention_norm)?,
            attention: self.attention(&block.attention)?,
            attention_addition: addition(&block.attention_addition)?,
            mlp_norm: norm(&block.mlp_norm)?,
            mlp: self.mlp(&block.mlp)?,
            mlp_addition: addition(&block.mlp_addition)?,
        })
    }

    fn attention(&self, attention: &Attention) -> Result<gpu::Attention, ModelError> {
        let qk_norm = match &attention.qk_norms {
            Some([query, key]) => {
                let (span, query) = self.head_norm(query)?;
                Some(gpu::QkNorm { norms: [query, self.head_norm(key)?.1], span })
            }
            None => None,
        };
        Ok(gpu::Attention {
            qkv: self.projections(&attention.projections)?,
            qk_norm,
            rotary: attention.rotary,
            rule: self.rule(&attention.rule)?,
            output: self.linear(&attention.output)?,
        })
    }

    fn rule(&self, rule: &AttentionRule) -> Result<Rule, ModelError> {
        let of_heads = |values: &Option<std::sync::Arc<[f32]>>| {
            values.as_ref().map(|values| self.device.upload(values)).transpose()
        };
        Ok(Rule {
            sinks: of_heads(&rule.sinks)?,
            slopes: of_heads(&rule.alibi)?,
            scale: rule.scale,
            softcap: rule.softcap,
            window: rule.sliding_window,
        })
    }

    /// All queries, all keys, all values.
    fn projections(&self, projections: &Projections) -> Result<gpu::Linear, ModelError> {
        let &DecoderSpec { heads, kv_heads, head_dim, .. } = self.spec;
        match projections {
            Projections::Separate { query, key, value } => self.rows_of(&[query, key, value], |row| {
                let (queries, keys) = (heads * head_dim, kv_heads * head_dim);
                match row {
                    row if row < queries => (0, row),
                    row if row < queries + keys => (1, row - queries),
                    row => (2, row - queries - keys),
                }
            }),
            Projections::Fused { linear, order: QkvOrder::Blocks } => self.linear(linear),
            Projections::Fused { linear, order: QkvOrder::Groups } => {
                let shared = heads / kv_heads;
                self.rows_of(&[linear], |row| {
                    let (head, place) = (row / head_dim, row % head_dim);
                    let within = match head {
                        head if head < heads => head / shared * (shared + 2) + head % shared,
                        head if head < heads + kv_heads => (head - heads) * (shared + 2) + shared,
                        head => (head - heads - kv_heads) * (shared + 2) + shared + 1,
                    };
                    (0, within * head_dim + place)
                })
            }
        }
    }

    fn mlp(&self, mlp: &Mlp) -> Result<gpu::Mlp, ModelError> {
        Ok(match mlp {
            Mlp::Plain { up, activation, down } => gpu::Mlp::Dense {
                up: self.linear(up)?,
                activated: Activated::Each(*activation),
                down: self.linear(down)?,
            },
            Mlp::Gated(gated) => gpu::Mlp::Dense {
                up: self.gate_up(&[gated])?,
                activated: Activated::Gated(gated.gating),
                down: self.linear(&gated.down)?,
            },
            Mlp::Experts(experts) => self.experts(experts)?,
        })
    }

    fn experts(&self, experts: &Experts) -> Result<gpu::Mlp, ModelError> {
        let (spec, stride) = (&experts.spec, padded(self.spec.hidden));
        let mut router = vec![0.0; spec.count * stride];
        let rows: Vec<u32> = (0..spec.count as u32).collect();
        let values = experts.router.out_rows(&rows)?;
        for (to, row) in router.chunks_exact_mut(stride).zip(values.chunks_exact(self.spec.hidden)) {
            to[..row.len()].copy_from_slice(row);
        }
        let (up, down) = match &experts.matrices {
            Matrices::Separate(each) => {
                let all: Vec<&Gated> = each.iter().collect();
                let downs: Vec<&Linear> = each.iter().map(|gated| &gated.down).collect();
                let to = self.spec.hidden;
                (self.gate_up(&all)?, self.stacked_rows_of(&downs, spec.count, |row| (row / to, row % to))?)
            }
            Matrices::Stacked(Stacked { gate_up, gate_up_bias, down, down_bias }) => {
                (self.stacked(gate_up, gate_up_bias, spec.count)?, self.stacked(down, down_bias, spec.count)?)
            }
        };
        Ok(gpu::Mlp::Experts {
            router: self.device.upload(&router)?,
            router_bias: experts.router.bias()?.map(|bias| self.device.upload(&bias)).transpose()?,
            count: spec.count,
            active: spec.active,
            routing: spec.routing,
            up,
            activated: Activated::Gated(spec.gating),
            down,
        })
    }

    /// Matrices of all experts in one tensor.
    fn stacked(
        &self,
        matrices: &ExpertMatrices,
        biases: &candle_core::Tensor,
        count: usize,
    ) -> Result<gpu::Linear, ModelError> {
        let matrix = match matrices {
            ExpertMatrices::Packed(packed) => {
                let ([from, to], [blocks, scales]) = packed.as_stored()?;
                Matrix::mxfp4(self.device, (to, from), blocks, scales)?
            }
            ExpertMatrices::Dense(tensor) => {
                let (_, from, to) = tensor.dims3()?;
                Matrix::new(self.device, (count, to, from), |rows| {
                    let row = |row: usize| to_values(&tensor.get(row / to)?.narrow(1, row % to, 1)?);
                    Ok::<_, ModelError>(rows.map(row).collect::<Result<Vec<_>, _>>()?.concat())
                })?
            }
        };
        Ok(gpu::Linear { matrix, bias: Some(self.device.upload(&to_values(biases)?)?) })
    }

    /// Gate and up of some MLPs, alternately.
    fn gate_up(&self, all: &[&Gated]) -> Result<gpu::Linear, ModelError> {
        let mut parts = Vec::new();
        for gated in all {
            match &gated.gate_up {
                GateUp::Separate { gate, up } => parts.extend([gate, up]),
                GateUp::Fused(both) => parts.push(both),
            }
        }
        let is_fused = parts.len() == all.len();
        let both = if is_fused { parts[0].out_features() } else { 2 * parts[0].out_features() };
        self.stacked_rows_of(&parts, all.len(), |row| {
            let (of, row) = (row / both, row % both);
            match is_fused {
                true => (of, row % 2 * (both / 2) + row / 2),
                false => (2 * of + row % 2, row / 2),
            }
        })
    }

    fn linear(&self, linear: &Linear) -> Result<gpu::Linear, ModelError> {
        self.rows_of(&[linear], |row| (0, row))
    }

    /// One map made of rows of several: `place` says of which, and which.
    fn rows_of(
        &self,
        parts: &[&Linear],
        place: impl Fn(usize) -> (usize, usize),
    ) -> Result<gpu::Linear, ModelError> {
        self.stacked_rows_of(parts, 1, place)
    }

    /// The same for `count` maps, their rows one after the other.
    fn stacked_rows_of(
        &self,
        parts: &[&Linear],
        count: usize,
        place: impl Fn(usize) -> (usize, usize),
    ) -> Result<gpu::Linear, ModelError> {
        let all: usize = parts.iter().map(|part| part.out_features()).sum();
        let from = parts[0].in_features();
        let matrix = Matrix::new(self.device, (count, all / count, from), |rows| {
            let mut values = vec![0.0; rows.len() * from];
            // Rows of a part are asked for together.
            for (part, linear) in parts.iter().enumerate() {
                let (to, rows): (Vec<usize>, Vec<u32>) = rows
                    .clone()
                    .enumerate()
                    .filter_map(|(to, row)| {
                        Some(place(row)).filter(|place| place.0 == part).map(|p| (to, p.1 as u32))
                    })
                    .unzip();
                if rows.is_empty() {
                    continue;
                }
                for (to, row) in to.into_iter().zip(linear.out_rows(&rows)?.chunks_exact(from)) {
                    values[to * from..][..from].copy_from_slice(row);
                }
            }
            Ok::<_, ModelError>(values)
        })?;
        let biases = parts.iter().map(|part| part.bias()).collect::<Result<Vec<_>, _>>()?;
        let bias = |row: usize| {
            let (part, row) = place(row);
            biases[part].as_ref().map_or(0.0, |bias| bias[row])
        };
        let has_bias = biases.iter().any(Option::is_some);
        let bias =
            has_bias.then(|| self.device.upload(&(0..all).map(bias).collect::<Vec<f32>>())).transpose()?;
        Ok(gpu::Linear { matrix, bias })
    }

    fn norm(&self, norm: &Norm) -> Result<gpu::Norm, ModelError> {
        let (kind, weight, bias, epsilon) = norm.parts();
        let bias = bias.map(to_values).transpose()?;
        Ok(gpu::Norm {
            weight: self.device.upload(&to_values(weight)?)?,
            bias: bias.map(|bias| self.device.upload(&bias)).transpose()?,
            kind,
            epsilon: epsilon as f32,
        })
    }

    fn head_norm(&self, norm: &HeadNorm) -> Result<(NormSpan, gpu::Norm), ModelError> {
        Ok(match norm {
            HeadNorm::Token(norm) => (NormSpan::Token, self.norm(norm)?),
            HeadNorm::Head(norm) => (NormSpan::Head, self.norm(norm)?),
            HeadNorm::OwnHead(norm, weights) => {
                let weight = self.device.upload(&to_values(weights)?)?;
                (NormSpan::OwnHead, gpu::Norm { weight, bias: None, ..self.norm(norm)? })
            }
        })
    }

    fn head(&self, head: &Head) -> Result<gpu::Head, ModelError> {
        Ok(gpu::Head {
            norm: head.norm.as_ref().map(|norm| self.norm(norm)).transpose()?,
            projection: head.projection.as_ref().map(|linear| self.linear(linear)).transpose()?,
            linear: self.linear(&head.linear)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::files::locate_here;
    use crate::model::spec::BlockSpec;
    use crate::model::{DemoModel, Reference, described};

    #[test]
    fn what_the_kernels_lack_is_named() {
        let spec = |demo| described::read(&locate_here(&Reference::Demo(demo)).unwrap()).unwrap().spec;
        let (gpt2, gpt_oss) = (spec(DemoModel::Gpt2), spec(DemoModel::GptOss));
        assert_eq!([unsupported(&gpt2), unsupported(&gpt_oss)], [None, None]);
        let wide = DecoderSpec { head_dim: 320, ..gpt2 };
        assert!(unsupported(&wide).unwrap().contains("heads of 320 values: 256 at most"));
        let block = BlockSpec { wiring: Wiring::Parallel { one_norm: true }, ..BlockSpec::PRE_NORM };
        let beside = DecoderSpec { block, ..gpt_oss };
        assert!(unsupported(&beside).unwrap().contains("experts without a norm"));
    }
}
