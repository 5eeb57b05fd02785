//! How a decoder is built, as config.json says. The one decoder is configured by this.

mod activation;
mod rotary;

pub use activation::Activation;
pub use rotary::{Pairs, RotaryScaling, RotarySpec};

use crate::attention::{ROW_SUMS, thumbnail_bin, tokens_per_cell};

/// The shape and rules of a decoder.
#[derive(Debug, Clone, PartialEq)]
pub struct DecoderSpec {
    /// `model_type` of config.json.
    pub family: &'static str,
    /// Rows of the embedding matrix.
    pub vocabulary: usize,
    /// Longest prompt, in tokens.
    pub context: usize,
    /// Width of the residual stream.
    pub hidden: usize,
    /// Query heads of a layer.
    pub heads: usize,
    /// Key/value heads of a layer.
    pub kv_heads: usize,
    /// Width of a head.
    pub head_dim: usize,
    /// How tokens become the residual stream.
    pub embedding: EmbeddingSpec,
    /// The norms of the residual stream.
    pub norm: NormSpec,
    /// Where they stand in a block, and what its two parts start from.
    pub block: BlockSpec,
    /// The norm of queries and keys, before they are turned.
    pub qk_norm: Option<QkNormSpec>,
    /// Queries, keys and values are clamped to ± this.
    pub clip_qkv: Option<f64>,
    /// Which linear maps have biases.
    pub biases: Biases,
    /// Whether each query head has a learned sink.
    pub sinks: bool,
    /// Whether scores fall with the distance (ALiBi).
    pub alibi: bool,
    /// The ways in which layers turn queries and keys by position.
    pub rotaries: Vec<RotarySpec>,
    /// One per layer, in order.
    pub layers: Vec<LayerSpec>,
    /// What attention and MLP are multiplied by before they are added to the residual stream.
    pub residual_scale: f64,
    /// How the residual stream becomes logits.
    pub logits: LogitsSpec,
    /// Whether the output head is the embedding matrix, where the file has only one of them.
    pub tied_head: bool,
    /// What config.json says the weights are packed with, if that isn't read: for messages.
    pub quantization: Option<String>,
}

impl DecoderSpec {
    /// Gives all layers the same MLP.
    pub fn set_mlp(&mut self, mlp: MlpSpec) {
        self.layers.iter_mut().for_each(|layer| layer.mlp = mlp);
    }

    /// Whether prompts of these lengths turn queries and keys by position in the same way.
    pub fn turns_alike(&self, tokens: usize, others: usize) -> bool {
        self.rotaries.iter().all(|rotary| match &rotary.scaling {
            RotaryScaling::LongRope { original_context, .. } => {
                (tokens > *original_context) == (others > *original_context)
            }
            _ => true,
        })
    }

    /// Bytes that the capture of a prompt of so many tokens takes, about: queries, keys, values and sums grow with the
    /// prompt, matrices with its square until they are as large as they get.
    pub fn capture_bytes(&self, tokens: usize) -> u64 {
        let triangle = |rows: usize| rows * (rows + 1) / 2;
        let Self { heads, kv_heads, head_dim, layers, .. } = self;
        let of_token = heads * head_dim + 2 * kv_heads * head_dim + heads * (2 + ROW_SUMS);
        let thumbnail = triangle(tokens.div_ceil(thumbnail_bin(tokens)));
        let mean = triangle(tokens.div_ceil(tokens_per_cell(tokens)));
        let values = layers.len() * (tokens * of_token + heads * thumbnail + mean) + mean + self.vocabulary;
        (values * size_of::<f32>()) as u64
    }
}

/// How tokens become the residual stream.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EmbeddingSpec {
    /// Width of the embedding matrix; where that is not the residual stream's, a linear map is between them, at both
    /// ends of the decoder.
    pub width: usize,
    /// What rows are multiplied by.
    pub scale: f64,
    /// Whether a norm follows.
    pub norm: bool,
    /// Where positions are learned: rows of their table that stand before the first position.
    pub positions: Option<usize>,
}

/// How the residual stream becomes logits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogitsSpec {
    /// Whether a norm comes first.
    pub norm: bool,
    /// What logits are multiplied by.
    pub scale: f64,
    /// What a logit then can't go beyond, on either side: c·tanh(logit / c).
    pub softcap: Option<f64>,
}

/// A norm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NormSpec {
    /// What it takes off and divides by.
    pub kind: NormKind,
    /// Whether it has weights.
    pub weight: bool,
    /// Whether it has biases.
    pub bias: bool,
    /// Added to the variance, or the mean square, before the root.
    pub epsilon: f64,
}

/// What a norm takes off and divides by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NormKind {
    /// Divides by the root of the mean square.
    Rms,
    /// Takes off the mean, and divides by the root of the variance.
    Layer,
}

/// A norm of queries and keys.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QkNormSpec {
    /// The norm.
    pub norm: NormSpec,
    /// What is normalised together.
    pub over: NormSpan,
}

/// Values that are normalised together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NormSpan {
    /// All heads of a token.
    Token,
    /// A head, with the same weights for all.
    Head,
    /// A head, each with its own weights.
    OwnHead,
}

/// Where norms stand in a block, and what its two parts, attention (A) and MLP (M), start from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockSpec {
    /// How the parts follow each other.
    pub wiring: Wiring,
    /// Whether a norm stands before each part.
    pub before: bool,
    /// Whether a norm stands after each part, before it is added.
    pub after: bool,
}

impl BlockSpec {
    /// x += A(n(x)), then x += M(n(x)): what most decoders do.
    pub const PRE_NORM: Self = Self { wiring: Wiring::Sequential, before: true, after: false };
}

/// How the parts of a block follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wiring {
    /// The MLP starts from what attention was added to.
    Sequential,
    /// Both start from the same; with `one_norm` from the same norm of it.
    Parallel {
        /// Whether there is one norm for both.
        one_norm: bool,
    },
    /// As `Sequential`, but what is added to is what the norm gave.
    ResidualOfNorm,
    /// The norm follows the sum: x = n(x + A(x)), then x = n(x + M(x)).
    NormOfSum,
}

/// Which linear maps have biases.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Biases {
    /// To queries, keys and values.
    pub qkv: bool,
    /// From heads to the residual stream.
    pub output: bool,
    /// Of the MLP.
    pub mlp: bool,
    /// Of the output head.
    pub head: bool,
}

/// What differs from layer to layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LayerSpec {
    /// What q·k is multiplied by.
    pub scale: f32,
    /// What a score can't go beyond, on either side.
    pub softcap: Option<f32>,
    /// Keys a query sees, itself included; `None` sees all.
    pub sliding_window: Option<usize>,
    /// Which of the spec's rotaries turns queries and keys, if any does.
    pub rotary: Option<usize>,
    /// What follows attention.
    pub mlp: MlpSpec,
}

/// What follows attention in a layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MlpSpec {
    /// Up, activation, down.
    Plain {
        /// Width between up and down.
        intermediate_size: usize,
        /// Applied between up and down.
        activation: Activation,
    },
    /// Gate and up, their product with the gate activated, down.
    Gated {
        /// Width between up and down.
        intermediate_size: usize,
        /// How gate and up become one.
        gating: Gating,
    },
    /// A router sends each token through a few gated MLPs.
    Experts(ExpertsSpec),
}

/// How the gate and up of an MLP become one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Gating {
    /// activation(gate) · up
    Activated(Activation),
    /// The gate at most `limit`, up within ± `limit`: gate · σ(alpha · gate) · (up + 1).
    ClampedSwiglu {
        /// The gate is clamped to at most this, the up projection to ± this.
        limit: f64,
        /// Gain inside the gate's sigmoid.
        alpha: f64,
    },
}

/// A mixture of experts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExpertsSpec {
    /// Experts of a layer.
    pub count: usize,
    /// Experts that a token goes through.
    pub active: usize,
    /// How the router's logits become the weights of these.
    pub routing: Routing,
    /// Whether router and experts have biases.
    pub bias: bool,
    /// Width between up and down.
    pub intermediate_size: usize,
    /// How gate and up become one.
    pub gating: Gating,
}

/// How a router's logits become the weights of the chosen experts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Routing {
    /// A softmax over the chosen ones; the same as one over all, divided by the sum of the chosen.
    OverChosen,
    /// A softmax over all; those of the chosen are taken as they are.
    OverAll,
}
