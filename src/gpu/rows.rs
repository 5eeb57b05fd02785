//! What a device keeps of the tokens of a prompt, in each layer: queries, keys, values and log-sum-exps.

use std::ops::Range;

use super::GpuError;
use super::copies::{Address, Buffer, HostBuffer, Rows};
use super::decoder::Shape;
use super::device::Device;

/// Tokens that there is room for, at least.
const FEWEST_TOKENS: usize = 64;

/// What is kept of tokens: \[layers, capacity, layer_stride\]. A token's row is written once, by the pass that runs it; those
/// of later tokens may follow while it is read.
pub struct KeptRows {
    buffer: Buffer,
    layers: usize,
    capacity: usize,
    stride: usize,
}

/// What is kept of a token in a layer.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// \[heads, head_dim\], turned by position.
    pub query: &'a [f32],
    /// \[kv_heads, head_dim\], turned by position.
    pub key: &'a [f32],
    /// \[kv_heads, head_dim\]
    pub value: &'a [f32],
}

impl<'a> Row<'a> {
    /// From the values of a row.
    pub fn of(shape: &Shape, values: &'a [f32]) -> Self {
        let (query, rest) = values.split_at(shape.heads * shape.head_dim);
        let (key, rest) = rest.split_at(shape.kv_heads * shape.head_dim);
        Self { query, key, value: &rest[..shape.kv_heads * shape.head_dim] }
    }
}

impl KeptRows {
    /// Room for the rows of so many tokens, and of some more.
    ///
    /// # Errors
    /// If the device has no room.
    pub fn new(device: &Device, shape: &Shape, tokens: usize) -> Result<Self, GpuError> {
        let (layers, capacity, stride) = (shape.layers, capacity(tokens), shape.layer_stride());
        let buffer = device.zeros(4 * layers * capacity * stride)?;
        Ok(Self { buffer, layers, capacity, stride })
    }

    /// Bytes that [`new`](Self::new) takes.
    pub fn bytes_for(shape: &Shape, tokens: usize) -> u64 {
        (4 * shape.layers * capacity(tokens) * shape.layer_stride()) as u64
    }

    /// Bytes that they take.
    pub fn bytes(&self) -> u64 {
        self.buffer.len() as u64
    }

    /// Tokens that there is room for.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Takes the rows of the first tokens from others, when it is their turn.
    ///
    /// # Errors
    /// If the driver fails.
    pub fn copy_from(&mut self, device: &Device, other: &Self, tokens: usize) -> Result<(), GpuError> {
        for layer in 0..self.layers {
            let [to, from] = [self.place(layer, 0), other.place(layer, 0)];
            device.copy(&other.buffer, 4 * from, &mut self.buffer, 4 * to, 4 * tokens * self.stride)?;
        }
        Ok(())
    }

    /// Takes the rows of the first tokens of a layer from the host: \[tokens, layer_stride\].
    ///
    /// # Errors
    /// If the driver fails.
    pub fn write(&self, device: &Device, layer: usize, rows: &[f32]) -> Result<(), GpuError> {
        let byte = 4 * self.place(layer, 0);
        device.write(&self.buffer, byte, rows)?;
        // They may be gone before the copy's turn comes.
        device.wait()
    }

    /// Reads the rows of some tokens of a layer that were run, \[tokens, layer_stride\], by `by`; a pass may run meanwhile.
    ///
    /// # Errors
    /// If the driver fails.
    pub fn read<'h>(
        &self,
        device: &Device,
        layer: usize,
        tokens: Range<usize>,
        by: &'h mut HostBuffer,
    ) -> Result<&'h [f32], GpuError> {
        let byte = 4 * self.place(layer, tokens.start);
        device.read_beside(&self.buffer, byte, tokens.len() * self.stride, by)
    }

    /// As [`read`](Self::read), once all that was asked for before `mark` was set is done: begins to.
    pub(super) fn begin_read(
        &self,
        device: &Device,
        mark: usize,
        (layer, tokens): (usize, Range<usize>),
        by: &mut HostBuffer,
    ) -> Result<(), GpuError> {
        let byte = 4 * self.place(layer, tokens.start);
        device.begin_read(mark, &self.buffer, byte, tokens.len() * self.stride, by)
    }

    /// Where the row of a token is, and how far it is to the next one.
    pub(super) fn at(&self, layer: usize, token: usize) -> Rows {
        Rows { at: self.address(self.place(layer, token)), stride: self.stride }
    }

    /// Values from the row of a token to that of the same in the next layer.
    pub(super) fn layer_stride(&self) -> usize {
        self.capacity * self.stride
    }

    fn place(&self, layer: usize, token: usize) -> usize {
        (layer * self.capacity + token) * self.stride
    }

    fn address(&self, place: usize) -> Address {
        self.buffer.address() + 4 * place as u64
    }
}

/// Tokens that there is room for in what is made for so many.
fn capacity(tokens: usize) -> usize {
    tokens.next_power_of_two().max(FEWEST_TOKENS)
}
