//! Ctrl-C while a command runs: once to stop in order, so that no half file stays; twice to stop at once.

use std::process;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;

use crate::model::Cancel;

/// What a shell expects of a process that Ctrl-C has ended.
pub const INTERRUPTED: u8 = 130;

/// What the next Ctrl-C does.
static NEXT: AtomicU8 = AtomicU8::new(IN_ORDER);
/// Raises the cancel; the one after that ends the process.
const IN_ORDER: u8 = 0;
/// Ends the process.
const AT_ONCE: u8 = 1;
/// Nothing: somebody else listens.
const NOTHING: u8 = 2;

/// The first Ctrl-C from now on raises `cancel`. Where signals cannot be listened to, Ctrl-C ends the process.
pub fn raise_on_ctrl_c(cancel: Cancel) {
    NEXT.store(IN_ORDER, Ordering::Relaxed);
    let listen = async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            match NEXT.load(Ordering::Relaxed) {
                NOTHING => return,
                IN_ORDER if !cancel.is_raised() => cancel.raise(),
                _ => process::exit(INTERRUPTED.into()),
            }
        }
    };
    if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() {
        thread::spawn(move || runtime.block_on(listen));
    }
}

/// Does what can't be stopped in order, as waiting for an answer at the terminal: Ctrl-C ends the process.
pub fn at_once<T>(work: impl FnOnce() -> T) -> T {
    let before = NEXT.swap(AT_ONCE, Ordering::Relaxed);
    let done = work();
    NEXT.store(before, Ordering::Relaxed);
    done
}

/// From now on somebody else listens to Ctrl-C.
pub fn leave_to_others() {
    NEXT.store(NOTHING, Ordering::Relaxed);
}
