//! From a spec, a layout and the tensors of a checkpoint to the decoder.

use std::sync::OnceLock;

use candle_core::Tensor;

use super::layout::{ExpertNames, Layout, MlpNames, ProjectionNames};
use crate::kernels::attention_rule::{AttentionRule, alibi_slopes};
use crate::model::ModelError;
use crate::model::decoder::{
    Addition, Attention, Block, Decoder, Embedding, Experts, GateUp, Gated, Head, HeadNorm, Linear, Matrices,
    Mlp, Norm, Projections, Stacked, ValueNorms,
};
use crate::model::spec::{
    DecoderSpec, ExpertsSpec, LayerSpec, MlpSpec, NormSpan, NormSpec, QkNormSpec, Wiring,
};
use crate::model::weights::{ExpertMatrices, Matrix, Weights};

/// Builds the decoder from the tensors of a checkpoint.
///
/// # Errors
/// If a tensor is missing or not as config.json says.
pub fn build(spec: &DecoderSpec, layout: &Layout, weights: &mut Weights<'_>) -> Result<Decoder, ModelError> {
    let mut builder = Builder { spec, layout, weights };
    let (tokens, head) = builder.ends()?;
    let embedding = builder.embedding(tokens)?;
    let layers = spec.layers.iter().enumerate();
    let blocks = layers.map(|(at, layer)| builder.block(at, layer)).collect::<Result<_, _>>()?;
    let head = head.map(|linear| builder.head(linear)).transpose()?;
    Ok(Decoder { spec: spec.clone(), embedding, blocks, head })
}

struct Builder<'a, 'w> {
    spec: &'a DecoderSpec,
    layout: &'a Layout,
    weights: &'a mut Weights<'w>,
}

impl Builder<'_, '_> {
    /// The embedding of tokens and the output head, by transformers' rule. Where config.json ties them and the file has
    /// one, it is both. Where the file has both, each is what the file says, whatever config.json says. A head that is
    /// neither in the file nor tied does not exist.
    fn ends(&mut self) -> Result<(Matrix, Option<Linear>), ModelError> {
        let (spec, layout, weights) = (self.spec, self.layout, &mut *self.weights);
        let (embedding, head) = (format!("{}.weight", layout.embedding), format!("{}.weight", layout.head));
        let shape = [spec.vocabulary, spec.embedding.width];
        let (has_embedding, has_head) = (weights.contains(&embedding), weights.contains(&head));
        let (tokens, matrix) = if !has_embedding && has_head && spec.tied_head {
            let both = weights.matrix(&head, shape)?;
            (both.clone(), Some(both))
        } else {
            let tokens = weights.matrix(&embedding, shape)?;
            let matrix = match has_head {
                // A copy takes no memory of its own.
                true if weights.are_same(&embedding, &head) => Some(tokens.clone()),
                true => Some(weights.matrix(&head, shape)?),
                false => spec.tied_head.then(|| tokens.clone()),
            };
            (tokens, matrix)
        };
        let Some(matrix) = matrix else { return Ok((tokens, None)) };
        let bias = self.bias(layout.head, &[spec.vocabulary], spec.biases.head)?;
        Ok((tokens, Some(Linear::out_in(matrix, bias, spec.vocabulary))))
    }

    fn embedding(&mut self, tokens: Matrix) -> Result<Embedding, ModelError> {
        let (spec, layout) = (self.spec.embedding, self.layout);
        let positions = match spec.positions {
            Some(before) => {
                let shape = [before + self.spec.context, self.spec.hidden];
                Some(self.weights.tensor(&format!("{}.weight", layout.positions), &shape)?)
            }
            None => None,
        };
        let projection = self.projection(layout.embedding_projections[0], [spec.width, self.spec.hidden])?;
        let norm = spec.norm.then(|| self.norm(layout.embedding_norm)).transpose()?;
        Ok(Embedding { tokens, projection, positions, norm })
    }

    fn head(&mut self, linear: Linear) -> Result<Head, ModelError> {
        let norm = self.spec.logits.norm.then(|| self.norm(self.layout.norm)).transpose()?;
        let width = self.spec.embedding.width;
        let projection = self.projection(self.layout.embedding_projections[1], [self.spec.hidden, width])?;
        Ok(Head { norm, projection, linear, mean: OnceLock::new() })
    }

    /// Between the embedding's width and the residual stream's, where they differ.
    fn projection(&mut self, name: &str, [from, to]: [usize; 2]) -> Result<Option<Linear>, ModelError> {
        if from == to {
            return Ok(None);
        }
        let weight = self.weights.matrix(&format!("{name}.weight"), [to, from])?;
        Ok(Some(Linear::out_in(weight, None, to)))
    }

    fn block(&mut self, at: usize, layer: &LayerSpec) -> Result<Block, ModelError> {
        let (spec, layout) = (self.spec, self.layout);
        let of_layer = |name: &str| format!("{}{at}.{name}", layout.layers);
        let (wiring, before, after) = (spec.block.wiring, spec.block.before, spec.block.after);
        let one_norm = wiring == Wiring::Parallel { one_norm: true };
        let mut norm = |is_there: bool, name: &str| is_there.then(|| self.norm(&of_layer(name))).transpose();
        let attention_norm = norm(before, layout.attention_norm)?;
        let mlp_norm = norm(before && !one_norm, layout.mlp_norm)?;
        let mut addition = |name: &str| {
            Ok::<_, ModelError>(Addition { norm: norm(after, name)?, scale: spec.residual_scale })
        };
        let attention_addition = addition(layout.after_attention_norm)?;
        let mlp_addition = addition(layout.after_mlp_norm)?;
        let attention = self.attention(layer, &of_layer)?;
        let mlp = self.mlp(&layer.mlp, &of_layer)?;
        Ok(Block { wiring, attention_norm, attention, attention_addition, mlp_norm, mlp, mlp_addition })
    }

    fn attention(
        &mut self,
        layer: &LayerSpec,
        of_layer: &impl Fn(&str) -> String,
    ) -> Result<Attention, ModelError> {
        let (spec, layout) = (self.spec, self.layout);
        let (queries, keys) = (spec.heads * spec.head_dim, spec.kv_heads * spec.head_dim);
        let bias = spec.biases.qkv;
        let mut to = |name: &str, width: usize| self.linear(&of_layer(name), [spec.hidden, width], bias);
        let projections = match layout.projections {
            ProjectionNames::Separate([query, key, value]) => Projections::Separate {
                query: to(query, queries)?,
                key: to(key, keys)?,
                value: to(value, keys)?,
            },
            ProjectionNames::Fused(name, order) => {
                Projections::Fused { linear: to(name, queries + 2 * keys)?, order }
            }
        };
        let output = self.linear(&of_layer(layout.output), [queries, spec.hidden], spec.biases.output)?;
        let qk_norms = match spec.qk_norm {
            Some(norm) => {
                let [query, key] = layout.qk_norms.map(of_layer);
                Some([self.head_norm(norm, &query, spec.heads)?, self.head_norm(norm, &key, spec.kv_heads)?])
            }
            None => None,
        };
        let mut sinks = || self.weights.host_tensor(&of_layer(layout.sinks), &[spec.heads]);
        let sinks = spec.sinks.then(&mut sinks).transpose()?.map(Into::into);
        let rule = AttentionRule {
            hidden: None,
            scale: layer.scale,
            softcap: layer.softcap,
            sliding_window: layer.sliding_window,
            sinks,
            alibi: spec.alibi.then(|| alibi_slopes(spec.heads)),
        };
        let value_norms = ValueNorms::default();
        Ok(Attention { projections, qk_norms, rotary: layer.rotary, rule, output, value_norms })
    }

    fn mlp(&mut self, spec: &MlpSpec, of_layer: &impl Fn(&str) -> String) -> Result<Mlp, ModelError> {
        let (hidden, bias, names) = (self.spec.hidden, self.spec.biases.mlp, self.layout.mlp);
        let mut linear = |name: &str, sizes: [usize; 2]| self.linear(&of_layer(name), sizes, bias);
        match (*spec, names) {
            (MlpSpec::Plain { intermediate_size, activation }, MlpNames::Plain([up, down])) => {
                let up = linear(up, [hidden, intermediate_size])?;
                Ok(Mlp::Plain { up, activation, down: linear(down, [intermediate_size, hidden])? })
            }
            (MlpSpec::Gated { intermediate_size, gating }, MlpNames::Gated([gate, up, down])) => {
                let gate = linear(gate, [hidden, intermediate_size])?;
                let up = linear(up, [hidden, intermediate_size])?;
                let down = linear(down, [intermediate_size, hidden])?;
                Ok(Mlp::Gated(Box::new(Gated { gate_up: GateUp::Separate { gate, up }, gating, down })))
            }
            (MlpSpec::Gated { intermediate_size, gating }, MlpNames::GateUp([both, down])) => {
                let gate_up = GateUp::Fused(linear(both, [hidden, 2 * intermediate_size])?);
                let down = linear(down, [intermediate_size, hidden])?;
                Ok(Mlp::Gated(Box::new(Gated { gate_up, gating, down })))
            }
            (MlpSpec::Experts(experts), _) => Ok(Mlp::Experts(Box::new(self.experts(experts, of_layer)?))),
            _ => unreachable!("a family names the matrices of the MLP that its spec asks for"),
        }
    }

    fn experts(
        &mut self,
        spec: ExpertsSpec,
        of_layer: &impl Fn(&str) -> String,
    ) -> Result<Experts, ModelError> {
        let (hidden, intermediate, count) = (self.spec.hidden, spec.intermediate_size, spec.count);
        let (router, matrices) = match self.layout.experts {
            ExpertNames::Each { router, matrices: [gate, up, down] } => {
                let of_expert = |expert: usize| {
                    let mut linear = |name: &str, sizes: [usize; 2]| {
                        self.linear(&of_layer(&name.replace("{}", &expert.to_string())), sizes, spec.bias)
                    };
                    let gate = linear(gate, [hidden, intermediate])?;
                    let up = linear(up, [hidden, intermediate])?;
                    let down = linear(down, [intermediate, hidden])?;
                    Ok(Gated { gate_up: GateUp::Separate { gate, up }, gating: spec.gating, down })
                };
                (router, Matrices::Separate((0..count).map(of_expert).collect::<Result<_, ModelError>>()?))
            }
            ExpertNames::Stacks { router, matrices: [gate, up, down] } => {
                let mut cut = |name: &str, sizes| self.cut(&of_layer(name), count, sizes, spec.bias);
                let (gate, up) = (cut(gate, [hidden, intermediate])?, cut(up, [hidden, intermediate])?);
                let down = cut(down, [intermediate, hidden])?;
                let expert = |((gate, up), down)| Gated {
                    gate_up: GateUp::Separate { gate, up },
                    gating: spec.gating,
                    down,
                };
                (router, Matrices::Separate(gate.into_iter().zip(up).zip(down).map(expert).collect()))
            }
            ExpertNames::Stacked { router, matrices: [gate_up, down] } => {
                let (gate_up, gate_up_bias) =
                    self.stacked(&of_layer(gate_up), count, [hidden, 2 * intermediate])?;
                let (down, down_bias) = self.stacked(&of_layer(down), count, [intermediate, hidden])?;
                (router, Matrices::Stacked(Stacked { gate_up, gate_up_bias, down, down_bias }))
            }
        };
        let router = self.linear(&of_layer(router), [hidden, count], spec.bias)?;
        Ok(Experts { spec, router, matrices })
    }

    /// The linear maps of a stack of matrices \[count, to, from\], none of which is copied on the CPU.
    fn cut(
        &mut self,
        name: &str,
        count: usize,
        [from, to]: [usize; 2],
        bias: bool,
    ) -> Result<Vec<Linear>, ModelError> {
        let biases = self.bias(name, &[count, to], bias)?;
        self.weights.check_rounds_stacks(name)?;
        let weight = format!("{name}.weight");
        let linear = |index| {
            let matrix = self.weights.matrix_of_stack(&weight, index, [count, to, from])?;
            let bias = biases.as_ref().map(|biases| biases.get(index)).transpose()?;
            Ok(Linear::out_in(matrix, bias, to))
        };
        (0..count).map(linear).collect()
    }

    /// The checkpoint decides whether it is MXFP4, not quantization_config: fine-tunes keep that key after dequantising.
    fn stacked(
        &mut self,
        name: &str,
        count: usize,
        [from, to]: [usize; 2],
    ) -> Result<(ExpertMatrices, Tensor), ModelError> {
        self.weights.check_rounds_stacks(name)?;
        let bias = self.weights.tensor(&format!("{name}_bias"), &[count, to])?;
        let matrices = match self.weights.contains(&format!("{name}_blocks")) {
            true => self.weights.packed_experts(name, count, from, to)?,
            false => ExpertMatrices::Dense(self.weights.tensor(name, &[count, from, to])?),
        };
        Ok((matrices, bias))
    }

    fn bias(&mut self, name: &str, shape: &[usize], is_there: bool) -> Result<Option<Tensor>, ModelError> {
        is_there.then(|| self.weights.tensor(&format!("{name}.bias"), shape)).transpose()
    }

    fn linear(&mut self, name: &str, [from, to]: [usize; 2], bias: bool) -> Result<Linear, ModelError> {
        let weight = format!("{name}.weight");
        let bias = self.bias(name, &[to], bias)?;
        let in_out = self.layout.in_out;
        if let Some(rounded) = self.weights.rounded(&weight, [from, to], in_out)? {
            return Ok(Linear::out_in(rounded, bias, to));
        }
        Ok(match in_out {
            true => Linear::in_out(self.weights.in_out_matrix(&weight, [from, to])?, bias, to),
            false => Linear::out_in(self.weights.matrix(&weight, [to, from])?, bias, to),
        })
    }

    fn norm(&mut self, name: &str) -> Result<Norm, ModelError> {
        self.norm_of(self.spec.norm, name, &[self.spec.hidden])
    }

    fn head_norm(&mut self, spec: QkNormSpec, name: &str, heads: usize) -> Result<HeadNorm, ModelError> {
        let head_dim = self.spec.head_dim;
        match spec.over {
            NormSpan::Token => Ok(HeadNorm::Token(self.norm_of(spec.norm, name, &[heads * head_dim])?)),
            NormSpan::Head => Ok(HeadNorm::Head(self.norm_of(spec.norm, name, &[head_dim])?)),
            NormSpan::OwnHead => {
                let weights = self.own_weights(name, heads)?.reshape((heads, 1, head_dim))?;
                let bare = NormSpec { weight: false, bias: false, ..spec.norm };
                Ok(HeadNorm::OwnHead(self.norm_of(bare, name, &[head_dim])?, weights))
            }
        }
    }

    /// \[heads, head_dim\]: in one tensor, or in one for each head.
    fn own_weights(&mut self, name: &str, heads: usize) -> Result<Tensor, ModelError> {
        let head_dim = self.spec.head_dim;
        if !self.weights.contains(&format!("{name}.norms.0.weight")) {
            return self.weights.tensor(&format!("{name}.weight"), &[heads, head_dim]);
        }
        let mut of_head = |head| self.weights.tensor(&format!("{name}.norms.{head}.weight"), &[head_dim]);
        Ok(Tensor::stack(&(0..heads).map(&mut of_head).collect::<Result<Vec<_>, _>>()?, 0)?)
    }

    fn norm_of(&mut self, spec: NormSpec, name: &str, shape: &[usize]) -> Result<Norm, ModelError> {
        let weight = match spec.weight {
            true => (self.weights.float_tensor(&format!("{name}.weight"), shape)? + self.layout.norm_offset)?,
            false => self.weights.ones(shape)?,
        };
        let mut bias = || self.weights.float_tensor(&format!("{name}.bias"), shape);
        let bias = spec.bias.then(&mut bias).transpose()?;
        Ok(Norm::new(spec.kind, weight, bias, spec.epsilon))
    }
}
