//! The article's comparison for any two models and any prompt: where their attention differs, what their sinks and
//! first tokens take, which heads stand out, and what would come next.
//!
//! [`Report`] holds the numbers. It is written as text for a terminal, as a page (`page` fills in
//! `assets/report.html`, `tables` makes its tables), and as JSON.

mod compared;
mod json;
mod page;
mod tables;
mod text;

pub use compared::{Reading, Report, ReportError};
pub use json::write as write_json;
pub use page::write as write_page;
pub(super) use tables::SIDES;
pub use text::write as write_text;
