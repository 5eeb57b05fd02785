//! What lies over the screen and takes the keys while it is there: a list, and a line to search it with.
//!
//! A popup is two files of one name, as a panel is: one here, with what it knows and what actions do to it, and one in
//! `ui::popups`. It never reads the rest of the state: what came of an action is an `Outcome`, which the reducer
//! carries out.

pub mod export;
pub mod palette;
pub mod picker;
pub mod popup;

pub use export::{ExportDialog, ExportStage};
pub use palette::{Palette, columns as palette_columns};
pub use picker::{Listing, Picker, Stage};
pub use popup::Popup;
