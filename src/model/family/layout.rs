//! How a checkpoint names and lays out the tensors of a decoder. Names are those of modules: their tensors end in
//! `.weight` and `.bias`. The names of a layer's modules come after the layer's own name.

use crate::model::decoder::QkvOrder;

/// The names of a checkpoint's tensors, and how their values lie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Layout {
    /// What names begin with in some files, the usual one first.
    pub prefixes: &'static [&'static str],
    /// A layer, up to its number.
    pub layers: &'static str,
    /// The embedding of tokens.
    pub embedding: &'static str,
    /// Its norm.
    pub embedding_norm: &'static str,
    /// From its width to the residual stream's, and back.
    pub embedding_projections: [&'static str; 2],
    /// Learned positions.
    pub positions: &'static str,
    /// The norm before attention (after its sum, where norms follow sums).
    pub attention_norm: &'static str,
    /// The norm before the MLP (after its sum, where norms follow sums).
    pub mlp_norm: &'static str,
    /// The norm of what attention gives, before it is added.
    pub after_attention_norm: &'static str,
    /// The norm of what the MLP gives, before it is added.
    pub after_mlp_norm: &'static str,
    /// To queries, keys and values.
    pub projections: ProjectionNames,
    /// The norms of queries and of keys.
    pub qk_norms: [&'static str; 2],
    /// Sinks, a tensor by itself.
    pub sinks: &'static str,
    /// From the heads to the residual stream.
    pub output: &'static str,
    /// The MLP of layers without experts.
    pub mlp: MlpNames,
    /// The experts of layers with them.
    pub experts: ExpertNames,
    /// The norm before the output head.
    pub norm: &'static str,
    /// The output head.
    pub head: &'static str,
    /// Whether weights of a layer are \[in, out\] rather than \[out, in\].
    pub in_out: bool,
    /// What is added to the weights of norms.
    pub norm_offset: f64,
}

/// Where queries, keys and values come from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ProjectionNames {
    /// One matrix each.
    Separate([&'static str; 3]),
    /// One for all.
    Fused(&'static str, QkvOrder),
}

/// The matrices of an MLP.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MlpNames {
    /// Up, down.
    Plain([&'static str; 2]),
    /// Gate, up, down.
    Gated([&'static str; 3]),
    /// Gate and up in one matrix, the gate's rows first; down.
    GateUp([&'static str; 2]),
}

/// The matrices of a layer's experts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ExpertNames {
    /// Each its own.
    Each {
        /// To a logit per expert.
        router: &'static str,
        /// Gate, up, down, with `{}` where an expert's number stands.
        matrices: [&'static str; 3],
    },
    /// As GGUF files have them: those of all experts in a tensor \[experts, out, in\].
    Stacks {
        /// To a logit per expert.
        router: &'static str,
        /// Gate, up, down.
        matrices: [&'static str; 3],
    },
    /// As gpt-oss has them: all in a tensor \[experts, in, out\], or in MXFP4; gate and up values alternate.
    Stacked {
        /// To a logit per expert.
        router: &'static str,
        /// Gate and up, down; these names are of tensors.
        matrices: [&'static str; 2],
    },
}

/// Llama's, which most others have followed.
pub const LLAMA: Layout = Layout {
    prefixes: &["model."],
    layers: "layers.",
    embedding: "embed_tokens",
    embedding_norm: "",
    embedding_projections: ["", ""],
    positions: "",
    attention_norm: "input_layernorm",
    mlp_norm: "post_attention_layernorm",
    after_attention_norm: "",
    after_mlp_norm: "",
    projections: ProjectionNames::Separate(["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"]),
    qk_norms: ["self_attn.q_norm", "self_attn.k_norm"],
    sinks: "self_attn.sinks",
    output: "self_attn.o_proj",
    mlp: MlpNames::Gated(["mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"]),
    experts: ExpertNames::Each {
        router: "mlp.gate",
        matrices: ["mlp.experts.{}.gate_proj", "mlp.experts.{}.up_proj", "mlp.experts.{}.down_proj"],
    },
    norm: "norm",
    head: "lm_head",
    in_out: false,
    norm_offset: 0.0,
};
