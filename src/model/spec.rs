//! How a decoder is built, as config.json says. The one decoder is configured by this.

/// The shape and rules of a decoder.
#[derive(Debug, Clone, PartialEq)]
pub struct DecoderSpec {
    /// `model_type` of config.json.
    pub family: Family,
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
    /// Added to the variance before the root.
    pub norm_epsilon: f64,
    /// How position enters.
    pub position: Position,
    /// Whether q, k, v and the output projection have biases.
    pub attention_bias: bool,
    /// Whether each query head has a learned sink.
    pub sinks: bool,
    /// One per layer, in order.
    pub layers: Vec<LayerSpec>,
    /// What follows attention in a layer.
    pub mlp: MlpSpec,
    /// Whether the output head is the embedding matrix, where the file has only one of them.
    pub tied_head: bool,
    /// What config.json says the weights are packed with, if that isn't read: for messages.
    pub quantization: Option<String>,
}

/// The families that the decoder runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// GPT-2: LayerNorm, learned positions, dense MLP.
    Gpt2,
    /// gpt-oss: RMSNorm, rotary positions, sinks, alternating windows, mixture of experts.
    GptOss,
}

impl Family {
    /// All of them.
    pub const ALL: [Self; 2] = [Family::Gpt2, Family::GptOss];

    /// As `model_type` of config.json spells it.
    pub fn name(self) -> &'static str {
        match self {
            Family::Gpt2 => "gpt2",
            Family::GptOss => "gpt_oss",
        }
    }

    /// How the names of its classes in transformers begin, as `architectures` of config.json spells them.
    pub fn classes(self) -> &'static str {
        match self {
            Family::Gpt2 => "GPT2",
            Family::GptOss => "GptOss",
        }
    }
}

/// What differs from layer to layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LayerSpec {
    /// What q·k is multiplied by.
    pub scale: f32,
    /// Keys a query sees, itself included; `None` sees all.
    pub sliding_window: Option<usize>,
}

/// How position enters.
#[derive(Debug, Clone, PartialEq)]
pub enum Position {
    /// A learned vector per position, added to the embedding.
    Learned,
    /// Queries and keys are rotated.
    Rotary(RotarySpec),
}

/// Rotary position embedding, the first half of a head paired with the second.
#[derive(Debug, Clone, PartialEq)]
pub struct RotarySpec {
    /// Base of the wavelengths.
    pub theta: f64,
    /// How they are stretched for long contexts.
    pub scaling: RotaryScaling,
}

/// How rotary wavelengths are stretched for long contexts.
#[derive(Debug, Clone, PartialEq)]
pub enum RotaryScaling {
    /// They are not stretched.
    None,
    /// All are stretched by the same factor.
    Linear {
        /// Wavelengths are multiplied by it.
        factor: f64,
    },
    /// YaRN (Peng et al. 2023): long ones by `factor`, short ones not, a ramp between.
    Yarn {
        /// Wavelengths at the long end are multiplied by it.
        factor: f64,
        /// Rotations within the original context above which a dimension is not stretched.
        beta_fast: f64,
        /// Rotations below which it is stretched in full.
        beta_slow: f64,
        /// Context before stretching, in tokens.
        original_context: f64,
        /// Whether the ramp's bounds are rounded outwards to whole dimensions.
        truncate: bool,
        /// What cos and sin are multiplied by.
        attention_factor: f64,
    },
}

/// What follows attention in a layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MlpSpec {
    /// Up, activation, down.
    Dense {
        /// Width between up and down.
        intermediate_size: usize,
        /// Applied between up and down.
        activation: Activation,
    },
    /// A router sends each token through a few experts.
    Experts(ExpertsSpec),
}

/// A mixture of experts with clamped SwiGLU.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExpertsSpec {
    /// Experts of a layer.
    pub count: usize,
    /// Experts that a token goes through.
    pub active: usize,
    /// Width between up and down.
    pub intermediate_size: usize,
    /// The gate is clamped to at most this, the up projection to ± this.
    pub limit: f64,
    /// Gain inside the gate's sigmoid.
    pub alpha: f64,
}

/// Activations of the dense MLP: those of transformers that are functions of one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// GELU in its tanh form.
    GeluTanh,
    /// GELU with the error function.
    GeluErf,
    /// GELU with the error function, clamped to ±10.
    GeluClipped,
    /// x·σ(1.702 x)
    GeluQuick,
    /// x·min(max(x + 3, 0), 6) / 6
    HardSwish,
    /// The normal distribution function of mean 1/√2 and variance 1/(4π).
    Laplace,
    /// max(x, x / 100)
    LeakyRelu,
    /// x
    Linear,
    /// x·tanh(ln(1 + eˣ))
    Mish,
    /// max(x, 0)
    Relu,
    /// max(x, 0)²
    ReluSquared,
    /// min(max(x, 0), 6)
    ReluClipped,
    /// σ(x) = 1 / (1 + e⁻ˣ)
    Sigmoid,
    /// x·σ(x)
    Silu,
    /// √ln(1 + eˣ)
    SqrtSoftplus,
    /// tanh x
    Tanh,
}

impl Activation {
    /// As transformers' `ACT2FN` spells them; those that it lists besides have weights of their own.
    pub const NAMES: [(&'static str, Self); 22] = [
        ("gelu", Self::GeluErf),
        ("gelu_10", Self::GeluClipped),
        ("gelu_accurate", Self::GeluTanh),
        ("gelu_fast", Self::GeluTanh),
        ("gelu_new", Self::GeluTanh),
        ("gelu_python", Self::GeluErf),
        ("gelu_python_tanh", Self::GeluTanh),
        ("gelu_pytorch_tanh", Self::GeluTanh),
        ("hardswish", Self::HardSwish),
        ("laplace", Self::Laplace),
        ("leaky_relu", Self::LeakyRelu),
        ("linear", Self::Linear),
        ("mish", Self::Mish),
        ("quick_gelu", Self::GeluQuick),
        ("relu", Self::Relu),
        ("relu2", Self::ReluSquared),
        ("relu6", Self::ReluClipped),
        ("sigmoid", Self::Sigmoid),
        ("silu", Self::Silu),
        ("sqrtsoftplus", Self::SqrtSoftplus),
        ("swish", Self::Silu),
        ("tanh", Self::Tanh),
    ];

    /// The activation of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.into_iter().find(|known| known.0 == name).map(|known| known.1)
    }
}
