//! The MLP of a layer: up, activation, down; or a mixture of experts.

use candle_core::Tensor;

use super::{Experts, Linear};
use crate::model::host::Buffers;
use crate::model::spec::Activation;
use crate::model::{Cancel, ModelError, Profile};

/// The second half of a layer.
pub enum Mlp {
    /// One for all tokens.
    Dense {
        /// hidden → intermediate
        up: Linear,
        /// Applied between up and down.
        activation: Activation,
        /// intermediate → hidden
        down: Linear,
    },
    /// A few of many for each token.
    Experts(Box<Experts>),
}

impl Mlp {
    /// Adds the MLP of `x` to `residual`, both \[tokens, hidden\]. With `buffers` the CPU's kernels compute it.
    ///
    /// # Errors
    /// If it was cancelled or the device failed.
    pub fn add_to(
        &self,
        residual: Tensor,
        x: &Tensor,
        buffers: Option<&Buffers>,
        profile: &mut Profile,
        cancel: &Cancel,
    ) -> Result<Tensor, ModelError> {
        match self {
            Mlp::Dense { up, activation, down } => {
                let buffer = buffers.map(|buffers| &buffers.intermediate);
                let intermediate = up.activated(x, *activation, buffer, profile)?;
                down.add_to(residual, &intermediate, profile)
            }
            Mlp::Experts(experts) => experts.add_to(residual, x, buffers.is_some(), profile, cancel),
        }
    }
}
