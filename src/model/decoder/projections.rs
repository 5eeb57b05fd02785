//! From the residual stream to queries, keys and values, and the norms of the first two.

use candle_core::{D, Tensor};

use super::{Linear, Norm};
use crate::model::host::{Buffer, Buffers};
use crate::model::spec::DecoderSpec;
use crate::model::{ModelError, Profile};

/// To queries, keys and values.
pub enum Projections {
    /// One matrix for all three.
    Fused {
        /// hidden → (heads + 2 · kv_heads) · head_dim
        linear: Linear,
        /// How they lie in what comes out.
        order: QkvOrder,
    },
    /// One each.
    Separate {
        /// hidden → heads · head_dim
        query: Linear,
        /// hidden → kv_heads · head_dim
        key: Linear,
        /// hidden → kv_heads · head_dim
        value: Linear,
    },
}

/// How queries, keys and values lie in what one matrix gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QkvOrder {
    /// All queries, all keys, all values.
    Blocks,
    /// For each key/value head the queries that use it, its key, its value.
    Groups,
}

impl Projections {
    /// Queries, keys and values of \[tokens, hidden\], each \[tokens, its heads · head_dim\]; rows may be parts of
    /// longer rows.
    ///
    /// # Errors
    /// If the device fails.
    pub fn project(
        &self,
        x: &Tensor,
        spec: &DecoderSpec,
        buffers: Option<&Buffers>,
        profile: &mut Profile,
    ) -> Result<[Tensor; 3], ModelError> {
        let buffer = |at: usize| buffers.map(|buffers| &buffers.projected[at]);
        let (linear, order) = match self {
            Self::Separate { query, key, value } => {
                return Ok([
                    query.forward(x, buffer(0), profile)?,
                    key.forward(x, buffer(1), profile)?,
                    value.forward(x, buffer(2), profile)?,
                ]);
            }
            Self::Fused { linear, order } => (linear, order),
        };
        let all = linear.forward(x, buffer(0), profile)?;
        let (kv_heads, head_dim) = (spec.kv_heads, spec.head_dim);
        match order {
            QkvOrder::Blocks => {
                let (queries, keys) = (spec.heads * head_dim, kv_heads * head_dim);
                let block = |at: usize, width: usize| all.narrow(D::Minus1, at, width);
                Ok([block(0, queries)?, block(queries, keys)?, block(queries + keys, keys)?])
            }
            QkvOrder::Groups => {
                let shared = spec.heads / kv_heads;
                let all = all.reshape(((), kv_heads, shared + 2, head_dim))?;
                let of_each = |at: usize, count: usize| {
                    all.narrow(2, at, count)?.contiguous()?.reshape(((), kv_heads * count * head_dim))
                };
                Ok([of_each(0, shared)?, of_each(shared, 1)?, of_each(shared + 1, 1)?])
            }
        }
    }
}

/// A norm of queries or of keys.
pub enum HeadNorm {
    /// Over all heads of a token.
    Token(Norm),
    /// Over each head, with the same weights for all.
    Head(Norm),
    /// Over each head, with its own weights: the norm has none, these are \[heads, 1, head_dim\].
    OwnHead(Norm, Tensor),
}

impl HeadNorm {
    /// Of \[tokens, heads · head_dim\], if it is over all heads.
    ///
    /// # Errors
    /// If the device fails.
    pub fn before_split(&self, x: Tensor, on_host: bool) -> Result<Tensor, ModelError> {
        match self {
            Self::Token(norm) => norm.forward(&x, on_host.then(Buffer::default).as_ref()),
            Self::Head(_) | Self::OwnHead(..) => Ok(x),
        }
    }

    /// Of \[heads, tokens, head_dim\], if it is over each head.
    ///
    /// # Errors
    /// If the device fails.
    pub fn after_split(&self, x: Tensor, on_host: bool) -> Result<Tensor, ModelError> {
        let each = |norm: &Norm| {
            let rows = x.flatten_to(1)?;
            Ok::<_, ModelError>(
                norm.forward(&rows, on_host.then(Buffer::default).as_ref())?.reshape(x.dims())?,
            )
        };
        match self {
            Self::Token(_) => Ok(x),
            Self::Head(norm) => each(norm),
            Self::OwnHead(norm, weights) => Ok(each(norm)?.broadcast_mul(&weights.to_dtype(x.dtype())?)?),
        }
    }
}
