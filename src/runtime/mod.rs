//! The loop: events become actions, actions change the state, the state becomes a frame.

mod config;
mod editor;
mod export;
mod found;
mod frame;
mod history;
mod input;
mod screenshot;
mod signals;
mod source;

pub use config::ViewerConfig;
pub use frame::sync_layout;
pub use input::{action, typed};
pub use screenshot::screenshot;

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crossterm::event::Event as Input;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::app::{Action, Effect, State, update};
use crate::config::keys::{Command, Key};
use crate::terminal::{self, Answer, Inbox, Look, Patience, Report, Session, TerminalError};
use crate::theme::Theme;
use crate::ui::{self, Layout};
use crate::worker::WorkerHandle;
use crate::worker::protocol::Event;
use export::{Exporter, Target};
use signals::{Signal, Signals};

/// The least time from the beginning of a frame to the next one: of a progress, whose frames take their time from a pass.
const FRAME: Duration = Duration::from_millis(50);
/// The least time from a frame to one that somebody waits for, after a key or with what was asked for: it is not to
/// queue behind those of a progress.
const AWAITED_FRAME: Duration = Duration::from_millis(4);
/// How long the first frame waits for what the terminal says of itself. What it says later is shown later.
const ANSWER: Duration = Duration::from_millis(100);
/// The time between two turns of the spinner.
const TICK: Duration = Duration::from_millis(100);

/// Why the viewer stopped.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// There is no terminal, or it went away.
    #[error(transparent)]
    Terminal(#[from] TerminalError),
}

/// How the viewer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It was quit.
    Quit,
    /// It was told to, or its terminal is gone: the exit code for that.
    Signal(u8),
}

impl From<std::io::Error> for RuntimeError {
    fn from(error: std::io::Error) -> Self {
        Self::Terminal(error.into())
    }
}

/// Runs the viewer until it is quit, told to end, or its terminal is gone.
///
/// To be awaited on the thread that entered `main`, whose panics leave the terminal first. `told_to_end` hears the
/// numbers of the signals that are to end it.
///
/// # Errors
/// If there is no terminal, or it refuses.
pub async fn run(
    config: ViewerConfig,
    worker: WorkerHandle,
    events: mpsc::Receiver<Event>,
    told_to_end: mpsc::UnboundedReceiver<u8>,
) -> Result<Ending, RuntimeError> {
    let lease = Arc::new(OnceLock::new());
    let signals = Signals::new(Arc::clone(&lease), told_to_end)?;
    terminal::check(config.input_is_read)?;
    let look = Look::new(config.depth, config.background)?;
    let keys = config.keys.clone();
    // Those that type no character quit in every mode.
    let quits = move |key: Key| key.typed().is_none() && keys.command(key) == Some(Command::Quit);
    let (mut session, input) = Session::start(&look, config.mouse, &lease, quits)?;
    // Kept until the terminal is left: what comes until then is not for whoever has it next.
    let mut sources = Sources { input, signals, events };
    let ended = turn(&config, look, &mut session, &mut sources, &worker).await;
    match ended {
        // What the system refuses to do with a terminal that it let us take: that one is gone.
        Err(RuntimeError::Terminal(TerminalError::Io(error)))
            if session.is_gone() || error.raw_os_error().is_some() =>
        {
            tracing::warn!("the terminal is gone: {error}");
            session.leave(Patience::Hasty);
            Ok(Ending::Signal(signals::exit_code(Signal::HANG_UP)))
        }
        Ok(Ending::Signal(code)) => {
            session.leave(Patience::Hasty);
            Ok(Ending::Signal(code))
        }
        ended => {
            session.leave(Patience::Orderly);
            ended
        }
    }
}

/// Where the loop hears from.
struct Sources {
    input: Inbox,
    signals: Signals,
    events: mpsc::Receiver<Event>,
}

async fn turn(
    config: &ViewerConfig,
    mut look: Look,
    session: &mut Session,
    Sources { input, signals, events }: &mut Sources,
    worker: &WorkerHandle,
) -> Result<Ending, RuntimeError> {
    let mut theme = Theme::new(config.map, look.depth, look.background);
    let mut state = config.state();
    state.display.has_glyphs = theme.has_glyphs();
    let mut layout = Layout::default();
    let mut exporter = Exporter::default();
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);

    let mut actions = vec![Action::Start];
    let mut worker_is_there = true;
    let (mut changed, mut awaited, mut watched) = (true, false, true);
    // The first frame comes with the last answer, or then.
    let mut answered = Instant::now() + if look.asks() { ANSWER } else { Duration::ZERO };
    let mut drawn = None;
    let ending = 'viewer: loop {
        let mut failed = false;
        let mut pending: VecDeque<Action> = actions.drain(..).collect();
        while let Some(action) = pending.pop_front() {
            changed = true;
            let effects = update(&mut state, action);
            theme.show(state.display.color_map);
            for effect in effects {
                match effect {
                    Effect::Send(request) => failed |= worker.send(request).is_err(),
                    Effect::CaptureMouse(mouse) => session.capture_mouse(mouse)?,
                    Effect::Remember(prompt) => {
                        if let Some(path) = &config.history {
                            history::append(path, &prompt);
                        }
                    }
                    Effect::Export { side, content, format, file, replace } => {
                        let target = Target { file, format, replace };
                        exporter.start((side, content, target), &state, &theme, layout.area);
                    }
                    Effect::StopExport => exporter.stop(),
                    Effect::Copy(text) => session.copy(&text)?,
                    Effect::Redraw => session.enter()?,
                    Effect::EditElsewhere(text) => match editor::edit(&text, session, signals).await? {
                        editor::Ended::Text(text) => pending.push_back(Action::Edited(text)),
                        editor::Ended::Signal(number) => {
                            break 'viewer Ending::Signal(signals::exit_code(number));
                        }
                    },
                    Effect::ReadPromptFile => {
                        let text = editor::read_again(config.prompt_file.as_deref());
                        pending.push_back(Action::Reloaded(text));
                    }
                    #[cfg(unix)]
                    Effect::Suspend => {
                        session.leave(Patience::Orderly);
                        signals::stop_group()?;
                    }
                    #[cfg(not(unix))]
                    Effect::Suspend => {}
                    Effect::Quit => break 'viewer Ending::Quit,
                }
            }
        }
        if failed {
            // Nobody is there to send anything to.
            let _ = update(&mut state, Action::WorkerGone);
        }
        let due = drawn.map_or(answered, |at| at + if awaited { AWAITED_FRAME } else { FRAME });
        let is_ready = session.is_ready();
        if changed && is_ready && Instant::now() >= due {
            if drawn.is_none() {
                // A terminal that takes a question for text has written it there.
                session.clear()?;
            }
            (drawn, changed, awaited) = (Some(Instant::now()), false, false);
            layout = draw(session, &mut state, &theme)?;
        }
        tokio::select! {
            signal = signals.next() => match signal {
                Signal::End(number) => break Ending::Signal(signals::exit_code(number)),
                Signal::Stop => {
                    session.suspend()?;
                    changed = true;
                }
                Signal::Continued => {
                    session.enter()?;
                    changed = true;
                }
                Signal::Resized => changed = true,
            },
            report = input.next(input::takes_text(&state)) => match report {
                Some(Report::Text(text)) => {
                    actions.extend(input::typed(text, &state));
                    awaited |= !actions.is_empty();
                }
                // One at a time: what a key means depends on what the one before it did.
                Some(Report::Event(event)) => {
                    actions.extend(input::action(&event, &state, &layout));
                    awaited |= !actions.is_empty();
                    match event {
                        Input::FocusGained => watched = true,
                        Input::FocusLost => watched = false,
                        _ => {}
                    }
                }
                Some(Report::Answer(answer)) => {
                    if answer == Answer::Last {
                        answered = Instant::now();
                    }
                    if look.hear(answer) {
                        theme = Theme::new(state.display.color_map, look.depth, look.background);
                        state.display.has_glyphs = theme.has_glyphs();
                        (changed, awaited) = (true, true);
                    }
                }
                None => break Ending::Signal(signals::exit_code(Signal::HANG_UP)),
            },
            event = events.recv(), if worker_is_there => {
                worker_is_there = event.is_some();
                if event.is_none() {
                    actions.push(Action::WorkerGone);
                }
                let more = std::iter::from_fn(|| events.try_recv().ok());
                for event in event.into_iter().chain(more) {
                    awaited |= !event.is_progress();
                    actions.push(Action::Worker(event));
                }
            },
            exported = exporter.done() => actions.push(Action::Exported(exported)),
            // A spinner that nobody watches needs no frames; whatever else changes is drawn all the same.
            _ = ticks.tick(), if state.wants_ticks() && (watched || state.editor.pause.is_some()) => actions.push(Action::Tick),
            () = session.ready(), if changed && !is_ready => {},
            () = sleep_until(due), if changed && is_ready => {},
        }
    };
    exporter.end().await;
    Ok(ending)
}

fn draw(session: &mut Session, state: &mut State, theme: &Theme) -> Result<Layout, RuntimeError> {
    let mut layout = Layout::default();
    session.draw(|frame| {
        layout = sync_layout(state, frame.area());
        ui::draw(state, &layout, theme, frame);
    })?;
    Ok(layout)
}
