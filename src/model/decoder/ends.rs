//! Both ends of a decoder: from tokens to the residual stream, and from there to logits.

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
        for row in &logits {
            if let Some(at) = row.iter().position(|logit| !logit.is_finite()) {
                return Err(ModelError::Invalid(format!(
                    "the logit of token {at} is {}: numbers overflowed",
                    row[at]
                )));
            }
        }
        Ok(logits)
    }
}
