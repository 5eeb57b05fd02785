//! How long values are once the output projection has brought them to the residual stream: ‖v W_O‖ for each head.
//! With the head's part W of the projection, that is √(v W Wᵀ vᵀ): the square W Wᵀ is small, and always the same.

use std::sync::OnceLock;

use candle_core::{DType, Device, Tensor};
use rayon::prelude::*;

use super::Linear;
use crate::kernels::matmul::add_product;
use crate::model::ModelError;

/// Of a layer's output projection: W Wᵀ of each head, once it is needed.
#[derive(Debug, Default)]
pub struct Lengths(OnceLock<Vec<f32>>);

impl Lengths {
    /// ‖v W_O‖ for values \[kv_heads, S, head_dim\], \[heads, S\]; 0 for heads that are off.
    ///
    /// # Errors
    /// If the device fails.
    pub fn of(
        &self,
        values: &Tensor,
        output: &Linear,
        heads: usize,
        off: &[usize],
    ) -> Result<Vec<f32>, ModelError> {
        let (kv_heads, tokens, head_dim) = values.dims3()?;
        let squares = match self.0.get() {
            Some(squares) => squares,
            None => {
                let squares = squares(output, heads)?;
                self.0.get_or_init(|| squares)
            }
        };
        let values = values.flatten_all()?.to_vec1::<f32>()?;
        let mut norms = vec![0.0; heads * tokens];
        norms.par_chunks_mut(tokens).enumerate().filter(|(head, _)| !off.contains(head)).for_each(
            |(head, norms)| {
                let values = &values[head / (heads / kv_heads) * tokens * head_dim..][..tokens * head_dim];
                let square = &squares[head * head_dim * head_dim..][..head_dim * head_dim];
                let mut turned = vec![0.0; values.len()];
                add_product(values, square, head_dim, &mut turned);
                let pairs = values.chunks_exact(head_dim).zip(turned.chunks_exact(head_dim));
                for (norm, (value, turned)) in norms.iter_mut().zip(pairs) {
                    *norm = value.iter().zip(turned).map(|(a, b)| a * b).sum::<f32>().max(0.0).sqrt();
                }
            },
        );
        Ok(norms)
    }
}

/// W Wᵀ of each head, \[heads, head_dim, head_dim\].
fn squares(output: &Linear, heads: usize) -> Result<Vec<f32>, ModelError> {
    let weight = output.weight()?.to_device(&Device::Cpu)?.to_dtype(DType::F32)?;
    let (from, to) = weight.dims2()?;
    let parts = weight.reshape((heads, from / heads, to))?;
    Ok(parts.matmul(&parts.t()?)?.flatten_all()?.to_vec1::<f32>()?)
}
