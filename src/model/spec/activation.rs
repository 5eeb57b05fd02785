//! Functions of one number between the linear maps of an MLP.

/// Activations of an MLP: those of transformers that are functions of one number.
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
