//! The MLP of a layer: up, activation, down; with a gate beside up; or a mixture of experts.

use candle_core::Tensor;

use super::addition::Addition;
use super::{Experts, Gated, Linear};
use crate::model::host::Buffers;
use crate::model::spec::Activation;
use crate::model::{Cancel, ModelError, Profile};

/// The second half of a layer.
pub enum Mlp {
    /// One for all tokens.
    Plain {
        /// hidden → intermediate
        up: Linear,
        /// Applied between up and down.
        activation: Activation,
        /// intermediate → hidden
        down: Linear,
    },
    /// One for all tokens, with a gate.
    Gated(Box<Gated>),
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
        addition: &Addition,
        buffers: Option<&Buffers>,
        profile: &mut Profile,
        cancel: &Cancel,
    ) -> Result<Tensor, ModelError> {
        let on_host = buffers.is_some();
        match self {
            Mlp::Plain { up, activation, down } => {
                let buffer = buffers.map(|buffers| &buffers.intermediate);
                let intermediate = up.activated(x, *activation, buffer, profile)?;
                addition.of_linear(residual, down, &intermediate, on_host, profile)
            }
            Mlp::Gated(gated) => {
                let buffers = buffers.map(|buffers| [&buffers.intermediate, &buffers.up]);
                let intermediate = gated.intermediate(x, buffers, profile)?;
                addition.of_linear(residual, &gated.down, &intermediate, on_host, profile)
            }
            Mlp::Experts(experts) if addition.is_plain() => {
                experts.add_to(residual, x, on_host, profile, cancel)
            }
            Mlp::Experts(experts) => {
                let y = experts.add_to(x.zeros_like()?, x, on_host, profile, cancel)?;
                addition.of(residual, y, on_host)
            }
        }
    }
}
