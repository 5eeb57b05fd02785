//! Signals while a command runs. Ctrl-C stops it in order, so that no half file stays; whatever else ends a process
//! ends it at once, and so does a second Ctrl-C.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::model::Cancel;

/// What a shell expects of a process that Ctrl-C has ended.
pub const INTERRUPTED: u8 = 128 + CTRL_C;
/// The number of the signal that Ctrl-C is.
const CTRL_C: u8 = 2;

/// What the next signal does.
static NEXT: Mutex<Next> = Mutex::new(Next::InOrder);

enum Next {
    /// Ctrl-C raises the cancel; the one after that ends the process, as any other signal does.
    InOrder,
    /// Every signal ends the process.
    AtOnce,
    /// Somebody else is told its number.
    HandedOver(UnboundedSender<u8>),
}

/// From now on, the first Ctrl-C raises `cancel`; anything else that ends the process takes away
/// first what is half written. Where signals cannot be listened to, they end the process as they do.
pub fn listen(cancel: Cancel) {
    *next() = Next::InOrder;
    #[cfg(unix)]
    unix::listen(cancel);
    #[cfg(not(unix))]
    other::listen(cancel);
}

/// Does what can't be stopped in order, as waiting for an answer at the terminal: Ctrl-C ends the process.
pub fn at_once<T>(work: impl FnOnce() -> T) -> T {
    let before = std::mem::replace(&mut *next(), Next::AtOnce);
    let done = work();
    *next() = before;
    done
}

/// From now on somebody else ends the process: the numbers of signals that are to end it are received, that of a
/// Ctrl-C included which has raised `cancel` already. None is lost between two listeners, as there is only one.
pub fn hand_over(cancel: &Cancel) -> UnboundedReceiver<u8> {
    let (sender, receiver) = unbounded_channel();
    let mut next = next();
    if cancel.is_cancelled() {
        // The receiver is there.
        let _ = sender.send(CTRL_C);
    }
    *next = Next::HandedOver(sender);
    receiver
}

fn next() -> MutexGuard<'static, Next> {
    NEXT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A signal that is to end the process. Returns whether somebody will end it in order.
fn hear(number: u8, cancel: &Cancel) -> bool {
    // Held until it is done: whoever takes over meanwhile sees what it did.
    match &*next() {
        Next::HandedOver(to) => to.send(number).is_ok(),
        Next::InOrder if number == CTRL_C && !cancel.is_cancelled() => {
            cancel.cancel();
            true
        }
        Next::InOrder | Next::AtOnce => false,
    }
}

#[cfg(unix)]
mod unix {
    use std::{fs, process, thread};

    use tokio::runtime::Builder;
    use tokio::signal::unix::{Signal, SignalKind, signal};

    use super::hear;
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
                        () = next(&mut interrupted) => SignalKind::interrupt(),
                        () = next(&mut terminated) => SignalKind::terminate(),
                        () = next(&mut hung_up) => SignalKind::hangup(),
                        () = next(&mut quit) => SignalKind::quit(),
                    };
                    // Those that we listen to have numbers below 16.
                    if hear(kind.as_raw_value() as u8, &cancel) {
                        continue;
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

    use super::{CTRL_C, INTERRUPTED, hear};
    use crate::export::file::remove_unfinished;
    use crate::model::Cancel;

    pub fn listen(cancel: Cancel) {
        let listen = async move {
            while tokio::signal::ctrl_c().await.is_ok() {
                if !hear(CTRL_C, &cancel) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_signal_is_lost_when_somebody_else_takes_over() {
        let cancel = Cancel::new();
        assert!(hear(CTRL_C, &cancel) && cancel.is_cancelled());
        assert!(!hear(CTRL_C, &cancel) && !hear(15, &cancel), "the second, and others, end it at once");
        let mut heard = hand_over(&cancel);
        assert_eq!(heard.try_recv(), Ok(CTRL_C), "the one from before");
        assert!(hear(15, &cancel));
        assert_eq!(heard.try_recv(), Ok(15));
        drop(heard);
        assert!(!hear(15, &cancel), "nobody is there to end it in order");
        *next() = Next::InOrder;
    }
}
