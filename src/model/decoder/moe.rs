//! A mixture of experts: a router sends each token through a few of them, and their outputs are summed with
//! the router's weights.

use candle_core::{D, DType, Device, Tensor};
use rayon::prelude::*;

use super::gated::clamped_swiglu as clamped_swiglu_of;
use super::{Gated, Linear};
use crate::kernels::elementwise::{add_scaled, clamped_swiglu};
use crate::model::host;
use crate::model::spec::{ExpertsSpec, Gating, Routing};
use crate::model::weights::ExpertMatrices;
use crate::model::{Cancel, ModelError, Profile};

/// Experts that the CPU computes at the same time: the memory that each takes grows with the prompt.
const EXPERTS_AT_A_TIME: usize = 8;

/// The largest number of rows, of all experts together, that a device computes in one product. With more, the unused
/// rows cost more than separate launches.
const BATCHED_ROWS: usize = 16_384;

/// The experts of a layer.
pub struct Experts {
    /// Their number and shape.
    pub spec: ExpertsSpec,
    /// hidden → one logit per expert.
    pub router: Linear,
    /// What each computes.
    pub matrices: Matrices,
}

/// The matrices of a layer's experts.
pub enum Matrices {
    /// Each expert by itself.
    Separate(Vec<Gated>),
    /// All in two tensors.
    Stacked(Stacked),
}

/// The matrices of all experts of a layer, stacked, as gpt-oss has them.
pub struct Stacked {
    /// hidden → 2 · intermediate; gate and up values alternate.
    pub gate_up: ExpertMatrices,
    /// \[experts, 2 · intermediate\]
    pub gate_up_bias: Tensor,
    /// intermediate → hidden
    pub down: ExpertMatrices,
    /// \[experts, hidden\]
    pub down_bias: Tensor,
}

impl Experts {
    /// Adds the experts' output for `x` to `residual`, both \[tokens, hidden\]. `on_host` says whether the CPU's
    /// kernels compute it.
    ///
    /// # Errors
    /// If it was cancelled or the device failed.
    pub fn add_to(
        &self,
        residual: Tensor,
        x: &Tensor,
        on_host: bool,
        profile: &mut Profile,
        cancel: &Cancel,
    ) -> Result<Tensor, ModelError> {
        let logits = self.router.forward(x, None, profile)?.to_dtype(DType::F32)?.to_vec2::<f32>()?;
        let visits: Vec<(usize, Vec<Visit>)> = assign(&logits, self.spec.active, self.spec.routing)
            .into_iter()
            .enumerate()
            .filter(|(_, visits)| !visits.is_empty())
            .collect();
        if on_host {
            self.add_on_host(&residual, x, &visits, profile, cancel)?;
            return Ok(residual);
        }
        if let Matrices::Stacked(stacked) = &self.matrices
            && let (ExpertMatrices::Dense(gate_up), ExpertMatrices::Dense(down)) =
                (&stacked.gate_up, &stacked.down)
        {
            let slots = Slots::new(&visits, self.spec.count);
            if slots.rows() <= BATCHED_ROWS {
                let (count, bytes) = self.size();
                let (tokens, bytes) = (slots.places.len(), bytes * visits.len() as u64);
                let batch = || self.forward_batched(x, stacked, [gate_up, down], &slots);
                return Ok((residual + profile.linear(tokens, count, bytes, batch)?)?);
            }
        }
        // Outputs are added up first: the residual stream may be too coarse to add them one by one.
        let mut out = x.zeros_like()?;
        for (expert, visits) in &visits {
            cancel.check()?;
            let tokens = tokens_of(visits, x.device())?;
            let (count, bytes) = self.size();
            let y = profile.linear(visits.len(), count, bytes, || {
                self.forward_one(*expert, &x.index_select(&tokens, 0)?, false)
            })?;
            let weights: Vec<f32> = visits.iter().map(|visit| visit.weight).collect();
            let weights = Tensor::new(weights, x.device())?.unsqueeze(1)?.to_dtype(x.dtype())?;
            out = out.index_add(&tokens, &y.broadcast_mul(&weights)?, 0)?;
        }
        Ok((residual + out)?)
    }

    /// All experts in a few products: a GPU spends longer on being asked than on a small product.
    fn forward_batched(
        &self,
        x: &Tensor,
        stacked: &Stacked,
        [gate_up, down]: [&Tensor; 2],
        slots: &Slots,
    ) -> Result<Tensor, ModelError> {
        let (tokens, hidden) = x.dims2()?;
        let experts = self.spec.count;
        let rows = x.index_select(&Tensor::new(&slots.tokens[..], x.device())?, 0)?;
        let with_bias = |y: Tensor, bias: &Tensor| y.broadcast_add(&bias.unsqueeze(1)?);
        let intermediate =
            with_bias(rows.reshape((experts, (), hidden))?.matmul(gate_up)?, &stacked.gate_up_bias)?;
        let intermediate = self.activate(&intermediate.flatten(0, 1)?)?.reshape((
            experts,
            (),
            self.spec.intermediate_size,
        ))?;
        let y = with_bias(intermediate.matmul(down)?, &stacked.down_bias)?.flatten(0, 1)?;
        let chosen = y.index_select(&Tensor::new(&slots.places[..], x.device())?, 0)?;
        let weights = Tensor::new(&slots.weights[..], x.device())?.to_dtype(x.dtype())?;
        let weights = weights.reshape((tokens, self.spec.active, 1))?;
        Ok(chosen.reshape((tokens, self.spec.active, hidden))?.broadcast_mul(&weights)?.sum(1)?)
    }

    /// Several experts at a time: to join all threads after each would take as long as a small expert.
    fn add_on_host(
        &self,
        residual: &Tensor,
        x: &Tensor,
        visits: &[(usize, Vec<Visit>)],
        profile: &mut Profile,
        cancel: &Cancel,
    ) -> Result<(), ModelError> {
        let (count, bytes) = self.size();
        for group in visits.chunks(EXPERTS_AT_A_TIME) {
            cancel.check()?;
            let tokens = group.iter().map(|(_, visits)| visits.len()).sum();
            let one = |(expert, visits): &(usize, Vec<Visit>)| {
                self.forward_one(*expert, &x.index_select(&tokens_of(visits, x.device())?, 0)?, true)
            };
            let outputs = profile.linear(tokens, count, bytes * group.len() as u64, || {
                group.par_iter().map(one).collect::<Result<Vec<Tensor>, ModelError>>()
            })?;
            for ((_, visits), y) in group.iter().zip(&outputs) {
                add_outputs(residual, visits, y)?;
            }
        }
        Ok(())
    }

    /// Weights of one expert, and bytes they take.
    fn size(&self) -> (usize, u64) {
        match &self.matrices {
            Matrices::Separate(experts) => experts[0].size(),
            Matrices::Stacked(Stacked { gate_up, down, .. }) => {
                let (count, bytes) = (self.spec.count, gate_up.bytes() + down.bytes());
                (gate_up.weights() / count + down.weights() / count, bytes / count as u64)
            }
        }
    }

    fn forward_one(&self, expert: usize, x: &Tensor, on_host: bool) -> Result<Tensor, ModelError> {
        let stacked = match &self.matrices {
            Matrices::Separate(experts) => return experts[expert].forward(x, on_host),
            Matrices::Stacked(stacked) => stacked,
        };
        let gate_up = stacked.gate_up.forward(expert, x, &stacked.gate_up_bias)?;
        let intermediate = if on_host {
            let (intermediate_size, [limit, alpha]) = (self.spec.intermediate_size, self.clamp());
            let values = |pairs: &[f32]| clamped_swiglu(pairs, alpha as f32, limit as f32);
            Tensor::from_vec(
                host::with_values(&gate_up, values)?,
                (x.dim(0)?, intermediate_size),
                &Device::Cpu,
            )?
        } else {
            self.activate(&gate_up)?
        };
        stacked.down.forward(expert, &intermediate, &stacked.down_bias)
    }

    /// The gated activation of \[tokens, 2 · intermediate\] → \[tokens, intermediate\].
    fn activate(&self, gate_up: &Tensor) -> Result<Tensor, ModelError> {
        let pairs = gate_up.reshape((gate_up.dim(0)?, self.spec.intermediate_size, 2))?;
        let half = |at: usize| pairs.narrow(D::Minus1, at, 1)?.squeeze(D::Minus1);
        let [limit, alpha] = self.clamp();
        clamped_swiglu_of(&half(0)?, &half(1)?, limit, alpha)
    }

    /// Limit and gain of the activation; stacked experts have no other.
    fn clamp(&self) -> [f64; 2] {
        match self.spec.gating {
            Gating::ClampedSwiglu { limit, alpha } => [limit, alpha],
            Gating::Activated(_) => unreachable!("a family stacks experts with a clamp only"),
        }
    }
}

fn tokens_of(visits: &[Visit], device: &Device) -> Result<Tensor, ModelError> {
    Ok(Tensor::new(visits.iter().map(|visit| visit.token).collect::<Vec<u32>>(), device)?)
}

/// Adds an expert's outputs to the rows of the tokens that visited it, in place.
fn add_outputs(out: &Tensor, visits: &[Visit], y: &Tensor) -> Result<(), ModelError> {
    let size = out.dim(D::Minus1)?;
    host::with_values(y, |y| {
        host::update(out, |out| {
            for (visit, y) in visits.iter().zip(y.chunks_exact(size)) {
                add_scaled(&mut out[visit.token as usize * size..][..size], y, visit.weight);
            }
        })
    })?
}

/// A token on its way through an expert.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Visit {
    token: u32,
    weight: f32,
}

/// A batch with the same number of rows for every expert; some rows are unused.
struct Slots {
    /// \[experts · rows\]: the token of each row, 0 in unused rows.
    tokens: Vec<u32>,
    /// \[tokens · active\]: the rows of each token.
    places: Vec<u32>,
    /// \[tokens · active\]
    weights: Vec<f32>,
}

impl Slots {
    fn new(visits: &[(usize, Vec<Visit>)], experts: usize) -> Self {
        let rows = visits.iter().map(|(_, visits)| visits.len()).max().unwrap_or(0);
        let mut tokens = vec![0; experts * rows];
        let mut places = Vec::new();
        for (expert, visits) in visits {
            for (at, visit) in visits.iter().enumerate() {
                let row = expert * rows + at;
                tokens[row] = visit.token;
                places.push((visit.token, row as u32, visit.weight));
            }
        }
        places.sort_by_key(|(token, row, _)| (*token, *row));
        let weights = places.iter().map(|(_, _, weight)| *weight).collect();
        Self { tokens, places: places.into_iter().map(|(_, row, _)| row).collect(), weights }
    }

    fn rows(&self) -> usize {
        self.tokens.len()
    }
}

/// For each expert the tokens that go through it: each token takes the `active` largest logits.
fn assign(logits: &[Vec<f32>], active: usize, routing: Routing) -> Vec<Vec<Visit>> {
    let experts = logits.first().map_or(0, Vec::len);
    let mut visits = vec![Vec::new(); experts];
    for (token, logits) in logits.iter().enumerate() {
        let mut order: Vec<usize> = (0..experts).collect();
        order.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]));
        let chosen = &order[..active];
        let max = logits[chosen[0]];
        let counted = match routing {
            Routing::OverChosen => chosen,
            Routing::OverAll => &order,
        };
        let sum: f32 = counted.iter().map(|&expert| (logits[expert] - max).exp()).sum();
        for &expert in chosen {
            visits[expert].push(Visit { token: token as u32, weight: (logits[expert] - max).exp() / sum });
        }
    }
    visits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::weights::Matrix;

    fn gpt_oss_like() -> ExpertsSpec {
        ExpertsSpec {
            count: 5,
            active: 2,
            routing: Routing::OverChosen,
            bias: true,
            intermediate_size: 6,
            gating: Gating::ClampedSwiglu { limit: 7.0, alpha: 1.702 },
        }
    }

    #[test]
    fn experts_one_by_one_and_all_at_once_agree() {
        let (spec, hidden, tokens) = (gpt_oss_like(), 4, 9);
        let random = |shape: &[usize]| Tensor::rand(-1f32, 1., shape, &Device::Cpu).unwrap();
        let experts = Experts {
            spec,
            router: Linear::out_in(Matrix::Device(random(&[spec.count, hidden])), None, spec.count),
            matrices: Matrices::Stacked(Stacked {
                gate_up: ExpertMatrices::Dense(random(&[spec.count, hidden, 2 * spec.intermediate_size])),
                gate_up_bias: random(&[spec.count, 2 * spec.intermediate_size]),
                down: ExpertMatrices::Dense(random(&[spec.count, spec.intermediate_size, hidden])),
                down_bias: random(&[spec.count, hidden]),
            }),
        };
        let (x, residual) = (random(&[tokens, hidden]), random(&[tokens, hidden]));
        let run = |on_host| {
            let residual = residual.copy().unwrap();
            let out = experts.add_to(residual, &x, on_host, &mut Profile::default(), &Cancel::new()).unwrap();
            out.to_vec2::<f32>().unwrap().concat()
        };
        for (one_by_one, at_once) in run(true).into_iter().zip(run(false)) {
            assert!((one_by_one - at_once).abs() < 1e-5, "{one_by_one} is not {at_once}");
        }
    }

    #[test]
    fn the_softmax_is_over_the_chosen_or_over_all() {
        let ln = f32::ln;
        let visits = assign(
            &[vec![ln(1.0), ln(3.0), ln(0.5), ln(1.5)], vec![9.0, 0.0, 9.0, 0.0]],
            2,
            Routing::OverChosen,
        );
        assert_eq!(visits[0], [Visit { token: 1, weight: 0.5 }]);
        assert_eq!(visits[2], [Visit { token: 1, weight: 0.5 }]);
        assert!((visits[1][0].weight - 2.0 / 3.0).abs() < 1e-6);
        assert!((visits[3][0].weight - 1.0 / 3.0).abs() < 1e-6);
        let visits = assign(&[vec![ln(1.0), ln(3.0), ln(0.5), ln(1.5)]], 2, Routing::OverAll);
        assert!((visits[1][0].weight - 0.5).abs() < 1e-6 && (visits[3][0].weight - 0.25).abs() < 1e-6);
    }
}
