//! What lies over the panels: a file for each popup, of the same name as in `app::popups`, and the help.

mod export;
mod glossary;
pub mod help;
mod palette;
mod picker;
pub mod place;
pub mod popup;
