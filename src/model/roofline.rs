//! What a device can do at best: peak memory bandwidth and peak FLOP/s. Passes are measured against them.

use candle_core::{Device, Tensor};

use super::device::Place;
use super::weights::Placement;
use super::{LoadOptions, ModelError};
use crate::kernels::roofline;

/// Values that are copied on a GPU, 1 GiB of them: many times its caches.
const COPIED: usize = 1 << 28;
/// Rows and columns of the matrices that are multiplied on a GPU.
const SIDE: usize = 8192;

/// Rates that no pass exceeds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Roofline {
    /// Bytes per second that are read; on a GPU, read and written.
    pub bytes_s: f64,
    /// Floating-point operations per second of a large product, in the precision of dense weights.
    pub operations_s: f64,
}

impl Roofline {
    /// Measures the device that `options` choose; nothing of one with our kernels, which don't measure it.
    ///
    /// # Errors
    /// If there is no such device, or it has no memory for this.
    pub fn measure(options: &LoadOptions) -> Result<Option<Self>, ModelError> {
        if matches!(Placement::place_of(options)?, Place::Cuda { .. }) {
            return Ok(None);
        }
        let Placement { device, dtype, .. } = Placement::new(options)?;
        if device.is_cpu() {
            return Ok(Some(Self {
                bytes_s: roofline::read_bandwidth(),
                operations_s: roofline::product_rate(),
            }));
        }
        let values = Tensor::rand(0f32, 1., COPIED, &device)?;
        let copied = seconds(&device, || values.copy())?;
        let square = || Tensor::rand(-1f32, 1., (SIDE, SIDE), &device)?.to_dtype(dtype);
        let (x, weight) = (square()?, square()?);
        let multiplied = seconds(&device, || x.matmul(&weight))?;
        Ok(Some(Self {
            bytes_s: (2 * COPIED * size_of::<f32>()) as f64 / copied,
            operations_s: 2.0 * (SIDE as f64).powi(3) / multiplied,
        }))
    }
}

/// Seconds of the fastest of a few tries; a GPU is still at work when it is asked for the next thing.
fn seconds(device: &Device, work: impl Fn() -> candle_core::Result<Tensor>) -> Result<f64, ModelError> {
    let mut failed = None;
    let seconds = roofline::fastest(|| {
        if let Err(error) = work().and_then(|_| device.synchronize()) {
            failed = Some(error);
        }
    });
    failed.map_or(Ok(seconds), |error| Err(error.into()))
}
