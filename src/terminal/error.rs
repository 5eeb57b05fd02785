//! Why the terminal can't be used.

use std::io;

/// Why the terminal can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TerminalError {
    /// Input or output is a pipe or a file.
    #[error(
        "the viewer needs a terminal, and this is none: use `attnscope print` to write the matrices as text"
    )]
    NoTerminal,
    /// It can only write line after line.
    #[error(
        "the viewer needs a terminal that can place text on its screen, and TERM={0} cannot: set TERM to what the \
         terminal is, or use `attnscope print` to write the matrices as text"
    )]
    Dumb(String),
    /// Nothing says what it is.
    #[error(
        "the viewer cannot tell what this terminal can do, because TERM is not set: set TERM to what the terminal is \
         (as TERM=xterm-256color), or use `attnscope print` to write the matrices as text"
    )]
    Unnamed,
    /// Others have the terminal.
    #[error("the viewer is in the background, and needs the terminal: start it in the foreground")]
    Background,
    /// The terminal went away or refused.
    #[error("the terminal: {0}")]
    Io(#[from] io::Error),
}
