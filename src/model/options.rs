//! How to load a model.

use std::fmt;

use super::files::Consent;

/// Where a model is placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeviceChoice {
    /// A CUDA or Metal device if this build and machine have one, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// The CUDA device of that number.
    Cuda(usize),
    /// The Metal device.
    Metal,
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceChoice::Auto => f.write_str("auto"),
            DeviceChoice::Cpu => f.write_str("cpu"),
            DeviceChoice::Cuda(number) => write!(f, "cuda:{number}"),
            DeviceChoice::Metal => f.write_str("metal"),
        }
    }
}

/// How dense weights are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// f32 on the CPU, bf16 on a GPU; experts in MXFP4 stay packed.
    #[default]
    Auto,
    /// 32 bits, exact for every checkpoint.
    F32,
    /// bfloat16, experts that are packed in MXFP4 unpacked to it; on a GPU.
    Bf16,
    /// IEEE half; on a GPU.
    F16,
}

/// Which code computes attention and experts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Engine {
    /// Our kernels on the CPU, tensor operations elsewhere.
    #[default]
    Auto,
    /// Tensor operations everywhere: what a GPU runs, on any device.
    Generic,
}

/// How to load a model.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    /// Where to.
    pub device: DeviceChoice,
    /// How dense weights are held.
    pub precision: Precision,
    /// Which code runs it.
    pub engine: Engine,
    /// Never ask the hub, use what is in its cache.
    pub offline: bool,
    /// How much may be downloaded.
    pub consent: Consent,
}
