//! LayerNorm and RMSNorm, in f32 whatever the weights are held in.
//!
//! candle-nn's own LayerNorm takes the variance as E\[x²\] − E\[x\]² in one pass, which cancels where the mean is large
//! compared to the spread. This one takes it about the mean, as PyTorch does.

use candle_core::{D, DType, Tensor};

use super::frozen::FrozenNorm;
use crate::kernels::norm::normalise;
use crate::model::ModelError;
use crate::model::host::{self, Buffer};
use crate::model::spec::NormKind;

/// A norm and its weights.
pub struct Norm {
    kind: NormKind,
    weight: Tensor,
    bias: Option<Tensor>,
    epsilon: f64,
}

impl Norm {
    /// x / √(mean square + ε) · weight + bias, or for LayerNorm the same of x − mean.
    pub fn new(kind: NormKind, weight: Tensor, bias: Option<Tensor>, epsilon: f64) -> Self {
        Self { kind, weight, bias, epsilon }
    }

    /// Normalises \[rows, size\]. With a `buffer` the CPU's kernel does it, and writes there.
    ///
    /// # Errors
    /// If the device fails.
    pub fn forward(&self, x: &Tensor, buffer: Option<&Buffer>) -> Result<Tensor, ModelError> {
        if let Some(buffer) = buffer {
            return self.forward_on_host(x, buffer);
        }
        let dtype = x.dtype();
        let mut x = x.to_dtype(DType::F32)?;
        if self.kind == NormKind::Layer {
            x = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
        }
        let size = (x.sqr()?.mean_keepdim(D::Minus1)? + self.epsilon)?.sqrt()?;
        let x = x.broadcast_div(&size)?.broadcast_mul(&self.weight.to_dtype(DType::F32)?)?;
        let x = match &self.bias {
            Some(bias) => x.broadcast_add(&bias.to_dtype(DType::F32)?)?,
            None => x,
        };
        Ok(x.to_dtype(dtype)?)
    }

    /// Its kind, weight, bias and epsilon.
    pub fn parts(&self) -> (NormKind, &Tensor, Option<&Tensor>, f64) {
        (self.kind, &self.weight, self.bias.as_ref(), self.epsilon)
    }

    /// The norm as it is at one row x \[size\], its divisor held where it is.
    ///
    /// # Errors
    /// If the device fails.
    pub fn frozen(&self, x: &[f32]) -> Result<FrozenNorm, ModelError> {
        let bias = self.bias.as_ref().map(host::to_values).transpose()?;
        let about_mean = self.kind == NormKind::Layer;
        Ok(FrozenNorm::new(x, about_mean, (host::to_values(&self.weight)?, bias), self.epsilon))
    }

    fn forward_on_host(&self, x: &Tensor, buffer: &Buffer) -> Result<Tensor, ModelError> {
        let out = buffer.tensor(x.dims2()?)?;
        let normalise = |bias: Option<&[f32]>| {
            host::with_values(x, |x| {
                host::with_values(&self.weight, |weight| {
                    host::update(&out, |out| {
                        let about_mean = self.kind == NormKind::Layer;
                        normalise(x, about_mean, (weight, bias), self.epsilon as f32, out)
                    })
                })
            })
        };
        match &self.bias {
            Some(bias) => host::with_values(bias, |bias| normalise(Some(bias))),
            None => Ok(normalise(None)),
        }????;
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn a_large_mean_does_not_cancel() {
        let one = Tensor::ones(4, DType::F32, &Device::Cpu).unwrap();
        let zero = one.zeros_like().unwrap();
        let x = Tensor::new(&[[10_001f32, 10_002., 10_003., 10_004.]], &Device::Cpu).unwrap();
        let norm = Norm::new(NormKind::Layer, one, Some(zero), 1e-5);
        let expected = [-1.341_636, -0.447_212, 0.447_212, 1.341_636];
        let buffer = Buffer::default();
        for buffer in [None, Some(&buffer)] {
            let y = norm.forward(&x, buffer).unwrap().to_vec2::<f32>().unwrap();
            assert!(y[0].iter().zip(expected).all(|(y, e)| (y - e).abs() < 1e-5), "{y:?}");
        }
    }
}
