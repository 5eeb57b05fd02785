//! A side's thread: owns the resident model and runs the newest prompt through it.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc as std_mpsc;

use tokio::sync::{mpsc, oneshot};

use super::lens::{Asked, Lenses};
use super::protocol::{Event, JobId, Side};
use super::scoring::{Scoring, Wanted};
use crate::attention::{Ablation, Capture};
use crate::model::{Cancel, Model, ModelError, Sampling};

/// A prompt to run.
#[derive(Debug, Clone)]
pub struct Job {
    /// Echoed in events.
    pub id: JobId,
    /// The text.
    pub prompt: Arc<str>,
    /// By which rule a next token is drawn.
    pub sampling: Sampling,
    /// Heads that are off.
    pub ablation: Ablation,
    /// Raised when a newer prompt is there.
    pub cancel: Cancel,
}

/// The way to a side's thread.
#[derive(Debug, Clone)]
pub struct Resident {
    commands: std_mpsc::Sender<Command>,
}

/// The newest pass with all heads on: what comes before any without some.
struct Whole {
    prompt: Arc<str>,
    sampling: Sampling,
    capture: Arc<Capture>,
}

enum Command {
    Replace(Box<Model>),
    Unload(oneshot::Sender<()>),
    Run(Job),
    Prepare(Job),
    Score(Wanted),
    Look(Asked),
    ForgetLens,
}

impl Resident {
    /// Gives the thread another model; it then runs the newest prompt through it.
    pub fn replace(&self, model: Box<Model>) {
        // The thread ends only when all senders are gone.
        let _ = self.commands.send(Command::Replace(model));
    }

    /// Takes the thread's model from it, and keeps `promise` when that is gone.
    pub fn unload(&self, promise: oneshot::Sender<()>) {
        let _ = self.commands.send(Command::Unload(promise));
    }

    /// Gives the thread a prompt for the next model; the one that is there doesn't run it.
    pub fn prepare(&self, job: Job) {
        let _ = self.commands.send(Command::Prepare(job));
    }

    /// Asks the thread for the scores of a model's heads.
    pub fn score(&self, wanted: Wanted) {
        let _ = self.commands.send(Command::Score(wanted));
    }

    /// Asks the thread what layers would predict.
    pub fn look(&self, asked: Asked) {
        let _ = self.commands.send(Command::Look(asked));
    }

    /// Lets the thread keep nothing for such questions.
    pub fn forget_lens(&self) {
        let _ = self.commands.send(Command::ForgetLens);
    }

    /// Gives the thread a prompt.
    pub fn run(&self, job: Job) {
        let _ = self.commands.send(Command::Run(job));
    }
}

/// Starts a side's thread. It ends when every [`Resident`] of it is dropped.
pub fn spawn(side: Side, events: mpsc::Sender<Event>) -> Resident {
    let (commands, inbox) = std_mpsc::channel();
    let spawned = spawn_thread(format!("attnscope-{side}"), move || {
        let mut model: Option<Model> = None;
        let mut newest: Option<Job> = None;
        let mut whole: Option<Whole> = None;
        let mut scoring = Scoring::default();
        let mut lenses = Lenses::default();
        loop {
            // Where something else is due, nobody is waited for.
            let first = if lenses.is_due() || scoring.is_due(model.as_ref()) {
                match inbox.try_recv() {
                    Err(std_mpsc::TryRecvError::Disconnected) => return,
                    received => received.ok(),
                }
            } else {
                let Ok(command) = inbox.recv() else { return };
                Some(command)
            };
            // What has piled up during a pass counts as one step: the last model, the last prompt.
            let mut is_due = false;
            for command in first.into_iter().chain(inbox.try_iter()) {
                match command {
                    Command::Replace(new) => {
                        (model, whole, is_due) = (Some(*new), None, true);
                        scoring.forget();
                        lenses.forget();
                    }
                    Command::Unload(promise) => {
                        (model, whole) = (None, None);
                        scoring.forget();
                        lenses.forget();
                        let _ = events.blocking_send(Event::Unloaded { side });
                        // Whoever waits for it may have given up.
                        let _ = promise.send(());
                    }
                    Command::Run(job) => (newest, is_due) = (Some(job), true),
                    Command::Prepare(job) => newest = Some(job),
                    Command::Score(wanted) => scoring.want(wanted),
                    Command::Look(asked) => lenses.ask(asked),
                    Command::ForgetLens => lenses.forget(),
                }
            }
            match (&model, &newest) {
                (Some(model), Some(job)) if is_due => {
                    let _ = events.blocking_send(run(side, model, job, &mut whole, &events));
                }
                (model, _) if lenses.is_due() => lenses.step(model.as_ref(), &events),
                (Some(model), _) if scoring.is_due(Some(model)) => scoring.step(side, model, &events),
                _ => {}
            }
        }
    });
    if let Err(error) = spawned {
        tracing::error!("can't start the thread of the {side} side: {error}");
    }
    Resident { commands }
}

/// Runs a prompt with all heads on, and then without those that are off. What was run last is not run again.
fn run(
    side: Side,
    model: &Model,
    job: &Job,
    whole: &mut Option<Whole>,
    events: &mpsc::Sender<Event>,
) -> Event {
    let layers = model.info().layers;
    let mut report = |layer| {
        let _ = events.try_send(Event::Running { side, job: job.id, layer, layers });
    };
    report(0);
    let mut pass = |ablation: &Ablation| {
        let tokens = model.tokenize(&job.prompt)?;
        let mut capture = model.run_without(tokens, ablation, &job.cancel, &mut report)?;
        if model.info().has_output_head {
            capture.drawn = Some(model.draw(&capture, job.sampling)?);
        }
        Ok::<_, ModelError>(capture)
    };
    let capture = guarded(|| {
        let is_same = |whole: &Whole| whole.prompt == job.prompt && whole.sampling == job.sampling;
        let capture = match whole.take().filter(is_same) {
            Some(whole) => whole.capture,
            None => Arc::new(pass(&Ablation::default())?),
        };
        let (prompt, sampling) = (job.prompt.clone(), job.sampling);
        *whole = Some(Whole { prompt, sampling, capture: capture.clone() });
        if job.ablation.is_empty() {
            return Ok(capture);
        }
        Ok(Arc::new(Capture { before: Some(capture), ..pass(&job.ablation)? }))
    });
    match capture {
        Ok(capture) => Event::Captured { side, job: job.id, capture },
        Err(ModelError::Cancelled) => Event::Cancelled { side, job: job.id },
        Err(error) => Event::RunFailed { side, job: job.id, error: error.to_string() },
    }
}

/// Runs `work`; a panic in it, which would be our mistake or a library's, becomes an error of this side alone.
pub fn guarded<T>(work: impl FnOnce() -> Result<T, ModelError>) -> Result<T, ModelError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        Err(ModelError::Invalid(format!("internal error: {}: please report it", panic_message(&*panic))))
    })
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("panic")
}

/// Starts a named thread.
///
/// # Errors
/// If the system gives none.
pub fn spawn_thread(name: String, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new().name(name).spawn(work).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error() {
        let result: Result<(), _> = guarded(|| panic!("shape {}", 3));
        let message = result.unwrap_err().to_string();
        assert!(message.contains("shape 3"), "{message}");
    }
}
