//! Where a decoder goes that is to be on a device.

use std::path::Path;

use candle_core::Device;

use super::decoder::CudaDecoder;
use super::self_check;
use crate::gpu::GpuError;
use crate::model::decoder::Decoder;
use crate::model::device::Place;
use crate::model::{Control, ModelError};

/// What became of a decoder that was to be on a device.
pub struct Placed {
    /// On the device, if it is there.
    pub decoder: Option<CudaDecoder>,
    /// Where it is.
    pub place: Place,
    /// Why it isn't on the device.
    pub note: Option<String>,
}

impl Placed {
    /// A decoder where it is to be, or on the CPU if the device can't take it and nobody asked for that one. `checked`
    /// is the file that says which devices have passed their test.
    ///
    /// # Errors
    /// If the kernels lack one of its rules, the device has no room or fails, or `control` was cancelled.
    pub fn new(
        place: Place,
        name: &str,
        decoder: &Decoder,
        checked: Option<&Path>,
        control: &mut Control<'_>,
    ) -> Result<Self, ModelError> {
        let Place::Cuda { ordinal, or_cpu } = place else {
            return Ok(Self { decoder: None, place, note: None });
        };
        let mut on_device = || {
            if or_cpu {
                self_check::passed(ordinal, checked)?;
            }
            CudaDecoder::new(decoder, ordinal, control)
        };
        match on_device() {
            Ok(decoder) => Ok(Self { decoder: Some(decoder), place, note: None }),
            Err(ModelError::Gpu(error)) if or_cpu => {
                let note = Some(format!("computed on the CPU: {error}"));
                Ok(Self { decoder: None, place: Place::Candle(Device::Cpu), note })
            }
            Err(ModelError::Gpu(error @ GpuError::OutOfMemory)) => {
                Err(ModelError::OutOfMemory(format!("{name}: {error}: {}", place.way_out())))
            }
            Err(error) => Err(error),
        }
    }
}
