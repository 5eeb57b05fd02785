//! The domain: what a pass captured and what can be said of it. Pure host data in f32; nothing here
//! knows candle, a terminal or a thread.

pub mod ablation;
pub mod alignment;
mod cached;
mod capture;
mod comparison;
mod digest;
mod heads;
mod info;
pub mod lens;
mod logits;
mod matrix;
mod measured;
mod normalisation;
mod pictures;
mod pooling;
mod prepare;
pub mod repeated;
pub mod rollout;
mod scale;
pub mod similar;
pub mod span;
mod statistics;
mod token;

pub use ablation::{Ablation, ParseAblationError};
pub use cached::Cached;
pub use capture::{
    Capture, EXACT_TOKENS, HeadSummary, LayerCapture, NextToken, NoSuchView, thumbnail_bin, tokens_per_cell,
};
pub use comparison::{Comparison, DifferenceRow, mean_divergence, short_names, similarity};
pub use digest::Digest;
pub use heads::{HeadEntry, HeadFilter, HeadOrder, ScoresByHead};
pub use info::{ModelInfo, NO_OUTPUT_HEAD};
pub use logits::{log_sum_exp, probability};
pub use matrix::{CausalMatrix, RowsMut};
pub use measured::{MeasuredComparison, TOO_LONG};
pub use normalisation::{Extents, NormalisedRow};
pub use pictures::{LayerPictures, layer_picture};
pub use pooling::Pooled;
pub use repeated::RepeatScores;
pub use scale::{Extent, Scale};
pub use statistics::{Feature, HeadStatistics, HeadSums, Mask, Over, PromptIndex, Statistic, Unit};
#[cfg(test)]
pub(crate) use token::tokens;
pub use token::{Token, escape_controls, is_unprintable};

pub use crate::vocabulary::{ColorScale, LayerKind, Normalisation, ParseViewError, Pooling, View, Weighted};
