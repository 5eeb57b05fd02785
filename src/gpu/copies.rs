//! Memory on a device, and copies to it, on it and from it.
#![allow(unsafe_code)]

use std::sync::Arc;

use cudarc::driver::result::memcpy_htod_async;
use cudarc::driver::{CudaSlice, CudaStream, CudaView, DevicePtr, PinnedHostSlice};

use super::GpuError;
use super::device::{Device, MARKS};

/// An address on a device; 0 for none.
pub type Address = u64;

/// A matrix of rows on the device.
#[derive(Debug, Clone, Copy)]
pub struct Rows {
    /// Where it begins.
    pub at: Address,
    /// From row to row, in values.
    pub stride: usize,
}

/// Memory on a device.
pub struct Buffer(CudaSlice<u8>, Address);

/// Page-locked memory of the host, which a device copies to at full speed.
pub struct HostBuffer(PinnedHostSlice<f32>);

impl Device {
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
        let buffer = self.zeros(size_of_val(values))?;
        self.write(&buffer, 0, values)?;
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
        begin(&self.stream, buffer, byte, count, to)?;
        self.wait()?;
        Ok(&to.0.as_slice()?[..count])
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
        begin(&self.reads, buffer, byte, count, to)?;
        self.reads.synchronize()?;
        Ok(&to.0.as_slice()?[..count])
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
        begin(&self.reads, buffer, byte, count, to)?;
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

    /// Page-locked memory for so many values.
    ///
    /// # Errors
    /// If the system has none.
    pub fn host(&self, count: usize) -> Result<HostBuffer, GpuError> {
        // SAFETY: what it holds at first is read by nobody: `read` fills what it hands out.
        Ok(HostBuffer(unsafe { self.context.alloc_pinned_with_flags(count, 0)? }))
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

/// Begins to copy to page-locked memory, when it is the stream's turn.
fn begin(
    stream: &Arc<CudaStream>,
    buffer: &Buffer,
    byte: usize,
    count: usize,
    to: &mut HostBuffer,
) -> Result<(), GpuError> {
    // As a slice: of a whole page-locked buffer cudarc would fill all.
    Ok(stream.memcpy_dtoh(&floats(buffer, byte, count)?, &mut to.0.as_mut_slice()?[..count])?)
}

/// A part of a buffer, as floats.
fn floats(buffer: &Buffer, byte: usize, count: usize) -> Result<CudaView<'_, f32>, GpuError> {
    let bytes = buffer.0.slice(byte..byte + count * size_of::<f32>());
    // SAFETY: all that is written to it are floats, and any bytes are floats.
    let floats = unsafe { bytes.transmute::<f32>(count) };
    floats.ok_or_else(|| GpuError::Driver("a read beyond its buffer".to_owned()))
}
