//! How an export was made: enough to make it again, and to know what its numbers are.
//!
//! [`Recipe`] is plain data that serde writes and reads. [`Recipe::from_json`] names what is wrong with one by its key.
//! To add a setting of figures, add a field to [`FigureStyle`], with a default if files of before are to be read.

mod contents;
mod read;
mod sink_rule;
mod source;
mod style;

pub use contents::{PROGRAM, Recipe};
pub use read::KeyError;
pub use source::{Input, Source, texts};
pub use style::{FigureStyle, SCALES};
