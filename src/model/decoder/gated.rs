//! An MLP with a gate: gate and up, their product with the gate activated, down.

use candle_core::{D, Tensor};

use super::{Linear, activation};
use crate::kernels::elementwise::{clamped_swiglu_in_place, multiply};
use crate::model::host::{self, Buffer};
use crate::model::spec::Gating;
use crate::model::{ModelError, Profile};

/// An MLP with a gate.
pub struct Gated {
    /// To gate and up.
    pub gate_up: GateUp,
    /// How they become one.
    pub gating: Gating,
    /// intermediate → hidden
    pub down: Linear,
}

/// To gate and up.
pub enum GateUp {
    /// hidden → intermediate, each.
    Separate {
        /// The gate.
        gate: Linear,
        /// What it lets through.
        up: Linear,
    },
    /// hidden → 2 · intermediate: the gate first.
    Fused(Linear),
}

impl Gated {
    /// The whole MLP of \[tokens, hidden\]; `on_host` says whether the CPU's kernels compute it.
    ///
    /// # Errors
    /// If the device fails.
    pub fn forward(&self, x: &Tensor, on_host: bool) -> Result<Tensor, ModelError> {
        let (buffers, mut profile) = ([Buffer::default(), Buffer::default()], Profile::default());
        let buffers = on_host.then(|| [&buffers[0], &buffers[1]]);
        self.down.forward(&self.intermediate(x, buffers, &mut profile)?, None, &mut profile)
    }

    /// Weights, and bytes they take.
    pub fn size(&self) -> (usize, u64) {
        let gate_up = match &self.gate_up {
            GateUp::Separate { gate, up } => [Some(gate), Some(up)],
            GateUp::Fused(both) => [Some(both), None],
        };
        let all = gate_up.into_iter().flatten().chain([&self.down]).map(Linear::size);
        all.fold((0, 0), |sum, size| (sum.0 + size.0, sum.1 + size.1))
    }

    /// \[tokens, hidden\] → \[tokens, intermediate\]: before the last matrix.
    ///
    /// # Errors
    /// If the device fails.
    pub fn intermediate(
        &self,
        x: &Tensor,
        buffers: Option<[&Buffer; 2]>,
        profile: &mut Profile,
    ) -> Result<Tensor, ModelError> {
        let buffer = |at: usize| buffers.map(|buffers| buffers[at]);
        let (gate, up) = match (&self.gate_up, self.gating) {
            (GateUp::Separate { gate, up }, Gating::Activated(activation)) => {
                let gate = gate.activated(x, activation, buffer(0), profile)?;
                return product(gate, &up.forward(x, buffer(1), profile)?, buffers.is_some());
            }
            (GateUp::Separate { gate, up }, Gating::ClampedSwiglu { .. }) => {
                (gate.forward(x, buffer(0), profile)?, up.forward(x, buffer(1), profile)?)
            }
            (GateUp::Fused(both), _) => {
                let both = both.forward(x, buffer(1), profile)?;
                let width = both.dim(D::Minus1)? / 2;
                let half = |at: usize| both.narrow(D::Minus1, at * width, width)?.contiguous();
                (half(0)?, half(1)?)
            }
        };
        match self.gating {
            Gating::Activated(activation) => {
                product(activation::activate(activation, &gate)?, &up, buffers.is_some())
            }
            Gating::ClampedSwiglu { limit, alpha } if buffers.is_some() => {
                let (limit, alpha) = (limit as f32, alpha as f32);
                host::with_values(&up, |up| {
                    host::update(&gate, |gate| clamped_swiglu_in_place(gate, up, alpha, limit))
                })??;
                Ok(gate)
            }
            Gating::ClampedSwiglu { limit, alpha } => clamped_swiglu(&gate, &up, limit, alpha),
        }
    }
}

/// gate · up; on the host in the gate's place.
fn product(gate: Tensor, up: &Tensor, on_host: bool) -> Result<Tensor, ModelError> {
    if !on_host {
        return Ok((gate * up)?);
    }
    host::with_values(up, |up| host::update(&gate, |gate| multiply(gate, up)))??;
    Ok(gate)
}

/// The gate at most `limit`, up within ± `limit`: gate · σ(alpha · gate) · (up + 1).
///
/// # Errors
/// If the device fails.
pub fn clamped_swiglu(gate: &Tensor, up: &Tensor, limit: f64, alpha: f64) -> Result<Tensor, ModelError> {
    let gate = gate.minimum(limit)?;
    let opened = (&gate * candle_nn::ops::sigmoid(&(&gate * alpha)?)?)?;
    Ok(((up.clamp(-limit, limit)? + 1.0)? * opened)?)
}
