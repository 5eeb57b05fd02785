//! The parts of a pane: its frame, what is written under it, its strip of small pictures, that of what is written, and what it says while there
//! is no matrix to show.

pub mod frame;
pub mod inspector;
pub mod minimap;
mod next;
mod notice;
mod pushed;
pub mod shares;
pub mod text;
mod text_heading;
mod text_values;
pub mod thumbnails;
