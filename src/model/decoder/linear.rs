//! y = x W + b.

use candle_core::Tensor;

use crate::model::ModelError;

/// A linear map, its weight as the checkpoint stores it.
pub struct Linear {
    weight: Tensor,
    bias: Option<Tensor>,
    transposed: bool,
}

impl Linear {
    /// Weight \[in, out\], as GPT-2 stores it.
    pub fn in_out(weight: Tensor, bias: Option<Tensor>) -> Self {
        Self { weight, bias, transposed: false }
    }

    /// Weight \[out, in\], as nearly everybody else does.
    pub fn out_in(weight: Tensor, bias: Option<Tensor>) -> Self {
        Self { weight, bias, transposed: true }
    }

    /// \[tokens, in\] → \[tokens, out\].
    ///
    /// # Errors
    /// If the device fails.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor, ModelError> {
        let y = if self.transposed { x.matmul(&self.weight.t()?)? } else { x.matmul(&self.weight)? };
        Ok(match &self.bias {
            Some(bias) => y.broadcast_add(bias)?,
            None => y,
        })
    }
}
