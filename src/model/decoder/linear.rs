//! y = x W + b.

use candle_core::Tensor;

use super::host::{self, Buffer};
use crate::kernels::elementwise::{add_to_rows, fill_rows};
use crate::model::weights::{HostMatrix, Matrix};
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

    /// Its weight, with the values that go in in `parts`: \[parts, in / parts, out\]. On the CPU it may be a view.
    ///
    /// # Errors
    /// If the device fails.
    pub fn weight_of_parts(&self, parts: usize) -> Result<Tensor, ModelError> {
        let from = self.weight.weights() / self.to;
        let rows = if self.transposed { self.to } else { from };
        let weight = self.weight.rows(&(0..rows as u32).collect::<Vec<_>>())?;
        if !self.transposed {
            return Ok(weight.reshape((parts, from / parts, self.to))?);
        }
        let view = weight.reshape((self.to, parts, from / parts))?.permute((1, 2, 0))?;
        Ok(if view.device().is_cpu() { view } else { view.contiguous()? })
    }

    /// \[tokens, in\] → \[tokens, out\]; on the host in `buffer`, if there is one.
    ///
    /// # Errors
    /// If the device fails.
    pub fn forward(
        &self,
        x: &Tensor,
        buffer: Option<&Buffer>,
        profile: &mut Profile,
    ) -> Result<Tensor, ModelError> {
        let work = || match &self.weight {
            Matrix::Device(weight) => self.product(x, weight),
            Matrix::Host(weight) => {
                let y = buffer.unwrap_or(&Buffer::default()).tensor((x.dim(0)?, self.to))?;
                self.with_bias(|bias| host::update(&y, |y| fill_rows(y, bias)))??;
                self.add_product(x, weight, &y)?;
                Ok(y)
            }
        };
        profile.linear(x.dim(0)?, self.weight.weights(), self.weight.bytes(), work)
    }

    /// \[tokens, in\] → \[tokens, out\], added to `residual`; on the host in its place.
    ///
    /// # Errors
    /// If the device fails.
    pub fn add_to(&self, residual: Tensor, x: &Tensor, profile: &mut Profile) -> Result<Tensor, ModelError> {
        let work = || match &self.weight {
            Matrix::Device(weight) => Ok((residual + self.product(x, weight)?)?),
            Matrix::Host(weight) => {
                let add = |y: &mut [f32], bias: Option<&[f32]>| {
                    bias.into_iter().for_each(|bias| add_to_rows(y, bias))
                };
                self.with_bias(|bias| host::update(&residual, |y| add(y, bias)))??;
                self.add_product(x, weight, &residual)?;
                Ok(residual)
            }
        };
        profile.linear(x.dim(0)?, self.weight.weights(), self.weight.bytes(), work)
    }

    fn product(&self, x: &Tensor, weight: &Tensor) -> Result<Tensor, ModelError> {
        let y = if self.transposed { x.matmul(&weight.t()?)? } else { x.matmul(weight)? };
        Ok(match &self.bias {
            Some(bias) => y.broadcast_add(bias)?,
            None => y,
        })
    }

    fn with_bias<R>(&self, work: impl FnOnce(Option<&[f32]>) -> R) -> Result<R, ModelError> {
        match &self.bias {
            Some(bias) => host::with_values(bias, |bias| work(Some(bias))),
            None => Ok(work(None)),
        }
    }

    fn add_product(&self, x: &Tensor, weight: &HostMatrix, y: &Tensor) -> Result<(), ModelError> {
        host::with_values(x, |x| {
            host::update(y, |y| match self.transposed {
                true => weight.add_product_transposed(x, y),
                false => weight.add_product(x, y),
            })
        })?
    }
}
