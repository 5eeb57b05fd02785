//! How long values are once the output projection has brought them to the residual stream: ‖v W_O‖ for each head.
//! With the head's part W of the projection, that is √(v W Wᵀ vᵀ): the square W Wᵀ is small, and always the same.

use std::sync::OnceLock;

use candle_core::{DType, Tensor};
use rayon::prelude::*;

use super::{Linear, with_values};
use crate::kernels::dots::dot;
use crate::model::ModelError;

/// Of a layer's output projection: W Wᵀ of each head, once it is needed. Those of the query heads that share a
/// key/value head stand beside each other, \[kv_heads, head_dim, heads / kv_heads · head_dim\].
#[derive(Debug, Default)]
pub struct Lengths(OnceLock<Tensor>);

impl Lengths {
    /// ‖v W_O‖ for values \[kv_heads, S, head_dim\], \[heads, S\]; 0 for heads that are off. `on_host` by the
    /// CPU's kernel.
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
                let squares = squares(output, heads, values.dim(0)?)?;
                self.0.get_or_init(|| squares)
            }
        };
        let turned = values.contiguous()?.matmul(squares)?;
        let mut norms = match on_host {
            true => on_the_host(values, &turned)?,
            false => on_the_device(values, &turned)?,
        };
        let tokens = norms.len() / heads;
        off.iter().for_each(|head| norms[head * tokens..][..tokens].fill(0.0));
        Ok(norms)
    }
}

/// √(v W Wᵀ vᵀ) from v and v W Wᵀ.
fn on_the_host(values: &Tensor, turned: &Tensor) -> Result<Vec<f32>, ModelError> {
    let (kv_heads, tokens, head_dim) = values.dims3()?;
    let width = turned.dim(2)?;
    let group = width / head_dim;
    let mut norms = vec![0.0; kv_heads * group * tokens];
    let mut fill = |values: &[f32], turned: &[f32]| {
        norms.par_chunks_mut(tokens).enumerate().for_each(|(head, norms)| {
            let values = values[head / group * tokens * head_dim..].chunks_exact(head_dim);
            let turned = turned[head / group * tokens * width..].chunks_exact(width);
            let turned = turned.map(|turned| &turned[head % group * head_dim..][..head_dim]);
            for (norm, (value, turned)) in norms.iter_mut().zip(values.zip(turned)) {
                *norm = dot(value, turned).max(0.0).sqrt();
            }
        });
    };
    with_values(values, |values| with_values(turned, |turned| fill(values, turned)))??;
    Ok(norms)
}

fn on_the_device(values: &Tensor, turned: &Tensor) -> Result<Vec<f32>, ModelError> {
    let (kv_heads, tokens, head_dim) = values.dims3()?;
    let turned = turned.reshape((kv_heads, tokens, (), head_dim))?;
    let squared = turned.broadcast_mul(&values.unsqueeze(2)?)?.sum(3)?;
    Ok(squared.relu()?.sqrt()?.transpose(1, 2)?.flatten_all()?.to_vec1::<f32>()?)
}

fn squares(output: &Linear, heads: usize, kv_heads: usize) -> Result<Tensor, ModelError> {
    let parts = output.weight_of_parts(heads)?.to_dtype(DType::F32)?;
    let (group, head_dim) = (heads / kv_heads, parts.dim(1)?);
    let squares = parts.matmul(&parts.t()?)?.reshape((kv_heads, group, head_dim, head_dim))?;
    Ok(squares.transpose(1, 2)?.reshape((kv_heads, head_dim, group * head_dim))?)
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
            let norms = Lengths::default().of(&values, output, heads, &[2], on_host).unwrap();
            for (at, (norm, expected)) in norms.into_iter().zip(&expected).enumerate() {
                let expected = if at / tokens == 2 { 0.0 } else { *expected };
                assert!((norm - expected).abs() < 1e-5, "{on_host} {at}: {norm} is not {expected}");
            }
        }
    }
}
