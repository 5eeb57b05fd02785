//! What panels and popups are made of: text of a given width, matrices as cells or as pixels, bars, lines that are edited.

pub mod area;
pub mod axes;
pub mod bar;
pub mod grid;
pub mod heatmap;
pub mod line;
pub mod matrix;
pub mod overview;
pub mod pixels;
pub mod progress;
pub mod stack;
pub mod text;
pub mod text_grid;
pub mod values;
pub mod window;
