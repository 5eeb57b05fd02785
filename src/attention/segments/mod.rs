//! Segments: a prompt cut into named stretches, by its chat template, by blank lines, by sentences, or by bytes that
//! somebody names; and how much attention they give each other.
//!
//! [`Segments`] says which tokens are whose, [`SegmentShares`] where the rows of each segment look, and [`lookback`] how
//! far heads look back from new tokens. To add a way to cut, add a variant to
//! [`SegmentRule`](crate::vocabulary::SegmentRule) and its stretches to `cut.rs`.

mod chat;
mod cut;
mod entry;
mod error;
mod lookback;
mod named_span;
mod segmented;
mod shares;
mod stretch;
mod text;

pub use super::row_blocks::Unmeasured;
pub use cut::Cut;
pub use entry::{Entry, MOST_SPANS};
pub use error::SegmentsError;
pub use lookback::{Lookback, lookback};
pub use named_span::{NamedSpan, NamedSpans};
pub use segmented::{Part, Segments};
pub use shares::{SegmentRow, SegmentShares};
