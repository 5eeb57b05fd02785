//! The only room that touches the terminal: what it can show, entering and leaving it, its events.

mod answers;
mod ascii;
mod capabilities;
mod clipboard;
mod decode;
mod device;
mod events;
mod inbox;
mod lease;
mod look;
mod output;
mod parse;
mod paste;
mod session;
mod watcher;

pub use answers::Answer;
pub use events::key;
pub use inbox::Inbox;
pub use lease::{Lease, Patience};
pub use look::Look;
pub use parse::{Parser, Report};
pub use session::{Session, TerminalError, check};
