//! The only room that touches the terminal: what it can show, entering and leaving it, its events.

mod clipboard;
mod events;
mod look;
mod session;

pub use events::{events, key};
pub use look::{background, color_depth};
pub use session::{Session, TerminalError, check};
