//! The domain: what a pass captured and what can be said of it. Pure host data in f32; nothing here knows candle, a
//! terminal or a thread.
//!
//! A [`Capture`] is what one model produced for one prompt. It keeps queries and keys, from which any head is computed
//! again, and the matrices that are looked at first. [`Capture::matrix`] gives the [`CausalMatrix`] of a [`View`].
//! A [`Normalisation`] shows its rows, a [`Scale`] turns values into levels, and a [`Comparison`] brings the matrices of
//! two tokenisations together.
//!
//! | to add | change |
//! |---|---|
//! | a view | `View` in [`vocabulary`](crate::vocabulary), then what the compiler asks for: `capture`, `info` |
//! | a statistic | `statistics/table.rs`: see there |
//! | a normalisation | `Normalisation` in [`vocabulary`](crate::vocabulary), then `normalisation` |

pub mod ablation;
pub mod alignment;
mod cached;
mod capture;
mod chat_prompt;
pub mod common_words;
mod comparison;
mod digest;
mod heads;
mod info;
pub mod knockout;
pub mod lens;
mod logits;
mod looked_at;
mod matrix;
mod measured;
mod memory;
mod next_token;
mod normalisation;
pub mod patching;
mod pictures;
mod pooling;
mod predicted;
mod prepare;
pub mod push;
mod qkv;
pub mod repeated;
pub mod rollout;
mod row_blocks;
mod rows_mut;
mod sample;
mod scale;
pub mod segments;
mod shares;
pub mod shift;
pub mod similar;
pub mod sinks;
pub mod span;
mod statistics;
pub mod text;
mod text_ending;
mod token;

pub use ablation::{Ablation, ParseAblationError};
pub use cached::Cached;
pub use capture::{
    Capture, Computed, EXACT_TOKENS, HeadSummary, LayerCapture, thumbnail_bin, tokens_per_cell,
};
pub use chat_prompt::ChatPrompt;
pub use common_words::{Alignment, Texts};
pub use comparison::{
    Comparison, DifferenceRow, LeftOver, NotCompared, TOO_LONG, mean_divergence, placed_names, short_name,
    short_names, similarity,
};
pub use digest::Digest;
pub use heads::{HeadEntry, HeadFilter, HeadOrder};
pub use info::{ModelInfo, NO_OUTPUT_HEAD, NoSuchView};
pub use logits::{log_sum_exp, probability};
pub use looked_at::{LookedAt, tokens_of};
pub use matrix::CausalMatrix;
pub use measured::MeasuredComparison;
pub use memory::{SharedMemory, memory};
pub use next_token::NextToken;
pub use normalisation::NormalisedRow;
pub use pictures::{LayerPictures, layer_picture};
pub use pooling::Pooled;
pub use predicted::named_by_next;
pub use qkv::{Elsewhere, Gone, KeptQkv, Qkv};
pub use repeated::{RepeatScores, ScoresByHead};
pub use rows_mut::RowsMut;
pub use sample::{Mean, deviations};
pub use scale::{Extent, Extents, Scale};
pub use shares::RowShares;
pub use statistics::{
    Feature, HeadStatistics, HeadSums, LayerSums, Mask, Over, ParseStatisticError, PromptIndex, ROW_SUMS,
    RowSums, Statistic, Unit, row_sums, row_sums_of_features,
};
pub use text_ending::TextEnding;
#[cfg(test)]
pub(crate) use token::tokens;
pub use token::{Token, escape_but, escape_controls, is_hidden, is_unprintable};

pub use crate::kernels::attention_rule::{AttentionRule, HiddenKeys};
pub use crate::kernels::shared::{Order, Panels, TokenRows};
pub use crate::vocabulary::{
    ColorScale, LayerKind, Normalisation, ParseViewError, Pooling, SegmentRule, View, Weighted,
};
