//! The loop: events become actions, actions change the state, the state becomes a frame.

mod export;
mod history;
mod input;
mod screenshot;
mod signals;

pub use input::action;
pub use screenshot::screenshot;

use std::path::PathBuf;
use std::time::Duration;

use crossterm::event::Event as Input;
use ratatui::layout::Rect;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::app::{Action, Effect, State, update};
use crate::config::keys::Keys;
use crate::terminal::{self, Session, TerminalError};
use crate::theme::{Background, ColorDepth, ColorMap, Theme};
use crate::ui::{self, Layout};
use crate::worker::WorkerHandle;
use crate::worker::protocol::{ConfiguredPair, Event, Sampling, Side};
use export::{Exporter, Target};
use signals::{Signal, Signals};

/// The least time between two frames.
const FRAME: Duration = Duration::from_millis(16);
/// The least time from a frame to one that somebody waits for, after a key or with what was asked for: it is not to
/// queue behind those of a progress.
const AWAITED_FRAME: Duration = Duration::from_millis(4);
/// The time between two turns of the spinner.
const TICK: Duration = Duration::from_millis(100);

/// What the viewer starts with.
#[derive(Debug, Clone)]
pub struct ViewerConfig {
    /// The left model: `demo:gpt2`.
    pub left: String,
    /// The right model; nothing to look at the left one alone.
    pub right: Option<String>,
    /// The first prompt.
    pub prompt: String,
    /// What keys do.
    pub keys: Keys,
    /// How values become colours.
    pub map: ColorMap,
    /// How many colours there are; asked of the terminal if not given.
    pub depth: Option<ColorDepth>,
    /// What is behind the text; asked of the terminal if not given.
    pub background: Option<Background>,
    /// Whether to take the mouse.
    pub mouse: bool,
    /// Whether prompts run as they are typed.
    pub live: bool,
    /// By which rule next tokens are drawn.
    pub sampling: Sampling,
    /// Whether the prompt grows by those that are drawn.
    pub drawn: bool,
    /// The configured pairs, which the model picker offers.
    pub pairs: Vec<ConfiguredPair>,
    /// The file that keeps prompts from run to run, if any does.
    pub history: Option<PathBuf>,
}

/// Why the viewer stopped.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// There is no terminal, or it went away.
    #[error(transparent)]
    Terminal(#[from] TerminalError),
}

impl From<std::io::Error> for RuntimeError {
    fn from(error: std::io::Error) -> Self {
        Self::Terminal(error.into())
    }
}

impl ViewerConfig {
    fn state(&self) -> State {
        let Self { left, right, prompt, keys, mouse, pairs, history, .. } = self.clone();
        let mut state = match right {
            Some(right) => State::new(left, right, prompt, keys, mouse),
            None => State::of_one_model(left, prompt, keys, mouse),
        };
        (state.live, state.sampling, state.drawn) = (self.live, self.sampling, self.drawn);
        state.pairs = pairs;
        state.history = history.as_deref().map(history::load).unwrap_or_default();
        state
    }
}

/// Runs the viewer until it is quit.
///
/// To be awaited on the thread that entered `main`, whose panics leave the terminal first.
///
/// # Errors
/// If there is no terminal, or it went away.
pub async fn run(
    config: ViewerConfig,
    worker: WorkerHandle,
    mut events: mpsc::Receiver<Event>,
) -> Result<(), RuntimeError> {
    terminal::check()?;
    let depth = config.depth.unwrap_or_else(terminal::color_depth);
    let background = config.background.unwrap_or_else(terminal::background);
    let mut theme = Theme::new(config.map, depth, background);
    let mut signals = Signals::new()?;
    let mut session = Session::start(config.mouse)?;
    let mut input = terminal::events()?;
    let mut state = config.state();
    let mut layout = draw(&mut session, &mut state, &theme)?;
    let mut drawn = Instant::now();
    let mut exporter = Exporter::default();
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);

    let mut actions = vec![Action::Start];
    let mut worker_is_there = true;
    let (mut changed, mut awaited, mut watched) = (false, false, true);
    'viewer: loop {
        let mut failed = false;
        for action in actions.drain(..) {
            changed = true;
            for effect in update(&mut state, action) {
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
                    Effect::NextColorMap => theme = theme.with_next_map(),
                    Effect::Redraw => session.enter()?,
                    #[cfg(unix)]
                    Effect::Suspend => {
                        session.leave();
                        signals::stop_group()?;
                    }
                    #[cfg(not(unix))]
                    Effect::Suspend => {}
                    Effect::Quit => break 'viewer,
                }
            }
        }
        if failed {
            update(&mut state, Action::WorkerGone);
        }
        let due = drawn + if awaited { AWAITED_FRAME } else { FRAME };
        if changed && Instant::now() >= due {
            layout = draw(&mut session, &mut state, &theme)?;
            (drawn, changed, awaited) = (Instant::now(), false, false);
        }
        tokio::select! {
            signal = signals.next() => match signal {
                Signal::Quit => break,
                Signal::Stop => {
                    session.suspend()?;
                    changed = true;
                }
                Signal::Continued => {
                    session.enter()?;
                    changed = true;
                }
            },
            event = input.recv() => {
                // One at a time: what a key means depends on what the one before it did.
                let Some(event) = event else { break };
                actions.extend(input::action(&event, &state, &layout));
                awaited |= !actions.is_empty();
                match event {
                    Input::Resize(..) => changed = true,
                    Input::FocusGained => watched = true,
                    Input::FocusLost => watched = false,
                    _ => {}
                }
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
            _ = ticks.tick(), if state.wants_ticks() && (watched || state.pause.is_some()) => actions.push(Action::Tick),
            () = sleep_until(due), if changed => {},
        }
    }
    exporter.end().await;
    Ok(())
}

fn draw(session: &mut Session, state: &mut State, theme: &Theme) -> Result<Layout, RuntimeError> {
    let mut layout = Layout::default();
    session.draw(|frame| {
        settle(state, frame.area());
        layout = ui::draw(state, theme, frame);
    })?;
    Ok(layout)
}

/// Tells the state how much there is room for on a screen of that size, as before every frame.
pub fn settle(state: &mut State, area: Rect) {
    let layout = ui::layout(state, area);
    if layout.help_overflow != state.help_overflow {
        update(state, Action::HelpOverflow(layout.help_overflow));
    }
    if let (Some(placed), Some(difference)) = (&layout.difference, &state.difference)
        && placed.grid.viewport != difference.viewport
    {
        update(state, Action::DifferenceViewport(placed.grid.viewport));
    }
    for side in Side::BOTH {
        if let Some(viewport) =
            layout.viewport(side).filter(|viewport| *viewport != state.pane(side).viewport)
        {
            update(state, Action::Viewport { side, viewport });
        }
    }
}
