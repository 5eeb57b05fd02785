//! Ctrl-C while a command runs: once to stop in order, so that no half file stays; twice to stop at once.

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
