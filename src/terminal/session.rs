//! The terminal while it is ours: entered, drawn to, and left as it was found on every way out.

use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crossterm::cursor::Show;
use crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, DisableMouseCapture, EnableBracketedPaste, EnableFocusChange,
    EnableMouseCapture,
};
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use crossterm::{execute, queue};
use ratatui::backend::CrosstermBackend;
use ratatui::layout::{Position, Rect};
use ratatui::{Frame, Terminal};

use super::clipboard;

/// A frame of a large screen in true colour fits, so that it leaves in one write.
const FRAME_BYTES: usize = 256 * 1024;

/// Why the terminal can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TerminalError {
    /// Input or output is a pipe or a file.
    #[error(
        "the viewer needs a terminal, and this is none: use `attnscope print` to write the matrices as text"
    )]
    NoTerminal,
    /// The terminal went away or refused.
    #[error("the terminal: {0}")]
    Io(#[from] io::Error),
}

/// Whether there is a terminal at all; to be asked before anything is asked of it.
///
/// # Errors
/// If input or output is none.
pub fn check() -> Result<(), TerminalError> {
    if io::stdin().is_terminal() && io::stdout().is_terminal() {
        Ok(())
    } else {
        Err(TerminalError::NoTerminal)
    }
}

/// The terminal while it is ours. Dropping it gives the terminal back.
pub struct Session {
    terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
    mouse: bool,
    /// Shared with the panic hook, so that the terminal is left once.
    entered: Arc<AtomicBool>,
}

impl Session {
    /// Takes the terminal.
    ///
    /// # Errors
    /// If input or output is none, or it refuses.
    pub fn start(mouse: bool) -> Result<Self, TerminalError> {
        check()?;
        let output = BufWriter::with_capacity(FRAME_BYTES, io::stdout());
        let entered = Arc::new(AtomicBool::new(false));
        leave_on_panic(entered.clone());
        let mut session = Self { terminal: Terminal::new(CrosstermBackend::new(output))?, mouse, entered };
        session.enter()?;
        Ok(session)
    }

    /// Draws a frame; the terminal shows it at once or not at all.
    ///
    /// # Errors
    /// If the terminal went away.
    pub fn draw(&mut self, render: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        if !self.entered.load(Ordering::SeqCst) {
            return Ok(());
        }
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.terminal.draw(render)?;
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)
    }

    /// Takes the mouse, or leaves it to the terminal, so that text can be selected.
    ///
    /// # Errors
    /// If the terminal went away.
    pub fn capture_mouse(&mut self, mouse: bool) -> io::Result<()> {
        self.mouse = mouse;
        let output = self.terminal.backend_mut();
        if mouse { execute!(output, EnableMouseCapture) } else { execute!(output, DisableMouseCapture) }
    }

    /// Asks the terminal to put a text on the clipboard. Whether it does, it doesn't say.
    ///
    /// # Errors
    /// If the terminal went away.
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        let output = self.terminal.backend_mut();
        output.write_all(clipboard::osc52(text).as_bytes())?;
        Write::flush(output)
    }

    /// Gives the terminal back. Nothing is drawn until it is [taken](Self::enter) again.
    pub fn leave(&self) {
        leave(&self.entered);
    }

    /// Gives the terminal to the shell until this process is continued. In a terminal that runs nothing but
    /// this there is no shell that could continue it, and it goes on at once.
    ///
    /// # Errors
    /// If the terminal went away.
    pub fn suspend(&mut self) -> io::Result<()> {
        self.leave();
        #[cfg(unix)]
        {
            use rustix::process::{Signal, getpid, getsid, kill_process};
            if getsid(None)? != getpid() {
                // Not TSTP, which is listened to: that is how one comes here.
                kill_process(getpid(), Signal::STOP)?;
            }
        }
        self.enter()
    }

    /// Takes the terminal again, whatever the shell did to it, and draws it anew.
    ///
    /// # Errors
    /// If the terminal went away.
    pub fn enter(&mut self) -> io::Result<()> {
        enable_raw_mode()?;
        self.entered.store(true, Ordering::SeqCst);
        execute!(self.terminal.backend_mut(), EnterAlternateScreen, EnableBracketedPaste, EnableFocusChange)?;
        self.capture_mouse(self.mouse)?;
        // Not `clear`, which asks where the cursor is and waits for an answer.
        let size = self.terminal.size()?;
        self.terminal.resize(Rect::from((Position::ORIGIN, size)))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // A frame that was begun and not finished: not to be begun after the terminal was left.
        let _ = execute!(self.terminal.backend_mut(), EndSynchronizedUpdate);
        leave(&self.entered);
    }
}

/// Gives the terminal back as it was found. A terminal that is gone needs nothing, hence no errors.
fn leave(entered: &AtomicBool) {
    if !entered.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut output = io::stdout();
    let _ = execute!(
        output,
        EndSynchronizedUpdate,
        DisableMouseCapture,
        DisableBracketedPaste,
        DisableFocusChange,
        LeaveAlternateScreen,
        Show
    );
    let _ = disable_raw_mode();
    let _ = output.flush();
}

/// A panic of this thread leaves the terminal before it is reported. That of another thread is left to
/// whoever waits for that thread, and goes to the log: printed, it would be drawn over.
fn leave_on_panic(entered: Arc<AtomicBool>) {
    let owner = thread::current().id();
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if thread::current().id() != owner && entered.load(Ordering::SeqCst) {
            tracing::error!("{panic}");
            return;
        }
        leave(&entered);
        report(panic);
    }));
}
