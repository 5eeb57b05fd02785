//! The values of a tensor on the CPU where they lie, for the kernels.

use candle_core::{CpuStorage, InplaceOp1, Layout, Storage, Tensor};
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

/// Heads apart: \[tokens, heads · head_dim\], of which rows may lie in a longer row, → \[heads, tokens, head_dim\].
///
/// # Errors
/// As [`with_values`].
pub fn split_heads(x: &Tensor, head_dim: usize) -> Result<Tensor, ModelError> {
    let (tokens, width) = x.dims2()?;
    let (storage, layout) = x.storage_and_layout();
    let (Storage::Cpu(values), &[stride, 1]) = (&*storage, layout.stride()) else {
        return Err(ModelError::Invalid("the CPU's kernels were given columns of a tensor".to_owned()));
    };
    let values = &values.as_slice::<f32>()?[layout.start_offset()..];
    let mut heads = vec![0.0; tokens * width];
    heads.par_chunks_mut(tokens * head_dim).enumerate().for_each(|(head, out)| {
        for (token, out) in out.chunks_exact_mut(head_dim).enumerate() {
            out.copy_from_slice(&values[token * stride + head * head_dim..][..head_dim]);
        }
    });
    Ok(Tensor::from_vec(heads, (width / head_dim, tokens, head_dim), x.device())?)
}

/// Changes all values of a contiguous f32 tensor in place.
///
/// # Errors
/// As [`with_values`].
pub fn update(x: &Tensor, change: impl Fn(&mut [f32])) -> Result<(), ModelError> {
    Ok(x.inplace_op1(&Change(change))?)
}

struct Change<F>(F);

impl<F: Fn(&mut [f32])> InplaceOp1 for Change<F> {
    fn name(&self) -> &'static str {
        "kernel"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> candle_core::Result<()> {
        let CpuStorage::F32(values) = storage else {
            candle_core::bail!("the CPU's kernels take f32");
        };
        let (start, end) =
            layout.contiguous_offsets().ok_or_else(|| candle_core::Error::msg("not contiguous"))?;
        (self.0)(&mut values[start..end]);
        Ok(())
    }
}
