//! A device with our kernels, and memory on it. All unsafe code of this room but that of `kernels` is here.
#![allow(unsafe_code)]

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use cudarc::driver::result::memcpy_htod_async;
use cudarc::driver::sys::CUfunction_attribute_enum::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
use cudarc::driver::{
    CudaContext, CudaEvent, CudaFunction, CudaSlice, CudaStream, CudaView, DevicePtr, DriverError,
    PinnedHostSlice,
};
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
    context: Arc<CudaContext>,
    stream: Arc<CudaStream>,
    /// Reads what passes have left, while the next one may run.
    reads: Arc<CudaStream>,
    /// Set among what is asked for.
    marks: [CudaEvent; MARKS],
    /// Set behind a read that begins at a mark.
    read_marks: [CudaEvent; MARKS],
    kernels: Vec<CudaFunction>,
}

/// An address on a device; 0 for none.
pub type Address = u64;

/// Memory on a device.
pub struct Buffer(CudaSlice<u8>, Address);

/// Page-locked memory of the host, which a device copies to at full speed.
pub struct HostBuffer(PinnedHostSlice<f32>);

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

    /// So many bytes of zeros.
    ///
    /// # Errors
    /// If there is no room.
    pub fn zeros(&self, bytes: usize) -> Result<Buffer, GpuError> {
        let slice = self.stream.alloc_zeros::<u8>(bytes.max(16))?;
        let address = slice.device_ptr(&self.stream).0;
        Ok(Buffer(slice, address))
    }

    /// These values.
    ///
    /// # Errors
    /// If there is no room.
    pub fn upload<T: bytemuck::NoUninit>(&self, values: &[T]) -> Result<Buffer, GpuError> {
        let mut buffer = self.zeros(size_of_val(values))?;
        self.write(&mut buffer, 0, values)?;
        // The values may be gone before the copy's turn comes.
        self.wait()?;
        Ok(buffer)
    }

    /// Copies values to a place in a buffer, when it is their turn: they have to stay until then.
    ///
    /// # Errors
    /// If the driver fails.
    ///
    /// # Panics
    /// If they don't fit.
    pub(super) fn write<T: bytemuck::NoUninit>(
        &self,
        buffer: &Buffer,
        byte: usize,
        values: &[T],
    ) -> Result<(), GpuError> {
        let bytes: &[u8] = bytemuck::cast_slice(values);
        if bytes.is_empty() {
            return Ok(());
        }
        assert!(byte + bytes.len() <= buffer.len(), "a write beyond its buffer");
        self.context.bind_to_thread()?;
        // SAFETY: it fits, and is the stream's turn: nothing on the host looks at what is on a device.
        unsafe { memcpy_htod_async(buffer.1 + byte as Address, bytes, self.stream.cu_stream())? };
        Ok(())
    }

    /// Copies bytes from buffer to buffer, when it is their turn.
    ///
    /// # Errors
    /// If the driver fails.
    ///
    /// # Panics
    /// If they are not there, or don't fit.
    pub(super) fn copy(
        &self,
        from: &Buffer,
        from_byte: usize,
        to: &mut Buffer,
        to_byte: usize,
        bytes: usize,
    ) -> Result<(), GpuError> {
        let from = from.0.slice(from_byte..from_byte + bytes);
        Ok(self.stream.memcpy_dtod(&from, &mut to.0.slice_mut(to_byte..to_byte + bytes))?)
    }

    /// Zeros to a part of a buffer, when it is their turn.
    ///
    /// # Errors
    /// If the driver fails.
    pub(super) fn clear(&self, buffer: &mut Buffer, byte: usize, bytes: usize) -> Result<(), GpuError> {
        Ok(self.stream.memset_zeros(&mut buffer.0.slice_mut(byte..byte + bytes))?)
    }

    /// Reads `count` values from a place in a buffer, once all that was asked for before is done.
    ///
    /// # Errors
    /// If the driver fails, or something that was asked for before.
    ///
    /// # Panics
    /// If they are not there, or `to` is too short.
    pub(super) fn read<'h>(
        &self,
        buffer: &Buffer,
        byte: usize,
        count: usize,
        to: &'h mut HostBuffer,
    ) -> Result<&'h [f32], GpuError> {
        let from = floats(buffer, byte, count)?;
        // As a slice: of a whole page-locked buffer cudarc would fill all.
        let to = &mut to.0.as_mut_slice()?[..count];
        self.stream.memcpy_dtoh(&from, to)?;
        self.wait()?;
        Ok(to)
    }

    /// As [`read`](Self::read), to memory that need not be page-locked.
    ///
    /// # Errors
    /// If the driver fails, or something that was asked for before.
    ///
    /// # Panics
    /// If they are not there.
    pub(super) fn read_to(&self, buffer: &Buffer, byte: usize, to: &mut [f32]) -> Result<(), GpuError> {
        self.stream.memcpy_dtoh(&floats(buffer, byte, to.len())?, to)?;
        self.wait()
    }

    /// As [`read`](Self::read) of what was waited for before, while more may be asked for.
    ///
    /// # Errors
    /// If the driver fails.
    ///
    /// # Panics
    /// If it is not there, or `to` is too short.
    pub(super) fn read_beside<'h>(
        &self,
        buffer: &Buffer,
        byte: usize,
        count: usize,
        to: &'h mut HostBuffer,
    ) -> Result<&'h [f32], GpuError> {
        self.begin(buffer, byte, count, to)?;
        self.reads.synchronize()?;
        Ok(&to.0.as_slice()?[..count])
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

    /// Begins to read what is done by a mark that was set. [`end_read`](Self::end_read) has to follow before anybody looks at
    /// `to`, or asks for the memory in `buffer` to be overwritten.
    ///
    /// # Errors
    /// If the driver fails.
    ///
    /// # Panics
    /// If it is not there, or `to` is too short.
    pub(super) fn begin_read(
        &self,
        mark: usize,
        buffer: &Buffer,
        byte: usize,
        count: usize,
        to: &mut HostBuffer,
    ) -> Result<(), GpuError> {
        self.reads.wait(&self.marks[mark % MARKS])?;
        self.begin(buffer, byte, count, to)?;
        Ok(self.read_marks[mark % MARKS].record(&self.reads)?)
    }

    /// Waits for what has [begun](Self::begin_read) at a mark.
    ///
    /// # Errors
    /// If it failed.
    pub(super) fn end_read<'h>(
        &self,
        mark: usize,
        count: usize,
        to: &'h HostBuffer,
    ) -> Result<&'h [f32], GpuError> {
        self.read_marks[mark % MARKS].synchronize()?;
        Ok(&to.0.as_slice()?[..count])
    }

    fn begin(&self, buffer: &Buffer, byte: usize, count: usize, to: &mut HostBuffer) -> Result<(), GpuError> {
        let from = floats(buffer, byte, count)?;
        // As a slice: of a whole page-locked buffer cudarc would fill all.
        Ok(self.reads.memcpy_dtoh(&from, &mut to.0.as_mut_slice()?[..count])?)
    }

    /// Bytes that are free.
    ///
    /// # Errors
    /// If the driver fails.
    pub fn free(&self) -> Result<u64, GpuError> {
        Ok(self.context.mem_get_info()?.0 as u64)
    }

    /// Page-locked memory for so many values.
    ///
    /// # Errors
    /// If the system has none.
    pub fn host(&self, count: usize) -> Result<HostBuffer, GpuError> {
        // SAFETY: what it holds at first is read by nobody: `read` fills what it hands out.
        Ok(HostBuffer(unsafe { self.context.alloc_pinned_with_flags(count, 0)? }))
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

impl HostBuffer {
    /// Values that it has room for.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it has room for none.
    pub fn is_empty(&self) -> bool {
        self.0.len() == 0
    }
}

impl Buffer {
    /// Where it is.
    pub fn address(&self) -> Address {
        self.1
    }

    /// Bytes that it has.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A part of a buffer, as floats.
fn floats(buffer: &Buffer, byte: usize, count: usize) -> Result<CudaView<'_, f32>, GpuError> {
    let bytes = buffer.0.slice(byte..byte + count * size_of::<f32>());
    // SAFETY: all that is written to it are floats, and any bytes are floats.
    let floats = unsafe { bytes.transmute::<f32>(count) };
    floats.ok_or_else(|| GpuError::Driver("a read beyond its buffer".to_owned()))
}

/// The version of CUDA that the driver takes: 12010 is 12.1.
fn driver_version() -> Result<i32, GpuError> {
    let mut version = 0;
    // SAFETY: writes a number to where it is pointed to.
    unsafe { cudarc::driver::sys::cuDriverGetVersion(&mut version) }.result()?;
    Ok(version)
}
