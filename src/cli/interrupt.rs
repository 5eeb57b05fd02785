//! Signals while a command runs. Ctrl-C stops it in order, so that no half file stays; whatever else ends a process
//! ends it at once, and so does a second Ctrl-C.

use std::sync::atomic::{AtomicU8, Ordering};

use crate::model::Cancel;

/// What a shell expects of a process that Ctrl-C has ended.
pub const INTERRUPTED: u8 = 130;

/// What the next Ctrl-C does.
static NEXT: AtomicU8 = AtomicU8::new(IN_ORDER);
/// Raises the cancel; the one after that ends the process.
const IN_ORDER: u8 = 0;
/// Ends the process.
const AT_ONCE: u8 = 1;
/// Nothing, as any other signal: somebody else listens.
const NOTHING: u8 = 2;

/// From now on, the first Ctrl-C raises `cancel`; anything else that ends the process takes away
/// first what is half written. Where signals cannot be listened to, they end the process as they do.
pub fn listen(cancel: Cancel) {
    NEXT.store(IN_ORDER, Ordering::Relaxed);
    #[cfg(unix)]
    unix::listen(cancel);
    #[cfg(not(unix))]
    other::listen(cancel);
}

/// Does what can't be stopped in order, as waiting for an answer at the terminal: Ctrl-C ends the process.
pub fn at_once<T>(work: impl FnOnce() -> T) -> T {
    let before = NEXT.swap(AT_ONCE, Ordering::Relaxed);
    let done = work();
    NEXT.store(before, Ordering::Relaxed);
    done
}

/// From now on somebody else listens to signals.
pub fn leave_to_others() {
    NEXT.store(NOTHING, Ordering::Relaxed);
}

fn is_left_to_others() -> bool {
    NEXT.load(Ordering::Relaxed) == NOTHING
}

/// A Ctrl-C. Returns whether somebody will end the process in order.
fn interrupt(cancel: &Cancel) -> bool {
    let in_order = NEXT.load(Ordering::Relaxed) == IN_ORDER && !cancel.is_cancelled();
    if in_order {
        cancel.cancel();
    }
    in_order
}

#[cfg(unix)]
mod unix {
    use std::{fs, process, thread};

    use tokio::runtime::Builder;
    use tokio::signal::unix::{Signal, SignalKind, signal};

    use super::{interrupt, is_left_to_others};
    use crate::export::file::remove_unfinished;
    use crate::model::Cancel;

    pub fn listen(cancel: Cancel) {
        let Ok(runtime) = Builder::new_current_thread().enable_io().build() else { return };
        let kinds =
            [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup(), SignalKind::quit()];
        let ignored = ignored();
        let [mut interrupted, mut terminated, mut hung_up, mut quit] = {
            let _entered = runtime.enter();
            kinds.map(|kind| {
                // What a parent has us ignore (nohup, a shell's background) stays ignored.
                let is_ignored = ignored & (1 << (kind.as_raw_value() - 1)) != 0;
                (!is_ignored).then(|| signal(kind).ok()).flatten()
            })
        };
        thread::spawn(move || {
            runtime.block_on(async {
                loop {
                    let kind = tokio::select! {
                        () = next(&mut interrupted) => {
                            if !is_left_to_others() && interrupt(&cancel) {
                                continue;
                            }
                            SignalKind::interrupt()
                        }
                        () = next(&mut terminated) => SignalKind::terminate(),
                        () = next(&mut hung_up) => SignalKind::hangup(),
                        () = next(&mut quit) => SignalKind::quit(),
                    };
                    if is_left_to_others() {
                        return;
                    }
                    remove_unfinished();
                    // What a shell says of a process that a signal has ended.
                    process::exit(128 + kind.as_raw_value());
                }
            });
        });
    }

    async fn next(signal: &mut Option<Signal>) {
        let received = match signal {
            Some(signal) => signal.recv().await,
            None => None,
        };
        if received.is_none() {
            std::future::pending::<()>().await;
        }
    }

    /// A bit for each signal that is ignored; none where the system does not tell.
    fn ignored() -> u64 {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
    }
}

#[cfg(not(unix))]
mod other {
    use std::{process, thread};

    use super::{INTERRUPTED, interrupt, is_left_to_others};
    use crate::export::file::remove_unfinished;
    use crate::model::Cancel;

    pub fn listen(cancel: Cancel) {
        let listen = async move {
            while tokio::signal::ctrl_c().await.is_ok() {
                if is_left_to_others() {
                    return;
                }
                if !interrupt(&cancel) {
                    remove_unfinished();
                    process::exit(i32::from(INTERRUPTED));
                }
            }
        };
        if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() {
            thread::spawn(move || runtime.block_on(listen));
        }
    }
}
