//! A capture as text and files. Writers are pure: they take any [`std::io::Write`], ask the capture for one row after
//! another and hold no more than that; [`mod@file`] is where they meet the disk.
//!
//! | what | where |
//! |---|---|
//! | how an export was made: what every file holds, and what it is made from again | [`recipe`] |
//! | what an export is written as, a file for each format; how to add one | [`formats`] |
//! | figures, which the formats svg, png and html show | [`figure`] |
//! | what more than a pass found, as a file: push, effects, patching | [`Found`] |
//! | what the commands print | [`print`](mod@print), [`heads`], [`ablation`], [`generate`], [`lens`], [`push`], [`effect`], [`segments`], [`sinks`], [`sweep`], [`report`] |

pub mod ablation;
pub mod effect;
mod error;
pub mod figure;
pub mod file;
pub mod formats;
mod found;
mod found_subject;
pub mod generate;
pub mod heads;
pub mod lens;
mod markup;
mod omissions;
pub mod patch;
pub mod print;
pub mod printable;
pub mod push;
mod python;
pub mod recipe;
pub mod report;
mod row_names;
mod rows;
pub mod segments;
mod selection;
pub mod shift;
pub mod sinks;
mod subject;
pub mod sweep;
mod text;
mod text_subject;
mod write_found;

#[cfg(test)]
pub(crate) mod example;

pub use error::ExportError;
pub use formats::{ManyPrompts, RecipeError, recipes_of_many, write};
pub use found::Found;
pub use found_subject::{FoundSubject, HiddenBy, LogitTokens};
pub use omissions::Omissions;
pub use recipe::{FigureStyle, Input, KeyError, PROGRAM, Recipe, SCALES, Source};
pub use selection::{ParseSelectionError, Selection};
pub use subject::{NOT_COMPARED, Subject};
pub use text_subject::TextSubject;
