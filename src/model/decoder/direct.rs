//! A layer backwards: what of a number behind it each of its parts added directly. The number is how far the residual
//! stream at one token lies along a direction. Norms that the stream goes through are held as they are at that token.

use candle_core::Tensor;

use super::{Block, Norm};
use crate::kernels::dot::dot;
use crate::model::host::{Buffer, Buffers, to_values};
use crate::model::spec::Wiring;
use crate::model::{Cancel, ModelError, Profile};

/// A layer at one token, \[1, hidden\] but for the context.
#[derive(Debug, Clone, Copy)]
pub struct LayerRow<'a> {
    /// The residual stream before it.
    pub before: &'a Tensor,
    /// Once attention was added.
    pub between: &'a Tensor,
    /// Once the MLP was added.
    pub after: &'a Tensor,
    /// What the heads took from the values, \[1, heads · head_dim\].
    pub context: &'a Tensor,
}

/// What the parts of a layer added.
#[derive(Debug)]
pub struct DirectEffects {
    /// The direction before the layer.
    pub direction: Vec<f32>,
    /// The direction among what the heads take from the values, \[heads · head_dim\].
    pub heads: Vec<f32>,
    /// What the MLP added, its biases included.
    pub mlp: f64,
    /// What other biases added.
    pub biases: f64,
}

impl Block {
    /// What the parts of the layer added along `direction` behind it.
    ///
    /// # Errors
    /// If it was cancelled or the device failed.
    pub fn direct_effects(
        &self,
        direction: Vec<f32>,
        row: LayerRow<'_>,
        on_host: bool,
        cancel: &Cancel,
    ) -> Result<DirectEffects, ModelError> {
        let normed = |norm: &Option<Norm>, x: &Tensor| match norm {
            Some(norm) => norm.forward(x, on_host.then(Buffer::default).as_ref()),
            None => Ok(x.clone()),
        };
        let mut back = Back { direction, biases: 0.0 };
        let mlp = match self.wiring {
            Wiring::NormOfSum => {
                let (buffers, addition) = (on_host.then(Buffers::default), &self.mlp_addition);
                let (x, profile) = (row.between, &mut Profile::default());
                let sum = self.mlp.add_to(x.copy()?, x, addition, buffers.as_ref(), profile, cancel)?;
                back.through(self.mlp_norm.as_ref(), &sum)?;
                back.along_difference(&sum, x)?
            }
            Wiring::ResidualOfNorm => {
                let mlp = back.along_difference(row.after, &normed(&self.mlp_norm, row.between)?)?;
                back.through(self.mlp_norm.as_ref(), row.between)?;
                mlp
            }
            Wiring::Sequential | Wiring::Parallel { .. } => back.along_difference(row.after, row.between)?,
        };
        let addition = &self.attention_addition;
        let output = || self.attention.output.forward(row.context, None, &mut Profile::default());
        if self.wiring == Wiring::NormOfSum {
            let sum = addition.of(row.before.copy()?, output()?, on_host)?;
            back.through(self.attention_norm.as_ref(), &sum)?;
        }
        // From here on the way of attention alone; what it is added to goes on along `back`.
        let along: Vec<f32> = back.direction.iter().map(|x| x * addition.scale as f32).collect();
        let mut side = Back { direction: along, biases: 0.0 };
        if addition.norm.is_some() {
            side.through(addition.norm.as_ref(), &output()?)?;
        }
        let (heads, biases) = self.attention.output.pull_back_with_bias(&side.direction, side.biases)?;
        if self.wiring == Wiring::ResidualOfNorm {
            back.through(self.attention_norm.as_ref(), row.before)?;
        }
        Ok(DirectEffects { direction: back.direction, heads, mlp, biases: back.biases + biases })
    }
}

/// A direction on its way back, and what biases added on the way.
struct Back {
    direction: Vec<f32>,
    biases: f64,
}

impl Back {
    /// Goes back through a norm, if there is one, as it is at `x`.
    fn through(&mut self, norm: Option<&Norm>, x: &Tensor) -> Result<(), ModelError> {
        let Some(norm) = norm else { return Ok(()) };
        let (direction, bias) = norm.frozen(&to_values(x)?)?.pull_back(&self.direction);
        self.direction = direction;
        self.biases += bias;
        Ok(())
    }

    /// How far `to` is from `from` along it.
    fn along_difference(&self, to: &Tensor, from: &Tensor) -> Result<f64, ModelError> {
        let (to, from) = (to_values(to)?, to_values(from)?);
        Ok(dot(&self.direction, &to) - dot(&self.direction, &from))
    }
}
