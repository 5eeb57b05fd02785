//! The only room that touches the terminal: what it can show, entering and leaving it, its events.

mod answers;
mod ascii;
mod capabilities;
mod clipboard;
mod decode;
mod device;
mod error;
mod events;
mod frame;
mod inbox;
mod key;
mod lease;
mod look;
mod output;
mod parse;
mod paste;
mod report;
mod session;
mod watcher;

pub use answers::Answer;
pub use error::TerminalError;
pub use inbox::Inbox;
pub use key::key;
pub use lease::{Lease, Patience};
pub use look::Look;
pub use parse::Parser;
pub use report::Report;
pub use session::{Session, check};
