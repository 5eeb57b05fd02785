//! What the system tells the process: to end, to stop, that it goes on after it was stopped, or that its screen has
//! another size.

use std::io;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::export::file::remove_unfinished;
use crate::terminal::{Lease, Patience};

/// How long the loop may take to end when it is told to. After that, nobody waits for it any more.
const GRACE: Duration = Duration::from_millis(100);
/// The numbers of the signals that the keys of a terminal send.
const INTERRUPT: u8 = 2;
const QUIT: u8 = 3;
/// What a shell adds to the number of the signal that ended a process.
const BY_SIGNAL: u8 = 128;

/// What the system told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// To end, by the signal of that number.
    End(u8),
    /// To stop until it is continued.
    Stop,
    /// It was stopped, and goes on: whoever had the terminal meanwhile may have changed it.
    Continued,
    /// The screen has another size.
    Resized,
}

impl Signal {
    /// The number of [`Signal::End`] when the terminal is gone.
    pub const HANG_UP: u8 = 1;
}

/// The exit code of a process that the signal of that number has ended.
pub fn exit_code(number: u8) -> u8 {
    BY_SIGNAL.saturating_add(number)
}

/// Listens to the system, apart from the loop: whatever that does, a signal to end is heard.
pub struct Signals {
    receiver: mpsc::Receiver<Signal>,
    /// Whether another program has the terminal, which Ctrl-C is for.
    spares_interrupts: Arc<AtomicBool>,
}

impl Signals {
    /// Starts to listen, before the terminal is taken; `told_to_end` hears the numbers of the signals that are to end the
    /// process. If the loop doesn't end by itself when it is told to, the terminal is left, if it was taken, and the
    /// process ended all the same.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn new(
        lease: Arc<OnceLock<Option<Lease>>>,
        mut told_to_end: mpsc::UnboundedReceiver<u8>,
    ) -> io::Result<Self> {
        let mut streams = Streams::new()?;
        let (sender, receiver) = mpsc::channel(16);
        let spares_interrupts = Arc::new(AtomicBool::new(false));
        let spares = Arc::clone(&spares_interrupts);
        tokio::spawn(async move {
            loop {
                let signal = tokio::select! {
                    Some(number) = told_to_end.recv() => Signal::End(number),
                    signal = streams.next() => signal,
                };
                if spares.load(Ordering::SeqCst) && matches!(signal, Signal::End(INTERRUPT | QUIT)) {
                    continue;
                }
                // A loop that is busy hears of the last change of size by drawing.
                if sender.try_send(signal).is_err() && sender.is_closed() {
                    return;
                }
                if let Signal::End(number) = signal {
                    tokio::time::sleep(GRACE).await;
                    // Who has not taken the terminal by now takes it no more.
                    if let Some(lease) = lease.get_or_init(|| None) {
                        lease.leave(Patience::Hasty);
                    }
                    remove_unfinished();
                    process::exit(exit_code(number).into());
                }
            }
        });
        Ok(Self { receiver, spares_interrupts })
    }

    /// From now on, what the terminal's own keys send to all that run in it ends this process, or doesn't.
    pub fn spare_interrupts(&self, spares: bool) {
        self.spares_interrupts.store(spares, Ordering::SeqCst);
    }

    /// Waits for the next.
    pub async fn next(&mut self) -> Signal {
        match self.receiver.recv().await {
            Some(signal) => signal,
            None => std::future::pending().await,
        }
    }
}

#[cfg(unix)]
struct Streams {
    stop: tokio::signal::unix::Signal,
    go_on: tokio::signal::unix::Signal,
    size: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Streams {
    fn new() -> io::Result<Self> {
        use rustix::process::Signal as Number;
        use tokio::signal::unix::{SignalKind, signal};
        let listen = |number: Number| signal(SignalKind::from_raw(number.as_raw()));
        Ok(Self { stop: listen(Number::TSTP)?, go_on: listen(Number::CONT)?, size: listen(Number::WINCH)? })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.stop.recv() => Signal::Stop,
            _ = self.go_on.recv() => Signal::Continued,
            _ = self.size.recv() => Signal::Resized,
        }
    }
}

#[cfg(not(unix))]
struct Streams;

#[cfg(not(unix))]
impl Streams {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    /// There are none to wait for.
    async fn next(&mut self) -> Signal {
        std::future::pending().await
    }
}

/// Tells the whole group to stop, as the terminal's own Ctrl-Z would: a script that runs us stops with us. Our
/// own comes back as [`Signal::Stop`].
///
/// # Errors
/// If the system refuses.
#[cfg(unix)]
pub fn stop_group() -> io::Result<()> {
    Ok(rustix::process::kill_current_process_group(rustix::process::Signal::TSTP)?)
}
