//! What a head does, in a few numbers.
//!
//! [`Statistic`] and the table beside it say what there is: what each number is called, what it needs, how it is
//! computed. Lists, exports, reports, panels and the help go through the table. Statistics over the prompt are added up
//! row by row while a pass has the rows: [`HeadSums`] holds the sums, [`HeadStatistics`] is what comes of them.
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
pub use sums::{HeadStatistics, HeadSums};
pub use table::{Feature, Over, ParseStatisticError, Statistic, Unit};
