//! A device with our kernels, and what orders the work on it.
#![allow(unsafe_code)]

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use cudarc::driver::sys::CUfunction_attribute_enum::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
use cudarc::driver::{CudaContext, CudaEvent, CudaFunction, CudaStream, DriverError};
use cudarc::nvrtc::Ptx;
use strum::{EnumCount, VariantArray};

use super::GpuError;

/// Our kernels, as NVRTC has compiled them: `.ci/ptx.py`.
const PTX: &str = include_str!("kernels/kernels.ptx");

/// CUDA's version that takes this PTX, as the driver says it: 12.1.
const OLDEST_CUDA: i32 = 12_010;

/// Every kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumCount, VariantArray, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
#[allow(missing_docs)] // The kernels say what each does.
pub enum Kernel {
    Norm,
    #[strum(serialize = "linear_f32_1")]
    LinearF32x1,
    #[strum(serialize = "linear_f32_8")]
    LinearF32x8,
    #[strum(serialize = "linear_f32_16")]
    LinearF32x16,
    #[strum(serialize = "linear_f32_64")]
    LinearF32x64,
    #[strum(serialize = "linear_bf16_1")]
    LinearBf16x1,
    #[strum(serialize = "linear_bf16_8")]
    LinearBf16x8,
    #[strum(serialize = "linear_bf16_16")]
    LinearBf16x16,
    #[strum(serialize = "linear_bf16_64")]
    LinearBf16x64,
    #[strum(serialize = "linear_mxfp4_1")]
    LinearMxfp4x1,
    #[strum(serialize = "linear_mxfp4_8")]
    LinearMxfp4x8,
    #[strum(serialize = "linear_mxfp4_16")]
    LinearMxfp4x16,
    #[strum(serialize = "linear_mxfp4_64")]
    LinearMxfp4x64,
    Turn,
    Attend,
    Sort,
    Combine,
    Fold,
    Lengths,
}

/// Marks that a device has: what is asked for at the first may still run while more is asked for until the second.
pub(super) const MARKS: usize = 2;

/// A device with our kernels, and a stream of work on it.
pub struct Device {
    pub(super) context: Arc<CudaContext>,
    pub(super) stream: Arc<CudaStream>,
    /// Reads what passes have left, while the next one may run.
    pub(super) reads: Arc<CudaStream>,
    /// Set among what is asked for.
    pub(super) marks: [CudaEvent; MARKS],
    /// Set behind a read that begins at a mark.
    pub(super) read_marks: [CudaEvent; MARKS],
    kernels: Vec<CudaFunction>,
}

impl Device {
    /// Opens a device, and compiles our kernels for it unless its driver has them already.
    ///
    /// # Errors
    /// If there is no such device, or its driver is too old.
    pub fn open(ordinal: usize) -> Result<Self, GpuError> {
        let context = CudaContext::new(ordinal)?;
        let version = driver_version()?;
        if version < OLDEST_CUDA {
            return Err(GpuError::OldDriver { found: format!("{}.{}", version / 1000, version % 1000 / 10) });
        }
        // SAFETY: events would order what several streams do to the same memory; what a stream of ours works on belongs
        // to it alone.
        unsafe { context.disable_event_tracking() };
        let [stream, reads] = [context.new_stream()?, context.new_stream()?];
        let marks = || Ok::<_, DriverError>([context.new_event(None)?, context.new_event(None)?]);
        let [marks, read_marks] = [marks()?, marks()?];
        let module = context.load_module(Ptx::from_src(PTX))?;
        let load = |kernel: &Kernel| module.load_function((*kernel).into());
        let kernels = Kernel::VARIANTS.iter().map(load).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { context, stream, reads, marks, read_marks, kernels })
    }

    /// What the device is called.
    ///
    /// # Errors
    /// If the driver fails.
    pub fn name(&self) -> Result<String, GpuError> {
        Ok(self.context.name()?)
    }

    /// What tells a device that was tested from another: its name, its driver, our kernels.
    ///
    /// # Errors
    /// If the driver fails.
    pub fn identity(&self) -> Result<String, GpuError> {
        let mut kernels = DefaultHasher::new();
        PTX.hash(&mut kernels);
        Ok(format!("{}, CUDA {}, kernels {:016x}", self.name()?, driver_version()?, kernels.finish()))
    }

    /// A kernel, and the stream that it goes to.
    pub(super) fn kernel(&self, kernel: Kernel) -> (&CudaFunction, &CudaStream) {
        (&self.kernels[kernel as usize], &self.stream)
    }

    /// Lets a kernel have so much shared memory, where that is more than every kernel may have.
    ///
    /// # Errors
    /// If the device hasn't got it.
    pub(super) fn allow_shared(&self, kernel: Kernel, bytes: usize) -> Result<(), GpuError> {
        let bytes = i32::try_from(bytes).map_err(|_| GpuError::OutOfMemory)?;
        let function = &self.kernels[kernel as usize];
        Ok(function.set_attribute(CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, bytes)?)
    }

    /// Sets a mark behind all that was asked for.
    ///
    /// # Errors
    /// If the driver fails.
    pub(super) fn mark(&self, mark: usize) -> Result<(), GpuError> {
        Ok(self.marks[mark % MARKS].record(&self.stream)?)
    }

    /// Waits until all is done that was asked for before a mark was set.
    ///
    /// # Errors
    /// If some of it failed.
    pub(super) fn wait_for(&self, mark: usize) -> Result<(), GpuError> {
        Ok(self.marks[mark % MARKS].synchronize()?)
    }

    /// Bytes that are free.
    ///
    /// # Errors
    /// If the driver fails.
    pub fn free(&self) -> Result<u64, GpuError> {
        Ok(self.context.mem_get_info()?.0 as u64)
    }

    /// As [`wait`](Self::wait), and for all reads that have begun.
    ///
    /// # Errors
    /// If some of it failed.
    pub(super) fn wait_for_all(&self) -> Result<(), GpuError> {
        self.wait()?;
        Ok(self.reads.synchronize()?)
    }

    /// Waits until all that was asked for is done.
    ///
    /// # Errors
    /// If some of it failed.
    pub fn wait(&self) -> Result<(), GpuError> {
        Ok(self.stream.synchronize()?)
    }
}

/// The version of CUDA that the driver takes: 12010 is 12.1.
fn driver_version() -> Result<i32, GpuError> {
    let mut version = 0;
    // SAFETY: writes a number to where it is pointed to.
    unsafe { cudarc::driver::sys::cuDriverGetVersion(&mut version) }.result()?;
    Ok(version)
}
