//! What both backends attend to, and what they give.

use candle_core::Tensor;

use crate::attention::{CausalMatrix, HeadSummary};
use crate::kernels::attention_rule::AttentionRule;

/// The heads of a layer, ready to attend.
pub struct HeadInputs<'a> {
    /// f32 \[heads, S, head_dim\], turned by position.
    pub query: Tensor,
    /// f32 \[kv_heads, S, head_dim\], turned by position.
    pub key: Tensor,
    /// f32 \[kv_heads, S, head_dim\]
    pub value: Tensor,
    /// How scores become weights.
    pub rule: &'a AttentionRule,
}

/// What attending gives: the values that tokens took, and what was summed up on the way.
pub struct Attended {
    /// \[S, heads · head_dim\]
    pub context: Tensor,
    /// \[S, heads\]
    pub log_sum_exp: Vec<f32>,
    /// Mean over heads.
    pub mean: CausalMatrix,
    /// One per head.
    pub heads: Vec<HeadSummary>,
}
