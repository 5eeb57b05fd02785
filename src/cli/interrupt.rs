//! Ctrl-C while a command runs: once to stop in order, so that no half file stays; twice to stop at once.

use std::process;
use std::thread;

use crate::model::Cancel;

/// What a shell expects of a process that Ctrl-C has ended.
const INTERRUPTED: i32 = 130;

/// A [`Cancel`] that the first Ctrl-C raises. Where signals cannot be listened to, Ctrl-C ends the process.
pub fn cancel_on_ctrl_c() -> Cancel {
    let cancel = Cancel::new();
    let raised = cancel.clone();
    let listen = async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            raised.raise();
            if tokio::signal::ctrl_c().await.is_ok() {
                process::exit(INTERRUPTED);
            }
        }
    };
    if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() {
        thread::spawn(move || runtime.block_on(listen));
    }
    cancel
}
