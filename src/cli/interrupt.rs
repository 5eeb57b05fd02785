//! Ctrl-C while a command runs: once to stop in order, so that no half file stays; twice to stop at once.

use std::io::{self, Write};
use std::process;
use std::thread;

use crate::model::Cancel;

/// What a shell expects of a process that Ctrl-C has ended.
const INTERRUPTED: i32 = 130;

/// The first Ctrl-C from now on raises `cancel`. Where signals cannot be listened to, Ctrl-C ends the process.
pub fn raise_on_ctrl_c(cancel: Cancel) {
    let listen = async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            cancel.raise();
            if tokio::signal::ctrl_c().await.is_ok() {
                process::exit(INTERRUPTED);
            }
        }
    };
    if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() {
        thread::spawn(move || runtime.block_on(listen));
    }
}

/// A writer that refuses to go on once its [`Cancel`] is raised.
#[derive(Debug)]
pub struct Stoppable<W> {
    out: W,
    cancel: Cancel,
}

impl<W: Write> Stoppable<W> {
    /// Writes to `out` until `cancel` is raised.
    pub fn new(out: W, cancel: Cancel) -> Self {
        Self { out, cancel }
    }
}

impl<W: Write> Write for Stoppable<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.cancel.is_raised() {
            return Err(io::Error::other("cancelled"));
        }
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_written_after_a_stop() {
        let cancel = Cancel::new();
        let mut out = Stoppable::new(Vec::new(), cancel.clone());
        out.write_all(b"before").unwrap();
        cancel.raise();
        assert!(out.write_all(b"after").is_err());
        assert_eq!(out.out, b"before");
    }
}
