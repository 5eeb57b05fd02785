//! What both backends attend to, and what they give.

use candle_core::Tensor;

use super::past::PastLayer;
use crate::attention::{CausalMatrix, Order, Panels, TokenRows};
use crate::kernels::attention::Head;
use crate::kernels::attention_rule::AttentionRule;
use crate::model::ModelError;
use crate::model::host::with_host_values;

/// The new tokens of a layer's heads, ready to attend.
pub struct HeadInputs<'a> {
    /// f32 \[heads, n, head_dim\], turned by position.
    pub query: Tensor,
    /// f32 \[kv_heads, n, head_dim\], turned by position.
    pub key: Tensor,
    /// f32 \[kv_heads, n, head_dim\]
    pub value: Tensor,
    /// How scores become weights.
    pub rule: &'a AttentionRule,
}

/// All tokens of a layer's heads, on the host: those of an earlier pass, and the new ones behind them.
pub struct HostHeads<'a> {
    /// \[S, heads · head_dim\]
    pub query: TokenRows,
    /// Of each key/value head.
    pub key: Panels,
    /// Of each key/value head.
    pub value: Panels,
    /// How scores become weights.
    pub rule: &'a AttentionRule,
    /// Number of query heads.
    pub heads: usize,
}

/// What attending gives: the values that tokens took, and what was summed up on the way. n = new tokens.
pub struct Attended {
    /// \[n, heads · head_dim\]
    pub context: Tensor,
    /// \[n, heads\]
    pub log_sum_exp: Vec<f32>,
    /// \[n, heads · [`ROW_SUMS`](crate::attention::ROW_SUMS)\]
    pub row_sums: Vec<f32>,
    /// Mean over heads, of all tokens.
    pub mean: CausalMatrix,
    /// One per head, of all tokens.
    pub thumbnails: Vec<CausalMatrix>,
}

impl<'a> HostHeads<'a> {
    /// The new tokens behind those of an earlier pass.
    ///
    /// # Errors
    /// If the device fails.
    pub fn new(inputs: &HeadInputs<'a>, past: &PastLayer<'_>) -> Result<Self, ModelError> {
        let (heads, count, head_dim) = inputs.query.dims3()?;
        let kv_heads = inputs.key.dim(0)?;
        let mut query = past.rows(heads * head_dim, |layer| &layer.qkv.get().query);
        let mut key = past.panels((Order::ByPlace, kv_heads, head_dim), |layer| &layer.qkv.get().key);
        let mut value = past.panels((Order::ByToken, kv_heads, head_dim), |layer| &layer.qkv.get().value);
        with_host_values(&inputs.query, |values| {
            query.extend(count, |token, row| {
                for (head, row) in row.chunks_exact_mut(head_dim).enumerate() {
                    row.copy_from_slice(&values[(head * count + token) * head_dim..][..head_dim]);
                }
            });
        })?;
        with_host_values(&inputs.key, |values| key.extend(values))?;
        with_host_values(&inputs.value, |values| value.extend(values))?;
        Ok(Self { query, key, value, rule: inputs.rule, heads })
    }

    /// One head, to compute rows of.
    pub fn head(&self, head: usize) -> Head<'_> {
        Head {
            queries: &self.query,
            head,
            keys: &self.key,
            kv_head: self.kv_head(head),
            rule: self.rule.of_head(head),
        }
    }

    /// The key/value head of a query head.
    pub fn kv_head(&self, head: usize) -> usize {
        head / (self.heads / self.key.heads())
    }
}
