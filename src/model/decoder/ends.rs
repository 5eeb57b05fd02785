//! Both ends of a decoder: from tokens to the residual stream, and from there to logits.

use std::sync::OnceLock;

use candle_core::{DType, Device, Tensor};

use super::{Linear, Norm};
use crate::model::host::Buffer;
use crate::model::spec::{EmbeddingSpec, LogitsSpec};
use crate::model::weights::Matrix;
use crate::model::{ModelError, Profile};

/// From tokens to the residual stream.
pub struct Embedding {
    /// \[vocabulary, width\]
    pub tokens: Matrix,
    /// width → hidden, where they differ.
    pub projection: Option<Linear>,
    /// \[rows, hidden\], where positions are learned.
    pub positions: Option<Tensor>,
    /// Of the embedding, where it has one.
    pub norm: Option<Norm>,
}

/// From the residual stream to logits.
pub struct Head {
    /// Comes first.
    pub norm: Option<Norm>,
    /// hidden → width of the embedding, where they differ.
    pub projection: Option<Linear>,
    /// width → vocabulary
    pub linear: Linear,
    /// Its weights, their mean over the vocabulary; computed when it is first needed.
    pub mean: OnceLock<Vec<f32>>,
}

impl Embedding {
    /// Where it is.
    pub fn device(&self) -> &Device {
        self.tokens.device()
    }

    /// The residual stream before the first layer, \[tokens, hidden\], of tokens of which `first` others stand before.
    ///
    /// # Errors
    /// If the device fails.
    pub fn embed(
        &self,
        (ids, first): (&[u32], usize),
        spec: &EmbeddingSpec,
        on_host: bool,
    ) -> Result<Tensor, ModelError> {
        let mut x = self.tokens.rows(ids)?;
        if spec.scale != 1.0 {
            x = (x * spec.scale)?;
        }
        if let Some(projection) = &self.projection {
            x = projection.forward(&x, None, &mut Profile::default())?;
        }
        if let (Some(positions), Some(before)) = (&self.positions, spec.positions) {
            x = (x + positions.narrow(0, before + first, ids.len())?)?;
        }
        match &self.norm {
            Some(norm) => norm.forward(&x, on_host.then(Buffer::default).as_ref()),
            None => Ok(x),
        }
    }
}

impl Head {
    /// As far as `x` \[hidden\] lies along the first, with the second added, so far the logit of `target` is above that of
    /// `versus`, or above the mean of all. The norm is held as it is at `x`, and caps are left off.
    ///
    /// # Errors
    /// If the device failed.
    pub fn direction(
        &self,
        x: &[f32],
        (target, versus): (u32, Option<u32>),
        spec: &LogitsSpec,
    ) -> Result<(Vec<f32>, f64), ModelError> {
        let count = self.linear.out_features() as f64;
        let mean = || {
            let shares = vec![(1.0 / count) as f32; self.linear.out_features()];
            self.linear.pull_back(&shares)
        };
        let off = match (versus, self.mean.get()) {
            (Some(versus), _) => self.linear.weights_of(versus)?,
            (None, Some(mean)) => mean.clone(),
            (None, None) => {
                let mean = mean()?;
                self.mean.get_or_init(|| mean).clone()
            }
        };
        let mut direction = self.linear.weights_of(target)?;
        direction.iter_mut().zip(&off).for_each(|(own, off)| *own = (*own - off) * spec.scale as f32);
        let bias = self.linear.bias()?.map_or(0.0, |bias| {
            let of = |at: u32| f64::from(bias[at as usize]);
            let mean = || bias.iter().map(|bias| f64::from(*bias)).sum::<f64>() / count;
            (of(target) - versus.map_or_else(mean, of)) * spec.scale
        });
        let (direction, bias) = match &self.projection {
            Some(projection) => projection.pull_back_with_bias(&direction, bias)?,
            None => (direction, bias),
        };
        Ok(match &self.norm {
            Some(norm) => {
                let (direction, of_norm) = norm.frozen(x)?.pull_back(&direction);
                (direction, bias + of_norm)
            }
            None => (direction, bias),
        })
    }

    /// The logits of each row of \[rows, hidden\].
    ///
    /// # Errors
    /// If the device failed, or numbers overflowed.
    pub fn logits(
        &self,
        x: &Tensor,
        spec: &LogitsSpec,
        on_host: bool,
        profile: &mut Profile,
    ) -> Result<Vec<Vec<f32>>, ModelError> {
        let mut x = match &self.norm {
            Some(norm) => norm.forward(x, on_host.then(Buffer::default).as_ref())?,
            None => x.clone(),
        };
        if let Some(projection) = &self.projection {
            x = projection.forward(&x, None, profile)?;
        }
        let mut logits = self.linear.forward(&x, None, profile)?.to_dtype(DType::F32)?;
        if spec.scale != 1.0 {
            logits = (logits * spec.scale)?;
        }
        if let Some(cap) = spec.softcap {
            logits = ((logits / cap)?.tanh()? * cap)?;
        }
        let logits = logits.to_vec2::<f32>()?;
        logits.iter().try_for_each(|row| check_logits(row))?;
        Ok(logits)
    }
}

/// Finite weights can still overflow.
///
/// # Errors
/// If they did.
pub fn check_logits(logits: &[f32]) -> Result<(), ModelError> {
    match logits.iter().position(|logit| !logit.is_finite()) {
        None => Ok(()),
        Some(at) => {
            Err(ModelError::Invalid(format!("the logit of token {at} is {}: numbers overflowed", logits[at])))
        }
    }
}
