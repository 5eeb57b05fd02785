//! Where the tensors of a checkpoint go, and in what precision.

use candle_core::{DType, Device, Tensor};

use crate::model::device::{self, Place};
use crate::model::{Engine, LoadOptions, ModelError, Precision};

/// Where tensors go, and how.
#[derive(Debug, Clone)]
pub struct Placement {
    /// Where dense tensors go.
    pub device: Device,
    /// What dense tensors become there.
    pub dtype: DType,
    /// Whether matrices stay in the mapped file, for the CPU's kernels.
    pub mapped: bool,
    /// Whether experts in MXFP4 become dense tensors once and for all.
    pub unpacked: bool,
}

impl Placement {
    /// What is to compute, as `options` ask for.
    ///
    /// # Errors
    /// If this build or machine hasn't got it.
    pub fn place_of(options: &LoadOptions) -> Result<Place, ModelError> {
        match (device::open(options.device)?, options.engine) {
            (Place::Cuda { or_cpu: false, .. }, Engine::Generic) => Err(ModelError::Invalid(
                "--engine generic computes on the CPU in this build: add --device cpu".to_owned(),
            )),
            (Place::Cuda { or_cpu: true, .. }, Engine::Generic) => Ok(Place::Candle(Device::Cpu)),
            (place, _) => Ok(place),
        }
    }

    /// As `options` ask for.
    ///
    /// # Errors
    /// If this build or machine hasn't the device, or the device not the precision.
    pub fn new(options: &LoadOptions) -> Result<Self, ModelError> {
        let place = Self::place_of(options)?;
        let device = place.device();
        Ok(Self {
            dtype: device::dtype(options.precision, &place)?,
            mapped: device.is_cpu() && options.engine == Engine::Auto,
            unpacked: options.precision == Precision::Bf16,
            device,
        })
    }

    /// Values of a shape, placed in a precision.
    ///
    /// # Errors
    /// If the device has no room.
    pub(super) fn place(
        &self,
        values: Vec<f32>,
        shape: &[usize],
        dtype: DType,
    ) -> Result<Tensor, ModelError> {
        Ok(Tensor::from_vec(values, shape, &Device::Cpu)?.to_device(&self.device)?.to_dtype(dtype)?)
    }
}
