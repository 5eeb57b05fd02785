//! What a head does, in a few numbers.
//!
//! [`Statistic`] and the table beside it say what there is: what each number is called, what it needs, how it is
//! computed. Lists, exports, reports, panels and the help go through the table. A statistic over the prompt is a sum over
//! rows: while a pass has a row, [`row_sums`] makes its part of each statistic, and [`LayerSums`] keeps that, so that a
//! prompt that goes on from another has its sums, too. [`HeadStatistics`] is what comes of them.
//!
//! To add a statistic of the rows of a head, add its variant and its row to `table.rs`. Where it counts keys that no
//! [`Mask`] describes yet, add one: to `mask.rs`, which visits the keys of a row, and to `model::decoder::masks`, which
//! makes the same on a device.

mod mask;
mod prompt;
mod sums;
mod table;

pub use mask::Mask;
pub use prompt::PromptIndex;
pub use sums::{HeadStatistics, HeadSums, LayerSums, ROW_SUMS, RowSums, row_sums, row_sums_of_features};
pub use table::{Feature, Over, ParseStatisticError, Statistic, Unit};
