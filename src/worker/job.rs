//! What a job is: something that the front end asks for and that takes a while.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::caches::Caches;
use super::error::WorkerError;
use super::latest_job::Key;
use super::protocol::Event;
use crate::attention::ModelInfo;
use crate::model::{Cancel, LoadOptions, Model};

/// What every job says of itself.
pub trait Job: Send + 'static {
    /// Says which jobs replace each other, and how urgent this one is.
    fn key(&self) -> Key;

    /// The answer where the job has failed or was stopped, for whoever asked. A job that a newer one replaces isn't
    /// answered.
    fn failed(&self, error: WorkerError) -> Event;
}

/// A job that needs no model: it runs on a thread of its own, one job of a key at a time.
pub trait PoolJob: Job {
    /// Does it, and answers.
    ///
    /// # Errors
    /// What went wrong, or [`WorkerError::Cancelled`] if it stopped when it was cancelled.
    fn run(&self, options: &LoadOptions, cancel: &Cancel) -> Result<Event, WorkerError>;
}

/// A job that needs the model of a slot: it runs on the slot's thread, a step at a time, between more urgent ones.
pub trait SlotJob: Job {
    /// Whether it can begin with this resident model, or without one. Until then it waits.
    fn is_ready(&self, model: Option<&Model>) -> bool;

    /// Does the next step. A step that is stopped so that a more urgent job goes first is done again later.
    ///
    /// # Errors
    /// What went wrong, or [`WorkerError::Cancelled`] if it stopped when the context was cancelled.
    fn step(&mut self, context: &mut StepContext<'_>) -> Result<Progress, WorkerError>;
}

/// How far a job is after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// There is more to do.
    More,
    /// It is done, and answered.
    Done,
}

/// What a step works with.
pub struct StepContext<'a> {
    /// The resident model.
    pub model: Option<&'a Model>,
    /// What jobs keep of it.
    pub caches: &'a mut Caches,
    /// Raised when the step is to stop.
    pub cancel: &'a Cancel,
    /// The way to the front end.
    pub events: &'a mpsc::Sender<Event>,
}

impl<'a> StepContext<'a> {
    /// The resident model, if it is the one that a job is about.
    ///
    /// # Errors
    /// If that one is gone.
    pub fn model_of(&self, info: &Arc<ModelInfo>) -> Result<&'a Model, WorkerError> {
        let model = self.model.filter(|model| model.info() == info);
        model.ok_or_else(|| WorkerError::ModelGone(info.name.clone()))
    }

    /// Answers, and waits until there is room for it. Nobody may be listening any more.
    pub fn answer(&self, event: Event) {
        let _ = self.events.blocking_send(event);
    }
}

/// Says how far something has come, if there is room: such an event is old by the time that there is some.
pub fn report(events: &mpsc::Sender<Event>, event: Event) {
    let _ = events.try_send(event);
}
