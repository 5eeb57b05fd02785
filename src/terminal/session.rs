//! The terminal while it is ours: entered, drawn to, and left as it was found on every way out.

use std::io::{self, IsTerminal, Write};
use std::panic;
use std::sync::{Arc, OnceLock};
use std::thread;

use crossterm::event::{DisableMouseCapture, EnableBracketedPaste, EnableFocusChange, EnableMouseCapture};
use crossterm::style::{Print, force_color_output};
use crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, size};
use crossterm::{execute, queue};
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Frame, Terminal, TerminalOptions, Viewport};

use super::answers;
use super::error::TerminalError;
use super::events::{self, Line};
use super::inbox::Inbox;
use super::lease::{self, Lease, Patience};
use super::look::Look;
use super::output::{Output, Pipe};
use super::watcher::Watcher;
use super::{ascii, clipboard};
use crate::config::keys::Key;

/// Columns and rows that are drawn to, at most: what a terminal says of itself is not believed without a limit.
const LARGEST: (u16, u16) = (1500, 500);

/// Whether there is a terminal at all; to be asked before anything is asked of it. Keys may come from the terminal
/// itself, if standard input was something else that is read already.
///
/// # Errors
/// If input or output is none.
pub fn check(input_is_read: bool) -> Result<(), TerminalError> {
    if (input_is_read || io::stdin().is_terminal()) && io::stdout().is_terminal() {
        Ok(())
    } else {
        Err(TerminalError::NoTerminal)
    }
}

/// The terminal while it is ours. Dropping it gives the terminal back.
pub struct Session {
    terminal: Terminal<CrosstermBackend<Output>>,
    pipe: Arc<Pipe>,
    line: Arc<Line>,
    lease: Lease,
    mouse: bool,
    ascii: bool,
    /// The size of the last frame.
    area: Rect,
}

impl Session {
    /// Takes the terminal, asks it what is not known of it yet, and returns what it reports from now on. What gives the
    /// terminal back is in `given` before anything is changed about it, for whoever may have to. `quits` says whether a
    /// key ends the program, whatever it is at: such a key doesn't wait for what was sent before it.
    ///
    /// # Errors
    /// If there is none, others have it, or it refuses.
    pub fn start(
        look: &Look,
        mouse: bool,
        given: &OnceLock<Option<Lease>>,
        quits: impl Fn(Key) -> bool + Send + 'static,
    ) -> Result<(Self, Inbox), TerminalError> {
        wait_for_foreground()?;
        let watcher = Watcher::start(&lease::sequences());
        // Whether there are colours is our decision: it has one of its own, by other rules.
        force_color_output(true);
        let (pipe, line) = (Pipe::to_stdout()?, Arc::new(Line::default()));
        let backend = CrosstermBackend::new(Output::new(Arc::clone(&pipe)));
        let area = screen()?;
        let viewport = Viewport::Fixed(area);
        let terminal = Terminal::with_options(backend, TerminalOptions { viewport })?;
        watcher.ready();
        let lease = Lease::new(Arc::clone(&pipe), Arc::clone(&line), watcher);
        leave_on_panic(lease.clone());
        if given.get_or_init(|| Some(lease.clone())).is_none() {
            // Whoever ends the process has found nothing to give back, so that nothing is taken any more.
            lease.leave(Patience::Hasty);
        }
        let mut session = Self { terminal, pipe, line, lease, mouse, ascii: look.ascii, area };
        session.enter()?;
        session.ask(look)?;
        let reports = events::reports(Arc::clone(&session.line), quits)?;
        Ok((session, reports))
    }

    fn ask(&mut self, look: &Look) -> io::Result<()> {
        let questions = look.questions();
        if questions.is_empty() {
            return Ok(());
        }
        self.line.asked();
        execute!(self.terminal.backend_mut(), Print(questions), Print(answers::LAST))
    }

    /// The size of the screen.
    ///
    /// # Errors
    /// If the terminal went away.
    pub fn area(&self) -> io::Result<Rect> {
        screen()
    }

    /// Whether the frame before is with the terminal, so that the next one can be drawn.
    pub fn is_ready(&self) -> bool {
        self.pipe.is_idle()
    }

    /// Whether the terminal is gone: what was written to it came back.
    pub fn is_gone(&self) -> bool {
        self.pipe.is_gone()
    }

    /// Waits until it is.
    pub async fn ready(&self) {
        self.pipe.idle().await;
    }

    /// Draws a frame; the terminal shows it at once or not at all.
    ///
    /// # Errors
    /// If the terminal went away.
    pub fn draw(&mut self, render: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        if self.pipe.is_gone() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        if !self.lease.is_taken() {
            return Ok(());
        }
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        let area = screen()?;
        if area != self.area {
            self.resize(area)?;
        }
        let ascii = self.ascii;
        self.terminal.draw(|frame| {
            render(frame);
            if ascii {
                ascii::spell(frame.buffer_mut());
            }
        })?;
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)
    }

    /// Has the next frame drawn whole, whatever is on the screen.
    ///
    /// # Errors
    /// If the terminal went away.
    pub fn clear(&mut self) -> io::Result<()> {
        self.resize(screen()?)
    }

    fn resize(&mut self, area: Rect) -> io::Result<()> {
        self.area = area;
        // Not `clear`, which asks where the cursor is and waits for an answer.
        self.terminal.resize(area)
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
    pub fn leave(&self, patience: Patience) {
        self.lease.leave(patience);
    }

    /// Gives the terminal to the shell until this process is continued. In a terminal that runs nothing but
    /// this there is no shell that could continue it, and it goes on at once.
    ///
    /// # Errors
    /// If the terminal went away.
    pub fn suspend(&mut self) -> io::Result<()> {
        self.leave(Patience::Orderly);
        self.stop()?;
        self.enter()
    }

    /// Gives the terminal to another program until it is [taken](Self::enter) again: nothing is drawn, and what is typed
    /// is left to that program.
    pub fn lend(&self, patience: Patience) {
        self.lease.leave(patience);
        self.line.lend();
    }

    /// Stops this process until it is continued, the terminal being given to others already.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn stop(&self) -> io::Result<()> {
        #[cfg(unix)]
        {
            use rustix::process::{Signal, getpid, getsid, kill_process};
            if getsid(None)? != getpid() {
                // Not TSTP, which is listened to: that is how one comes here.
                kill_process(getpid(), Signal::STOP)?;
            }
        }
        Ok(())
    }

    /// Takes the terminal again, whatever the shell did to it, and draws it anew.
    ///
    /// # Errors
    /// If the terminal went away.
    pub fn enter(&mut self) -> io::Result<()> {
        self.lease.take()?;
        execute!(self.terminal.backend_mut(), EnterAlternateScreen, EnableBracketedPaste, EnableFocusChange)?;
        self.capture_mouse(self.mouse)?;
        self.clear()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.lease.leave(Patience::Orderly);
    }
}

/// The screen, as far as it is drawn to.
fn screen() -> io::Result<Rect> {
    let (columns, rows) = size()?;
    Ok(Rect::new(0, 0, columns.min(LARGEST.0), rows.min(LARGEST.1)))
}

/// Has the shell stop a process that it started in the background, as it does with others that change the terminal:
/// nothing is asked and nothing drawn until it is in the foreground.
///
/// # Errors
/// If it stays in the background, as where the shell doesn't stop anybody.
fn wait_for_foreground() -> Result<(), TerminalError> {
    #[cfg(unix)]
    {
        use rustix::process::{Signal, getpgrp, kill_current_process_group};
        // A terminal that is not our own has no foreground.
        let is_behind = || rustix::termios::tcgetpgrp(io::stdout()).is_ok_and(|group| group != getpgrp());
        if is_behind() {
            kill_current_process_group(Signal::TTOU).map_err(io::Error::from)?;
            if is_behind() {
                return Err(TerminalError::Background);
            }
        }
    }
    Ok(())
}

/// A panic of this thread leaves the terminal before it is reported. That of another thread is left to
/// whoever waits for that thread, and goes to the log: printed, it would be drawn over.
fn leave_on_panic(lease: Lease) {
    let owner = thread::current().id();
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if thread::current().id() != owner && lease.is_taken() {
            tracing::error!("{panic}");
            return;
        }
        lease.leave(Patience::Hasty);
        report(panic);
    }));
}
