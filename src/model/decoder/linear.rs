//! Linear maps, y = x W + b, with an activation if there is one.

use candle_core::Tensor;

use super::activation;
use crate::kernels::dot::dot;
use crate::kernels::elementwise::Function;
use crate::model::host::{self, Buffer};
use crate::model::spec::Activation;
use crate::model::weights::Matrix;
use crate::model::{ModelError, Profile};

/// A linear map, its weight as the checkpoint stores it.
pub struct Linear {
    weight: Matrix,
    bias: Option<Tensor>,
    transposed: bool,
    out_features: usize,
}

impl Linear {
    /// Weight \[in, out\], as GPT-2 stores it; `to` values go out.
    pub fn in_out(weight: Matrix, bias: Option<Tensor>, out_features: usize) -> Self {
        Self { weight, bias, transposed: false, out_features }
    }

    /// Weight \[out, in\], as nearly everybody else does; `to` values go out.
    pub fn out_in(weight: Matrix, bias: Option<Tensor>, out_features: usize) -> Self {
        Self { weight, bias, transposed: true, out_features }
    }

    /// Its weight with the input cut into `parts`: \[parts, in / parts, out\]. On the CPU it may be a view.
    ///
    /// # Errors
    /// If the device fails.
    pub fn weight_of_parts(&self, parts: usize) -> Result<Tensor, ModelError> {
        let in_features = self.in_features();
        let rows = if self.transposed { self.out_features } else { in_features };
        let weight = self.weight.rows(&(0..rows as u32).collect::<Vec<_>>())?;
        if !self.transposed {
            return Ok(weight.reshape((parts, in_features / parts, self.out_features))?);
        }
        let view = weight.reshape((self.out_features, parts, in_features / parts))?.permute((1, 2, 0))?;
        Ok(if view.device().is_cpu() { view } else { view.contiguous()? })
    }

    /// The weights of some of the values that come out, \[rows, in\].
    ///
    /// # Errors
    /// If the device fails.
    pub fn out_rows(&self, rows: &[u32]) -> Result<Vec<f32>, ModelError> {
        if self.transposed {
            return host::to_values(&self.weight.rows(rows)?);
        }
        let all: Vec<u32> = (0..self.in_features() as u32).collect();
        let columns = self.weight.rows(&all)?.t()?.contiguous()?;
        host::to_values(&columns.index_select(&Tensor::new(rows, columns.device())?, 0)?)
    }

    /// A direction among what comes out, as one among what goes in: W · direction. What an input adds along the first is
    /// what it is along the second.
    ///
    /// # Errors
    /// If the device fails.
    pub fn pull_back(&self, direction: &[f32]) -> Result<Vec<f32>, ModelError> {
        if self.transposed { self.weight.sum_of_rows(direction) } else { self.weight.times(direction) }
    }

    /// As [`pull_back`](Self::pull_back), and what its biases add along the direction, added to `biases`.
    ///
    /// # Errors
    /// If the device fails.
    pub fn pull_back_with_bias(&self, direction: &[f32], biases: f64) -> Result<(Vec<f32>, f64), ModelError> {
        let bias = self.bias()?.map_or(0.0, |bias| dot(direction, &bias));
        Ok((self.pull_back(direction)?, biases + bias))
    }

    /// The weights of what comes out at `at`, as a direction among what goes in.
    ///
    /// # Errors
    /// If the device fails.
    pub fn weights_of(&self, at: u32) -> Result<Vec<f32>, ModelError> {
        if self.transposed {
            return host::to_values(&self.weight.rows(&[at])?);
        }
        let mut direction = vec![0.0; self.out_features];
        direction[at as usize] = 1.0;
        self.weight.times(&direction)
    }

    /// The bias, if there is one.
    ///
    /// # Errors
    /// If the device fails.
    pub fn bias(&self) -> Result<Option<Vec<f32>>, ModelError> {
        self.bias.as_ref().map(host::to_values).transpose()
    }

    /// How many values go in.
    pub fn in_features(&self) -> usize {
        self.weight.weights() / self.out_features
    }

    /// How many values go out.
    pub fn out_features(&self) -> usize {
        self.out_features
    }

    /// Its weights, and bytes they take.
    pub fn size(&self) -> (usize, u64) {
        (self.weight.weights(), self.weight.bytes())
    }

    /// \[tokens, in\] → \[tokens, out\]; on the host in the memory of `buffer`, if there is one.
    ///
    /// # Errors
    /// If the device fails.
    pub fn forward(
        &self,
        x: &Tensor,
        buffer: Option<&Buffer>,
        profile: &mut Profile,
    ) -> Result<Tensor, ModelError> {
        self.product(x, None, buffer, profile)
    }

    /// As [`forward`](Self::forward), and the activation of what comes out.
    ///
    /// # Errors
    /// If the device fails.
    pub fn activated(
        &self,
        x: &Tensor,
        activation: Activation,
        buffer: Option<&Buffer>,
        profile: &mut Profile,
    ) -> Result<Tensor, ModelError> {
        let function = match &self.weight {
            Matrix::Device(_) => None,
            Matrix::Host(_) => activation::kernel(activation),
        };
        let y = self.product(x, function, buffer, profile)?;
        if function.is_some() { Ok(y) } else { activation::activate(activation, &y) }
    }

    /// Adds y \[tokens, out\] of `x` \[tokens, in\] to `residual`; on the host in place.
    ///
    /// # Errors
    /// If the device fails.
    pub fn add_to(&self, residual: Tensor, x: &Tensor, profile: &mut Profile) -> Result<Tensor, ModelError> {
        let work = || match &self.weight {
            Matrix::Device(weight) => Ok((residual + self.on_device(x, weight)?)?),
            Matrix::Host(weight) => {
                self.on_host(x, &residual, |x, bias, y| weight.add_product(x, self.transposed, bias, y))?;
                Ok(residual)
            }
        };
        profile.linear(x.dim(0)?, self.weight.weights(), self.weight.bytes(), work)
    }

    fn product(
        &self,
        x: &Tensor,
        function: Option<Function>,
        buffer: Option<&Buffer>,
        profile: &mut Profile,
    ) -> Result<Tensor, ModelError> {
        let work = || match &self.weight {
            Matrix::Device(weight) => self.on_device(x, weight),
            Matrix::Host(weight) => {
                let y = buffer.unwrap_or(&Buffer::default()).tensor((x.dim(0)?, self.out_features))?;
                self.on_host(x, &y, |x, bias, y| weight.product(x, self.transposed, bias, function, y))?;
                Ok(y)
            }
        };
        profile.linear(x.dim(0)?, self.weight.weights(), self.weight.bytes(), work)
    }

    fn on_device(&self, x: &Tensor, weight: &Tensor) -> Result<Tensor, ModelError> {
        let y = if self.transposed { x.matmul(&weight.t()?)? } else { x.matmul(weight)? };
        Ok(match &self.bias {
            Some(bias) => y.broadcast_add(bias)?,
            None => y,
        })
    }

    /// Hands values of `x`, of the bias and of `y` to a kernel.
    fn on_host(
        &self,
        x: &Tensor,
        y: &Tensor,
        kernel: impl FnOnce(&[f32], Option<&[f32]>, &mut [f32]),
    ) -> Result<(), ModelError> {
        let kernel = |bias: Option<&[f32]>| host::with_values(x, |x| host::update(y, |y| kernel(x, bias, y)));
        match &self.bias {
            Some(bias) => host::with_values(bias, |bias| kernel(Some(bias)))?,
            None => kernel(None),
        }?
    }
}
