//! What can go wrong on a device.

use cudarc::driver::DriverError;
use cudarc::driver::sys::CUresult;

/// What can go wrong on a device.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GpuError {
    /// It has no room.
    #[error("the GPU has no memory left")]
    OutOfMemory,
    /// The kernels don't know a rule of the model.
    #[error("the GPU's kernels don't know {0}")]
    Unsupported(String),
    /// Its driver is older than the kernels.
    #[error("the driver is too old: it takes CUDA {found}, the kernels need 12.1 (driver 530 or newer)")]
    OldDriver {
        /// What the driver takes.
        found: String,
    },
    /// It computes something else than the CPU.
    #[error(
        "the GPU computes {0}: it is not used. Please report this, with what `attnscope models` says of the device"
    )]
    Wrong(String),
    /// The driver failed.
    #[error("the GPU's driver failed: {0}")]
    Driver(String),
}

impl From<DriverError> for GpuError {
    fn from(error: DriverError) -> Self {
        match error.0 {
            CUresult::CUDA_ERROR_OUT_OF_MEMORY => Self::OutOfMemory,
            _ => Self::Driver(
                error
                    .error_string()
                    .map_or_else(|_| error.to_string(), |text| text.to_string_lossy().into_owned()),
            ),
        }
    }
}
