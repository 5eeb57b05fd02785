//! What each token does by itself: up, activation, down; or a mixture of experts.

use candle_core::Tensor;

use super::{Experts, Linear};
use crate::model::spec::Activation;
use crate::model::{Cancel, ModelError};

/// The second half of a layer.
pub enum Mlp {
    /// One for all tokens.
    Dense {
        /// hidden → inner
        up: Linear,
        /// Between them.
        activation: Activation,
        /// inner → hidden
        down: Linear,
    },
    /// A few of many for each token.
    Experts(Box<Experts>),
}

impl Mlp {
    /// \[tokens, hidden\] → the same.
    ///
    /// # Errors
    /// If `cancel` was raised or the device failed.
    pub fn forward(&self, x: &Tensor, cancel: &Cancel) -> Result<Tensor, ModelError> {
        match self {
            Mlp::Dense { up, activation, down } => down.forward(&activate(*activation, &up.forward(x)?)?),
            Mlp::Experts(experts) => experts.forward(x, cancel),
        }
    }
}

fn activate(activation: Activation, x: &Tensor) -> Result<Tensor, ModelError> {
    Ok(match activation {
        Activation::GeluTanh => x.gelu()?,
        Activation::GeluErf => x.gelu_erf()?,
        Activation::Relu => x.relu()?,
        Activation::Silu => x.silu()?,
    })
}
