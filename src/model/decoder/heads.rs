//! What both backends attend to, and what they give.

use candle_core::Tensor;

use super::past::{Folding, PastLayer};
use crate::attention::{CausalMatrix, Order, Panels, TokenRows};
use crate::kernels::attention::Head;
use crate::kernels::attention_rule::AttentionRule;
use crate::model::ModelError;
use crate::model::host::with_host_values;
use crate::model::spec::DecoderSpec;

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

/// Memory of a layer: what an earlier pass left, and room for the rest.
pub struct Room {
    query: TokenRows,
    key: Panels,
    value: Panels,
    /// Its matrices.
    pub folding: Folding,
}

/// All tokens of a layer's heads, on the host: those of an earlier pass, and the new ones behind them.
pub struct HostHeads {
    /// \[S, heads · head_dim\]
    pub query: TokenRows,
    /// Of each key/value head.
    pub key: Panels,
    /// Of each key/value head.
    pub value: Panels,
    /// How scores become weights.
    pub rule: AttentionRule,
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

impl Room {
    /// For `new` tokens behind those of an earlier pass.
    pub fn new(past: &PastLayer<'_>, new: usize, spec: &DecoderSpec, has_sinks: bool) -> Self {
        let DecoderSpec { heads, kv_heads, head_dim, .. } = *spec;
        let mut query = past.rows(heads * head_dim, |layer| &layer.qkv.get().query);
        let mut key = past.panels((Order::ByPlace, kv_heads, head_dim), |layer| &layer.qkv.get().key);
        let mut value = past.panels((Order::ByToken, kv_heads, head_dim), |layer| &layer.qkv.get().value);
        query.make_room(new);
        key.make_room();
        value.make_room();
        let folding = Folding::new(past, past.tokens + new, heads, has_sinks);
        Self { query, key, value, folding }
    }
}

impl HostHeads {
    /// The new tokens behind those of an earlier pass, and the layer's matrices.
    ///
    /// # Errors
    /// If the device fails.
    pub fn new(inputs: &HeadInputs<'_>, room: Room) -> Result<(Self, Folding), ModelError> {
        let (heads, count, head_dim) = inputs.query.dims3()?;
        let Room { mut query, mut key, mut value, folding } = room;
        with_host_values(&inputs.query, |values| {
            query.extend(count, |token, row| {
                for (head, row) in row.chunks_exact_mut(head_dim).enumerate() {
                    row.copy_from_slice(&values[(head * count + token) * head_dim..][..head_dim]);
                }
            });
        })?;
        with_host_values(&inputs.key, |values| key.extend(values))?;
        with_host_values(&inputs.value, |values| value.extend(values))?;
        Ok((Self { query, key, value, rule: inputs.rule.clone(), heads }, folding))
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
