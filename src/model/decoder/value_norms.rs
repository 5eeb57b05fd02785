//! How long values are after the output projection: ‖v W_O‖ for each head. With W, the head's part of the projection,
//! that is √(v W Wᵀ vᵀ). The matrix W Wᵀ is small and never changes.

use std::sync::OnceLock;

use candle_core::{DType, Tensor};
use rayon::prelude::*;

use super::Linear;
use crate::kernels::quadratic_form;
use crate::model::ModelError;
use crate::model::host::with_values;

/// W Wᵀ of each head of a layer's output projection, computed when it is first needed. On the host it is \[heads,
/// head_dim, head_dim\]; on a device \[kv_heads, head_dim, heads / kv_heads · head_dim\], the matrices of query heads
/// that share a key/value head side by side.
#[derive(Debug, Default)]
pub struct ValueNorms(OnceLock<Tensor>);

impl ValueNorms {
    /// ‖v W_O‖ for values \[kv_heads, S, head_dim\], \[heads, S\]; 0 for heads that are off. `on_host` says whether the
    /// CPU's kernel computes it; that must be the same each time.
    ///
    /// # Errors
    /// If the device fails.
    pub fn of(
        &self,
        values: &Tensor,
        output: &Linear,
        heads: usize,
        off: &[usize],
        on_host: bool,
    ) -> Result<Vec<f32>, ModelError> {
        let squares = match self.0.get() {
            Some(squares) => squares,
            None => {
                let squares = squares(output, heads)?;
                let kv_heads = values.dim(0)?;
                let squares = if on_host { squares } else { beside_each_other(&squares, kv_heads)? };
                self.0.get_or_init(|| squares)
            }
        };
        let mut norms = match on_host {
            true => on_the_host(values, squares)?,
            false => on_the_device(values, squares)?,
        };
        let tokens = norms.len() / heads;
        off.iter().for_each(|head| norms[head * tokens..][..tokens].fill(0.0));
        Ok(norms)
    }
}

fn on_the_host(values: &Tensor, squares: &Tensor) -> Result<Vec<f32>, ModelError> {
    let (kv_heads, tokens, head_dim) = values.dims3()?;
    let heads = squares.dim(0)?;
    let mut norms = vec![0.0; heads * tokens];
    let mut fill = |values: &[f32], squares: &[f32]| {
        let each =
            norms.par_chunks_mut(tokens).zip(squares.par_chunks_exact(head_dim * head_dim)).enumerate();
        each.for_each(|(head, (norms, square))| {
            let kv_head = head / (heads / kv_heads);
            quadratic_form::norms(&values[kv_head * tokens * head_dim..][..tokens * head_dim], square, norms);
        });
    };
    with_values(values, |values| with_values(squares, |squares| fill(values, squares)))??;
    Ok(norms)
}

/// √(v W Wᵀ vᵀ) from v and v W Wᵀ.
fn on_the_device(values: &Tensor, squares: &Tensor) -> Result<Vec<f32>, ModelError> {
    let (kv_heads, tokens, head_dim) = values.dims3()?;
    let turned = values.contiguous()?.matmul(squares)?.reshape((kv_heads, tokens, (), head_dim))?;
    let squared = turned.broadcast_mul(&values.unsqueeze(2)?)?.sum(3)?;
    Ok(squared.relu()?.sqrt()?.transpose(1, 2)?.flatten_all()?.to_vec1::<f32>()?)
}

/// W Wᵀ of each head of an output projection, \[heads, head_dim, head_dim\].
///
/// # Errors
/// If the device fails.
pub fn squares(output: &Linear, heads: usize) -> Result<Tensor, ModelError> {
    let parts = output.weight_of_parts(heads)?.to_dtype(DType::F32)?;
    Ok(parts.matmul(&parts.t()?)?)
}

/// \[heads, head_dim, head_dim\] → \[kv_heads, head_dim, heads / kv_heads · head_dim\]
fn beside_each_other(squares: &Tensor, kv_heads: usize) -> Result<Tensor, ModelError> {
    let (heads, head_dim, _) = squares.dims3()?;
    let squares = squares.reshape((kv_heads, heads / kv_heads, head_dim, head_dim))?;
    Ok(squares.transpose(1, 2)?.reshape((kv_heads, head_dim, ()))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::weights::Matrix;
    use candle_core::Device;

    #[test]
    fn host_and_device_agree_with_the_projection() {
        let (heads, kv_heads, tokens, head_dim, to) = (4, 2, 3, 2, 5);
        let random = |shape: &[usize]| Tensor::rand(-1f32, 1., shape, &Device::Cpu).unwrap();
        let weight = random(&[heads * head_dim, to]);
        let values = random(&[kv_heads, tokens, head_dim]);
        let transposed = weight.t().unwrap().contiguous().unwrap();
        let outputs = [
            Linear::in_out(Matrix::Device(weight.clone()), None, to),
            Linear::out_in(Matrix::Device(transposed), None, to),
        ];
        let parts = weight.reshape((heads, head_dim, to)).unwrap();
        let expected: Vec<f32> = (0..heads)
            .flat_map(|head| {
                let value = values.get(head / 2).unwrap();
                let moved = value.matmul(&parts.get(head).unwrap()).unwrap();
                moved.sqr().unwrap().sum(1).unwrap().sqrt().unwrap().to_vec1::<f32>().unwrap()
            })
            .collect();
        for (output, on_host) in outputs.iter().flat_map(|output| [(output, true), (output, false)]) {
            let norms = ValueNorms::default().of(&values, output, heads, &[2], on_host).unwrap();
            for (at, (norm, expected)) in norms.into_iter().zip(&expected).enumerate() {
                let expected = if at / tokens == 2 { 0.0 } else { *expected };
                assert!((norm - expected).abs() < 1e-5, "{on_host} {at}: {norm} is not {expected}");
            }
        }
    }
}
