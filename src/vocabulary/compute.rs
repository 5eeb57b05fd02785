//! Where and how a model runs.

use std::fmt;
use std::str::FromStr;

use strum::{EnumCount, EnumMessage, IntoStaticStr, VariantArray};

use super::names::{names, serde_as_text};

/// Where a model is placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DeviceChoice {
    /// A CUDA or Metal device if this build and machine have one, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// The CUDA device of that index.
    Cuda(usize),
    /// The Metal device.
    Metal,
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceChoice::Auto => f.write_str("auto"),
            DeviceChoice::Cpu => f.write_str("cpu"),
            DeviceChoice::Cuda(index) => write!(f, "cuda:{index}"),
            DeviceChoice::Metal => f.write_str("metal"),
        }
    }
}

/// A text that names no device.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no device: use auto, cpu, cuda, cuda:N or metal")]
pub struct ParseDeviceError(String);

impl FromStr for DeviceChoice {
    type Err = ParseDeviceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(DeviceChoice::Auto),
            "cpu" => Ok(DeviceChoice::Cpu),
            "cuda" => Ok(DeviceChoice::Cuda(0)),
            "metal" => Ok(DeviceChoice::Metal),
            _ => {
                let index = text.strip_prefix("cuda:").and_then(|index| index.parse().ok());
                index.map(DeviceChoice::Cuda).ok_or_else(|| ParseDeviceError(text.to_owned()))
            }
        }
    }
}
serde_as_text!(DeviceChoice);

/// How dense weights are held.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, EnumCount, EnumMessage, IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "lowercase")]
pub enum Precision {
    /// f32 on the CPU; on a GPU as stored, with the results of f32; with candle's kernels bf16, where experts stay packed.
    #[default]
    Auto,
    /// 32 bits.
    F32,
    /// bfloat16; with candle's kernels on a GPU, experts unpacked to it once.
    Bf16,
    /// IEEE half; with candle's kernels on a GPU.
    F16,
}
names!(Precision, "dtype");

/// What linear weights are rounded to when they are loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumCount, EnumMessage, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Rounding {
    /// Eight bits, a scale for 32 values.
    #[strum(serialize = "q8_0")]
    Q8_0,
    /// Four bits, a scale for 32 values.
    #[strum(serialize = "q4_0")]
    Q4_0,
    /// Four bits of a float, a power of two for 32 values.
    Mxfp4,
}
names!(Rounding, "rounding");

/// What computes attention and experts.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, EnumCount, EnumMessage, IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "lowercase")]
pub enum Engine {
    /// Own kernels on the CPU and on CUDA devices.
    #[default]
    Auto,
    /// Tensor operations: on the CPU, and on a GPU with candle's kernels.
    Generic,
}
names!(Engine, "engine");

/// What stands in the place of a head that is off.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, EnumCount, EnumMessage, IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "lowercase")]
pub enum Instead {
    /// Nothing.
    #[default]
    Zero,
    /// What the head takes from the values, on average over the tokens of the prompt, with all heads on.
    Mean,
}
names!(Instead, "thing in the place of a head");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_by_name() {
        assert_eq!("cuda".parse(), Ok(DeviceChoice::Cuda(0)));
        for device in [DeviceChoice::Auto, DeviceChoice::Cpu, DeviceChoice::Cuda(3), DeviceChoice::Metal] {
            assert_eq!(device.to_string().parse(), Ok(device));
        }
        let error = "cuda:x".parse::<DeviceChoice>().unwrap_err().to_string();
        assert_eq!(error, "'cuda:x' is no device: use auto, cpu, cuda, cuda:N or metal");
    }
}
