//! The terminal while it is ours, and how it is given back: once, on every way out, by whoever comes first.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crossterm::cursor::{MoveTo, Show};
use crossterm::event::{DisableBracketedPaste, DisableFocusChange, DisableMouseCapture};
use crossterm::queue;
use crossterm::style::{Print, ResetColor};
use crossterm::terminal::{EndSynchronizedUpdate, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};

use super::events::Line;
use super::output::Pipe;
use super::watcher::Watcher;

/// How patient a way out is with a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// The user leaves: until nothing of ours is under way any more.
    Orderly,
    /// The process is told to end: no longer than anyone notices.
    Hasty,
}

impl Patience {
    /// How long it may take until a frame is written, until the terminal is told, and until it is quiet.
    fn limits(self) -> [Duration; 3] {
        match self {
            Self::Orderly => [200, 300, 2000],
            Self::Hasty => [30, 20, 40],
        }
        .map(Duration::from_millis)
    }
}

/// The terminal while it is ours. All copies are of the same.
#[derive(Clone)]
pub struct Lease(Arc<Shared>);

struct Shared {
    taken: AtomicBool,
    /// Whether the process ends: nobody takes the terminal again.
    is_over: AtomicBool,
    /// Held by whoever gives it back: nobody else goes on before that is done.
    leaving: Mutex<()>,
    pipe: Arc<Pipe>,
    line: Arc<Line>,
    watcher: Watcher,
}

impl Lease {
    /// Of a terminal that is not taken yet.
    pub(super) fn new(pipe: Arc<Pipe>, line: Arc<Line>, watcher: Watcher) -> Self {
        Self(Arc::new(Shared {
            taken: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
            leaving: Mutex::default(),
            pipe,
            line,
            watcher,
        }))
    }

    /// Makes it ours, with keys as they are pressed, unless the process is about to end.
    ///
    /// # Errors
    /// If the terminal refuses. It is to be given back all the same.
    pub(super) fn take(&self) -> io::Result<()> {
        let shared = &self.0;
        let _leaving = shared.leaving.lock().unwrap_or_else(PoisonError::into_inner);
        if shared.is_over.load(Ordering::SeqCst) {
            return Ok(());
        }
        // First: whoever leaves it after this leaves what is begun here.
        shared.taken.store(true, Ordering::SeqCst);
        shared.watcher.taken();
        shared.line.open();
        shared.pipe.open();
        enable_raw_mode()
    }

    /// Whether it is ours.
    pub fn is_taken(&self) -> bool {
        self.0.taken.load(Ordering::SeqCst)
    }

    /// Gives the terminal back as it was found; if hastily, for good. A terminal that is gone needs nothing, hence no
    /// errors.
    pub fn leave(&self, patience: Patience) {
        let shared = &self.0;
        let _leaving = match (shared.leaving.try_lock(), patience) {
            (Ok(leaving), _) => leaving,
            (Err(_), Patience::Orderly) => shared.leaving.lock().unwrap_or_else(PoisonError::into_inner),
            (Err(_), Patience::Hasty) => {
                // Somebody is more patient than there is time for.
                shared.line.urge();
                shared.leaving.lock().unwrap_or_else(PoisonError::into_inner)
            }
        };
        if patience == Patience::Hasty {
            shared.is_over.store(true, Ordering::SeqCst);
        }
        // Whoever is drawing meanwhile draws nothing.
        shared.pipe.shut();
        if !shared.taken.swap(false, Ordering::SeqCst) {
            return;
        }
        let [frame, mut told, mut quiet] = patience.limits();
        if !shared.pipe.wait(frame) {
            // Who was patient with it has been so for long enough.
            [_, told, quiet] = Patience::Hasty.limits();
            // It reads nothing. What it has not read is thrown away, so that it may read what follows when it does.
            shared.pipe.give_up();
            #[cfg(unix)]
            let _ = rustix::termios::tcflush(std::io::stdout(), rustix::termios::QueueSelector::OFlush);
        }
        // The screen stays until nothing more comes: what is typed once the shell is seen is the shell's.
        let _ = shared.pipe.push_last(silence());
        shared.pipe.wait(told);
        shared.line.drain(quiet);
        let _ = shared.pipe.push_last(farewell());
        let is_told = shared.pipe.wait(told);
        let _ = disable_raw_mode();
        // What is not written when this process ends, as on a machine that is too busy, the watcher writes.
        if is_told { shared.watcher.left() } else { shared.watcher.line_left() }
    }
}

/// What makes a terminal as it was.
pub(super) fn sequences() -> Vec<u8> {
    [silence(), farewell()].concat()
}

/// What has a terminal report nothing but keys.
fn silence() -> Vec<u8> {
    let mut bytes = Vec::new();
    let queued = queue!(
        bytes,
        // Of a sequence that was begun and not finished.
        Print("\x18"),
        EndSynchronizedUpdate,
        DisableMouseCapture,
        DisableBracketedPaste,
        DisableFocusChange,
    );
    // A vector takes everything.
    queued.map(|()| bytes).unwrap_or_default()
}

/// What gives the screen back.
fn farewell() -> Vec<u8> {
    let mut bytes = Vec::new();
    let queued = queue!(
        bytes,
        ResetColor,
        // Without an alternate screen, the last frame stays, and the shell goes on below it.
        MoveTo(0, 9998),
        Print("\r\n"),
        LeaveAlternateScreen,
        Show
    );
    queued.map(|()| bytes).unwrap_or_default()
}
