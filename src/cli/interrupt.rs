//! Signals while a command runs. Ctrl-C stops it in order, so that no half file stays; whatever else ends a process
//! ends it at once, and so does a second Ctrl-C.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::model::Cancel;

/// What a shell expects of a process that Ctrl-C has ended.
pub const INTERRUPTED: u8 = 130;

static IS_INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Whether Ctrl-C was pressed since somebody listens.
pub fn is_interrupted() -> bool {
    IS_INTERRUPTED.load(Ordering::Relaxed)
}

/// From now on, the first Ctrl-C raises `cancel`, if there is one; anything else that ends the process takes away
/// first what is half written. Where signals cannot be listened to, they end the process as they do.
pub fn listen(cancel: Option<Cancel>) {
    #[cfg(unix)]
    unix::listen(cancel);
    #[cfg(not(unix))]
    other::listen(cancel);
}

/// A Ctrl-C. Returns whether somebody will end the process in order.
fn interrupt(cancel: Option<&Cancel>) -> bool {
    let is_first = !IS_INTERRUPTED.swap(true, Ordering::Relaxed);
    match cancel {
        Some(cancel) if is_first => {
            cancel.raise();
            true
        }
        _ => false,
    }
}

#[cfg(unix)]
mod unix {
    use std::{fs, process, thread};

    use tokio::runtime::Builder;
    use tokio::signal::unix::{Signal, SignalKind, signal};

    use super::interrupt;
    use crate::export::file::remove_unfinished;
    use crate::model::Cancel;

    pub fn listen(cancel: Option<Cancel>) {
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
                            if interrupt(cancel.as_ref()) {
                                continue;
                            }
                            SignalKind::interrupt()
                        }
                        () = next(&mut terminated) => SignalKind::terminate(),
                        () = next(&mut hung_up) => SignalKind::hangup(),
                        () = next(&mut quit) => SignalKind::quit(),
                    };
                    remove_unfinished();
                    // What a shell says of a process that a signal has ended.
                    process::exit(128 + kind.as_raw_value());
                }
            });
        });
    }

    async fn next(signal: &mut Option<Signal>) {
        let told = match signal {
            Some(signal) => signal.recv().await,
            None => None,
        };
        if told.is_none() {
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

    use super::{INTERRUPTED, interrupt};
    use crate::export::file::remove_unfinished;
    use crate::model::Cancel;

    pub fn listen(cancel: Option<Cancel>) {
        let listen = async move {
            while tokio::signal::ctrl_c().await.is_ok() {
                if !interrupt(cancel.as_ref()) {
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
