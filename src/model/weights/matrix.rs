//! The matrix of a linear map, or a table of embeddings.

use std::sync::Arc;

use candle_core::{Device, Tensor};

use super::Bytes;
use crate::kernels::matmul;
use crate::model::ModelError;

/// A matrix \[rows, columns\], as the checkpoint stores it.
#[derive(Debug, Clone)]
pub enum Matrix {
    /// On a device, for candle.
    Device(Tensor),
    /// In memory, for the CPU's kernels.
    Host(HostMatrix),
}

/// A matrix \[rows, columns\] that the kernels read.
#[derive(Debug, Clone)]
pub struct HostMatrix {
    columns: usize,
    values: Values,
}

#[derive(Debug, Clone)]
enum Values {
    /// f32, where it lies in the file.
    Mapped(Bytes),
    /// bf16, where it lies in the file; an even number of columns.
    MappedBf16(Bytes),
    /// Anything else, as f32.
    Owned(Arc<Vec<f32>>),
}

impl Matrix {
    /// Some rows, \[rows, columns\].
    ///
    /// # Errors
    /// If the device fails.
    pub fn rows(&self, rows: &[u32]) -> Result<Tensor, ModelError> {
        match self {
            Matrix::Device(matrix) => Ok(matrix.index_select(&Tensor::new(rows, matrix.device())?, 0)?),
            Matrix::Host(matrix) => {
                let values = rows.iter().flat_map(|&row| matrix.row(row as usize)).collect();
                Ok(Tensor::from_vec(values, (rows.len(), matrix.columns), &Device::Cpu)?)
            }
        }
    }

    /// Number of weights.
    pub fn weights(&self) -> usize {
        match self {
            Matrix::Device(matrix) => matrix.elem_count(),
            Matrix::Host(matrix) => match matrix.floats() {
                Ok(values) => values.len(),
                Err(pairs) => 2 * pairs.len(),
            },
        }
    }

    /// Bytes they take.
    pub fn bytes(&self) -> u64 {
        match self {
            Matrix::Device(matrix) => (matrix.elem_count() * matrix.dtype().size_in_bytes()) as u64,
            Matrix::Host(matrix) => match matrix.floats() {
                Ok(values) => size_of_val(values) as u64,
                Err(pairs) => size_of_val(pairs) as u64,
            },
        }
    }

    /// Where it is.
    pub fn device(&self) -> &Device {
        match self {
            Matrix::Device(matrix) => matrix.device(),
            Matrix::Host(_) => &Device::Cpu,
        }
    }
}

impl HostMatrix {
    /// From f32 in a file; `None` if they don't lie where the processor can read them.
    pub fn mapped(bytes: Bytes, columns: usize) -> Option<Self> {
        bytemuck::try_cast_slice::<u8, f32>(bytes.as_slice()).ok()?;
        Some(Self { columns, values: Values::Mapped(bytes) })
    }

    /// From bf16 in a file; `None` if they don't lie where the processor can read two at a time.
    pub fn mapped_bf16(bytes: Bytes, columns: usize) -> Option<Self> {
        bytemuck::try_cast_slice::<u8, u32>(bytes.as_slice()).ok()?;
        columns.is_multiple_of(2).then_some(Self { columns, values: Values::MappedBf16(bytes) })
    }

    /// From values in memory.
    pub fn owned(values: Vec<f32>, columns: usize) -> Self {
        Self { columns, values: Values::Owned(Arc::new(values)) }
    }

    /// `y` \[n, columns\] += `x` \[n, rows\] · W.
    ///
    /// # Panics
    /// If the sizes don't belong together.
    pub fn add_product(&self, x: &[f32], y: &mut [f32]) {
        let from = x.len() / (y.len() / self.columns);
        match self.floats() {
            Ok(values) => matmul::add_product(x, values, from, y),
            Err(pairs) => matmul::add_product_bf16(x, pairs, from, y),
        }
    }

    /// `y` \[n, rows\] += `x` \[n, columns\] · Wᵀ.
    ///
    /// # Panics
    /// If the sizes don't belong together.
    pub fn add_product_transposed(&self, x: &[f32], y: &mut [f32]) {
        match self.floats() {
            Ok(values) => matmul::add_product_transposed(x, values, self.columns, y),
            Err(pairs) => matmul::add_product_transposed_bf16(x, pairs, self.columns, y),
        }
    }

    /// Its values in f32, or else in pairs of bf16.
    fn floats(&self) -> Result<&[f32], &[u32]> {
        match &self.values {
            Values::Owned(values) => Ok(values),
            Values::Mapped(bytes) => Ok(bytemuck::cast_slice(bytes.as_slice())),
            Values::MappedBf16(bytes) => Err(bytemuck::cast_slice(bytes.as_slice())),
        }
    }

    fn row(&self, row: usize) -> Vec<f32> {
        match self.floats() {
            Ok(values) => values[row * self.columns..][..self.columns].to_vec(),
            Err(pairs) => {
                let mut values = vec![0.0; self.columns];
                matmul::widen(&pairs[row * self.columns / 2..][..self.columns / 2], &mut values);
                values
            }
        }
    }
}
