//! y = x W + b.

use candle_core::{DType, Device, Tensor};

use super::host;
use crate::model::weights::Matrix;
use crate::model::{ModelError, Profile};

/// A linear map, its weight as the checkpoint stores it.
pub struct Linear {
    weight: Matrix,
    bias: Option<Tensor>,
    transposed: bool,
    to: usize,
}

impl Linear {
    /// Weight \[in, out\], as GPT-2 stores it; `to` values go out.
    pub fn in_out(weight: Matrix, bias: Option<Tensor>, to: usize) -> Self {
        Self { weight, bias, transposed: false, to }
    }

    /// Weight \[out, in\], as nearly everybody else does; `to` values go out.
    pub fn out_in(weight: Matrix, bias: Option<Tensor>, to: usize) -> Self {
        Self { weight, bias, transposed: true, to }
    }

    /// Its weight as \[in, out\].
    ///
    /// # Errors
    /// If the device fails.
    pub fn weight(&self) -> Result<Tensor, ModelError> {
        let rows = if self.transposed { self.to } else { self.weight.weights() / self.to };
        let all: Vec<u32> = (0..rows as u32).collect();
        let weight = self.weight.rows(&all)?;
        Ok(if self.transposed { weight.t()?.contiguous()? } else { weight })
    }

    /// \[tokens, in\] → \[tokens, out\].
    ///
    /// # Errors
    /// If the device fails.
    pub fn forward(&self, x: &Tensor, profile: &mut Profile) -> Result<Tensor, ModelError> {
        profile.linear(x.dim(0)?, self.weight.weights(), self.weight.bytes(), || self.product(x))
    }

    fn product(&self, x: &Tensor) -> Result<Tensor, ModelError> {
        let weight = match &self.weight {
            Matrix::Device(weight) if self.transposed => &weight.t()?,
            Matrix::Device(weight) => weight,
            Matrix::Host(weight) => {
                let tokens = x.dim(0)?;
                let mut y = self.bias_for(tokens)?;
                host::with_values(x, |x| match self.transposed {
                    true => weight.add_product_transposed(x, &mut y),
                    false => weight.add_product(x, &mut y),
                })?;
                return Ok(Tensor::from_vec(y, (tokens, self.to), &Device::Cpu)?);
            }
        };
        let y = x.matmul(weight)?;
        Ok(match &self.bias {
            Some(bias) => y.broadcast_add(bias)?,
            None => y,
        })
    }

    /// \[tokens, out\]: the bias for each token.
    fn bias_for(&self, tokens: usize) -> Result<Vec<f32>, ModelError> {
        match &self.bias {
            Some(bias) => host::with_values(&bias.to_dtype(DType::F32)?, |bias| bias.repeat(tokens)),
            None => Ok(vec![0.0; tokens * self.to]),
        }
    }
}
