//! Between candle's tensors on the CPU and the kernels: the values of a tensor as a slice, and tensors whose memory is
//! used again in each layer.

use std::cell::{Cell, RefCell};

use candle_core::{CpuStorage, DType, Device, InplaceOp1, Layout, Shape, Storage, Tensor};
use rayon::prelude::*;

use crate::model::ModelError;

/// Calls `work` with all values of an f32 tensor, row after row.
///
/// # Errors
/// If it is not on the CPU, or not of f32.
pub fn with_values<R>(x: &Tensor, work: impl FnOnce(&[f32]) -> R) -> Result<R, ModelError> {
    let x = x.contiguous()?;
    let (storage, layout) = x.storage_and_layout();
    let Storage::Cpu(values) = &*storage else {
        return Err(ModelError::Invalid(format!(
            "the CPU's kernels were given a tensor on {:?}",
            x.device()
        )));
    };
    Ok(work(&values.as_slice::<f32>()?[layout.start_offset()..][..layout.shape().elem_count()]))
}

/// Hands all values of an f32 tensor to `work`, wherever the tensor is.
///
/// # Errors
/// If the device fails.
pub fn with_host_values<R>(x: &Tensor, work: impl FnOnce(&[f32]) -> R) -> Result<R, ModelError> {
    match x.device().is_cpu() {
        true => with_values(x, work),
        false => Ok(work(&x.flatten_all()?.to_vec1::<f32>()?)),
    }
}

/// All values of a tensor as f32, wherever it is.
///
/// # Errors
/// If the device fails.
pub fn to_values(x: &Tensor) -> Result<Vec<f32>, ModelError> {
    Ok(x.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?)
}

/// Memory that each layer of a pass uses again, because fresh memory is slow.
#[derive(Debug, Default)]
pub struct Buffers {
    /// The input of attention or of the MLP, normalised.
    pub normed: Buffer,
    /// The input of the MLP, where that starts from the same as attention with a norm of its own.
    pub beside: Buffer,
    /// Queries, keys and values as the projections leave them; all three in the first where one matrix makes them.
    pub projected: [Buffer; 3],
    /// Values, heads apart.
    pub values: Buffer,
    /// What attention takes from the values.
    pub context: Buffer,
    /// Between the matrices of the MLP; of the gate, where there is one.
    pub intermediate: Buffer,
    /// What the gate lets through.
    pub up: Buffer,
}

/// A tensor on the CPU that is used again.
#[derive(Debug, Default)]
pub struct Buffer(RefCell<Option<Tensor>>);

impl Buffer {
    /// An f32 tensor that may hold anything. It may share its memory with the one handed out before.
    ///
    /// # Errors
    /// Never, with sizes that fit in memory.
    pub fn tensor(&self, shape: impl Into<Shape>) -> Result<Tensor, ModelError> {
        let shape = shape.into();
        let mut held = self.0.borrow_mut();
        let tensor = match held.take().filter(|tensor| tensor.elem_count() == shape.elem_count()) {
            Some(tensor) => tensor.reshape(shape)?,
            None => Tensor::zeros(shape, DType::F32, &Device::Cpu)?,
        };
        Ok(held.insert(tensor).clone())
    }
}

/// Separates heads: \[tokens, heads · head_dim\] → \[heads, tokens, head_dim\], in `buffer`. Rows of `x` may be parts
/// of longer rows.
///
/// # Errors
/// As [`with_values`].
pub fn split_heads(x: &Tensor, head_dim: usize, buffer: &Buffer) -> Result<Tensor, ModelError> {
    let (tokens, width) = x.dims2()?;
    let (storage, layout) = x.storage_and_layout();
    let (Storage::Cpu(values), &[stride, 1]) = (&*storage, layout.stride()) else {
        return Err(ModelError::Invalid("the CPU's kernels were given columns of a tensor".to_owned()));
    };
    let values = &values.as_slice::<f32>()?[layout.start_offset()..];
    let heads = buffer.tensor((width / head_dim, tokens, head_dim))?;
    update(&heads, |heads| {
        heads.par_chunks_mut(tokens * head_dim).enumerate().for_each(|(head, out)| {
            for (token, out) in out.chunks_exact_mut(head_dim).enumerate() {
                out.copy_from_slice(&values[token * stride + head * head_dim..][..head_dim]);
            }
        });
    })?;
    Ok(heads)
}

/// Lets `work` change all values of a contiguous f32 tensor in place.
///
/// # Errors
/// As [`with_values`].
pub fn update<R>(x: &Tensor, work: impl FnOnce(&mut [f32]) -> R) -> Result<R, ModelError> {
    let change = Change { work: Cell::new(Some(work)), result: Cell::new(None) };
    x.inplace_op1(&change)?;
    change.result.take().ok_or_else(|| ModelError::Invalid("the CPU's kernels were not called".to_owned()))
}

struct Change<F, R> {
    work: Cell<Option<F>>,
    result: Cell<Option<R>>,
}

impl<R, F: FnOnce(&mut [f32]) -> R> InplaceOp1 for Change<F, R> {
    fn name(&self) -> &'static str {
        "kernel"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> candle_core::Result<()> {
        let CpuStorage::F32(values) = storage else {
            candle_core::bail!("the CPU's kernels take f32");
        };
        let (start, end) =
            layout.contiguous_offsets().ok_or_else(|| candle_core::Error::msg("not contiguous"))?;
        self.result.set(self.work.take().map(|work| work(&mut values[start..end])));
        Ok(())
    }
}
