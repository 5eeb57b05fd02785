//! How what a part of a block computes is added to the residual stream.

use candle_core::Tensor;

use super::{Linear, Norm};
use crate::model::host::Buffer;
use crate::model::{ModelError, Profile};

/// How what a part of a block computes is added to the residual stream.
pub struct Addition {
    /// Normalises it first.
    pub norm: Option<Norm>,
    /// What it is multiplied by.
    pub scale: f64,
}

impl Addition {
    /// Adds y of `x` to `residual`, \[rows, hidden\]; on the host in place, where it is added as it is.
    ///
    /// # Errors
    /// If the device fails.
    pub fn of_linear(
        &self,
        residual: Tensor,
        linear: &Linear,
        x: &Tensor,
        on_host: bool,
        profile: &mut Profile,
    ) -> Result<Tensor, ModelError> {
        if self.is_plain() {
            return linear.add_to(residual, x, profile);
        }
        self.of(residual, linear.forward(x, None, profile)?, on_host)
    }

    /// Adds `y` to `residual`, both \[rows, hidden\].
    ///
    /// # Errors
    /// If the device fails.
    pub fn of(&self, residual: Tensor, y: Tensor, on_host: bool) -> Result<Tensor, ModelError> {
        let y = match &self.norm {
            Some(norm) => norm.forward(&y, on_host.then(Buffer::default).as_ref())?,
            None => y,
        };
        let y = if self.scale == 1.0 { y } else { (y * self.scale)? };
        Ok((residual + y)?)
    }

    /// Whether it is added as it is.
    pub fn is_plain(&self) -> bool {
        self.norm.is_none() && self.scale == 1.0
    }
}
