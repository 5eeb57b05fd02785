//! The matrix of a linear map, or a table of embeddings.

use std::sync::Arc;

use candle_core::{DType, Device, Tensor};
use rayon::prelude::*;
use safetensors::tensor::Dtype;

use super::Bytes;
use super::stored::Kind;
use crate::kernels::blocks::BlockType;
use crate::kernels::dot::dot;
use crate::kernels::elementwise::{Function, add_to_rows, fill_rows};
use crate::kernels::panel::Panels;
use crate::kernels::{bf16, blocks, matmul};
use crate::model::ModelError;

/// Rows that a thread adds up at a time.
const ROWS: usize = 512;
/// Rows of a product with one vector that are worth a thread.
const FEW_ROWS: usize = 64;

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
    /// In blocks, where they lie in the file.
    Blocks(Bytes, BlockType),
    /// f32, packed for products x · W.
    Packed(Arc<Panels>),
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
                Ok(Tensor::from_vec(matrix.rows(rows), (rows.len(), matrix.columns), &Device::Cpu)?)
            }
        }
    }

    /// W · x, \[rows\], of x \[columns\], in f32.
    ///
    /// # Errors
    /// If the device fails.
    pub fn times(&self, x: &[f32]) -> Result<Vec<f32>, ModelError> {
        match self {
            Matrix::Device(matrix) => {
                let x = Tensor::new(x, matrix.device())?.unsqueeze(1)?;
                Ok(matrix.to_dtype(DType::F32)?.matmul(&x)?.flatten_all()?.to_vec1()?)
            }
            Matrix::Host(matrix) => Ok(matrix.times(x)),
        }
    }

    /// Σ x · row over the rows, \[columns\], of x \[rows\], in f32.
    ///
    /// # Errors
    /// If the device fails.
    pub fn sum_of_rows(&self, x: &[f32]) -> Result<Vec<f32>, ModelError> {
        match self {
            Matrix::Device(matrix) => {
                let x = Tensor::new(x, matrix.device())?.unsqueeze(0)?;
                Ok(x.matmul(&matrix.to_dtype(DType::F32)?)?.flatten_all()?.to_vec1()?)
            }
            Matrix::Host(matrix) => Ok(matrix.sum_of_rows(x)),
        }
    }

    /// Number of weights.
    pub fn weights(&self) -> usize {
        match self {
            Matrix::Device(matrix) => matrix.elem_count(),
            Matrix::Host(matrix) => matrix.len(),
        }
    }

    /// Bytes they take.
    pub fn bytes(&self) -> u64 {
        match self {
            Matrix::Device(matrix) => (matrix.elem_count() * matrix.dtype().size_in_bytes()) as u64,
            Matrix::Host(matrix) => matrix.bytes(),
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
    fn mapped(bytes: Bytes, columns: usize) -> Option<Self> {
        bytemuck::try_cast_slice::<u8, f32>(bytes.as_slice()).ok()?;
        Some(Self { columns, values: Values::Mapped(bytes) })
    }

    /// From bf16 in a file; `None` if they don't lie where the processor can read two at a time.
    fn mapped_bf16(bytes: Bytes, columns: usize) -> Option<Self> {
        bytemuck::try_cast_slice::<u8, u32>(bytes.as_slice()).ok()?;
        columns.is_multiple_of(2).then_some(Self { columns, values: Values::MappedBf16(bytes) })
    }

    /// Where it lies in its file; `None` if the kernels can't read it there.
    pub fn in_place(kind: Kind, bytes: impl Fn() -> Bytes, columns: usize) -> Option<Self> {
        match kind {
            Kind::Plain(Dtype::F32) => Self::mapped(bytes(), columns),
            // Where rows begin in the middle of two values, they are read one by one.
            Kind::Plain(Dtype::BF16) => Self::mapped_bf16(bytes(), columns)
                .or_else(|| Some(Self::blocks(bytes(), BlockType::Bf16, columns))),
            Kind::Plain(Dtype::F16) => Some(Self::blocks(bytes(), BlockType::F16, columns)),
            Kind::Blocks(kind) => Some(Self::blocks(bytes(), kind, columns)),
            Kind::Plain(_) => None,
        }
    }

    /// From blocks in a file, the rows of which are whole blocks.
    fn blocks(bytes: Bytes, kind: BlockType, columns: usize) -> Self {
        Self { columns, values: Values::Blocks(bytes, kind) }
    }

    /// From values in memory.
    pub fn owned(values: Vec<f32>, columns: usize) -> Self {
        Self { columns, values: Values::Owned(Arc::new(values)) }
    }

    /// The same, in the order in which [`product`](Self::product) reads it, if it is of f32; the file's own
    /// pages are let go.
    ///
    /// # Errors
    /// If the system gives no memory.
    pub fn packed(self) -> Result<Self, ModelError> {
        let Self { columns, values } = self;
        let pack = |values: &[f32]| {
            Panels::new(values, values.len() / columns, columns)
                .map(|panels| Values::Packed(Arc::new(panels)))
                .map_err(|error| ModelError::OutOfMemory(format!("no memory for weights: {error}")))
        };
        let values = match values {
            Values::Mapped(bytes) => {
                let packed = pack(bytemuck::cast_slice(bytes.as_slice()))?;
                bytes.release();
                packed
            }
            Values::Blocks(bytes, kind) => {
                let packed = pack(&blocks::decode_all(kind, bytes.as_slice()))?;
                bytes.release();
                packed
            }
            Values::Owned(values) => pack(&values)?,
            other => other,
        };
        Ok(Self { columns, values })
    }

    /// `y` += `x` · W + `bias`, or with Wᵀ: x is \[n, rows\] and y \[n, columns\], or the other way round.
    ///
    /// # Panics
    /// If the sizes don't belong together, or W itself is of f32 and not [`packed`](Self::packed).
    pub fn add_product(&self, x: &[f32], transposed: bool, bias: Option<&[f32]>, y: &mut [f32]) {
        if let Values::Packed(panels) = &self.values {
            return panels.add_product(x, bias, y);
        }
        bias.into_iter().for_each(|bias| add_to_rows(y, bias));
        self.add_unpacked(x, transposed, y);
    }

    /// As [`add_product`](Self::add_product), but `y` = the function of `x` · W + `bias`.
    ///
    /// # Panics
    /// As [`add_product`](Self::add_product).
    pub fn product(
        &self,
        x: &[f32],
        transposed: bool,
        bias: Option<&[f32]>,
        function: Option<Function>,
        y: &mut [f32],
    ) {
        if let Values::Packed(panels) = &self.values {
            return panels.product(x, bias, function, y);
        }
        fill_rows(y, bias);
        self.add_unpacked(x, transposed, y);
        function.into_iter().for_each(|function| function.apply(y));
    }

    fn add_unpacked(&self, x: &[f32], transposed: bool, y: &mut [f32]) {
        let by_rows = |values, y| matmul::add_product_transposed(x, values, self.columns, y);
        match (&self.values, transposed) {
            (Values::Mapped(bytes), true) => by_rows(bytemuck::cast_slice(bytes.as_slice()), y),
            (Values::Owned(values), true) => by_rows(values, y),
            (Values::MappedBf16(bytes), true) => {
                let pairs = bytemuck::cast_slice(bytes.as_slice());
                bf16::add_product_transposed(x, pairs, self.columns, y);
            }
            (Values::Blocks(bytes, kind), true) => {
                blocks::add_product_transposed(*kind, x, bytes.as_slice(), self.columns, y);
            }
            (Values::MappedBf16(bytes), false) => {
                let in_features = x.len() / (y.len() / self.columns);
                bf16::add_product(x, bytemuck::cast_slice(bytes.as_slice()), in_features, y);
            }
            _ => unreachable!("weights [in, out] are packed, those [out, in] are not"),
        }
    }

    /// Number of weights.
    fn len(&self) -> usize {
        match &self.values {
            Values::Mapped(bytes) => bytes.as_slice().len() / 4,
            Values::MappedBf16(bytes) => bytes.as_slice().len() / 2,
            Values::Blocks(bytes, kind) => bytes.as_slice().len() / kind.bytes() * kind.values(),
            Values::Packed(panels) => panels.sizes().iter().product(),
            Values::Owned(values) => values.len(),
        }
    }

    /// Bytes they take.
    fn bytes(&self) -> u64 {
        match &self.values {
            Values::MappedBf16(bytes) | Values::Blocks(bytes, _) => bytes.as_slice().len() as u64,
            _ => 4 * self.len() as u64,
        }
    }

    /// Some rows, concatenated.
    fn rows(&self, rows: &[u32]) -> Vec<f32> {
        let mut values = vec![0.0; rows.len() * self.columns];
        let each = values.par_chunks_mut(self.columns).zip(rows);
        each.for_each(|(out, row)| self.read_row(*row as usize, out));
        values
    }

    /// W · x, added up in f64.
    fn times(&self, x: &[f32]) -> Vec<f32> {
        let along = |row: &mut Vec<f32>, at: usize| {
            self.read_row(at, row);
            dot(row, x) as f32
        };
        let row = || vec![0.0; self.columns];
        (0..self.len() / self.columns).into_par_iter().with_min_len(FEW_ROWS).map_init(row, along).collect()
    }

    /// Σ x · row, added up in f64, in the same order each time.
    fn sum_of_rows(&self, x: &[f32]) -> Vec<f32> {
        let part = |(at, x): (usize, &[f32])| {
            let (mut row, mut sum) = (vec![0.0; self.columns], vec![0f64; self.columns]);
            for (at, x) in (at * ROWS..).zip(x) {
                self.read_row(at, &mut row);
                sum.iter_mut().zip(&row).for_each(|(sum, w)| *sum += f64::from(*w) * f64::from(*x));
            }
            sum
        };
        let parts: Vec<Vec<f64>> = x.par_chunks(ROWS).enumerate().map(part).collect();
        let sum = |column: usize| parts.iter().map(|part| part[column]).sum::<f64>() as f32;
        (0..self.columns).map(sum).collect()
    }

    fn read_row(&self, row: usize, out: &mut [f32]) {
        let place = row * self.columns..(row + 1) * self.columns;
        match &self.values {
            Values::Mapped(bytes) => out.copy_from_slice(&bytemuck::cast_slice(bytes.as_slice())[place]),
            Values::Owned(values) => out.copy_from_slice(&values[place]),
            Values::Packed(panels) => panels.read_row(row, out),
            Values::Blocks(bytes, kind) => {
                let row_bytes = kind.row_bytes(self.columns);
                kind.decode(&bytes.as_slice()[row * row_bytes..][..row_bytes], out);
            }
            Values::MappedBf16(bytes) => {
                let pairs = &bytemuck::cast_slice(bytes.as_slice())[place.start / 2..place.end / 2];
                bf16::widen(pairs, out);
            }
        }
    }
}
