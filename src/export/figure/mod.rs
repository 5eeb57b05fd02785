//! Matrices as a figure for a paper: one model or two beside each other with one colour bar, all heads of a model, or
//! the difference of two; or what was found about their passes, as bars or a map.
//!
//! A figure goes through four steps, a file each: `build` takes passes and a recipe and makes [`Figure`], plain data;
//! `layout` gives everything its place on paper; `svg` writes that down, with `bar` and `cells`; `bitmap` draws the SVG.
//!
//! To draw something else: its content and its `Words` in `panel`.

mod bar_chart;
mod bars;
mod bitmap;
mod build;
mod caption;
mod cells;
mod contents;
mod found;
mod layout;
mod map;
mod panel;
mod passage;
mod pixels;
mod svg;
#[cfg(test)]
mod tests;
mod text;
mod ticks;
mod words;
mod writing;

pub use bars::{BarColumn, Bars};
pub use bitmap::{Bitmap, RECIPE};
pub use caption::inputs;
pub use contents::Figure;
pub use panel::{Content, Heads, Panel, Square, source_title};
pub use passage::{Passage, pushed, pushes_heading};
