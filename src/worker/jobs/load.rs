//! A load, on a thread of its own: from a name to a model that is handed to the coordinator.

use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use crate::model::{
    Control, Footprint, LoadOptions, LoadProgress, MemoryFit, Model, ModelError, Reference, files,
    open_device,
};
use crate::worker::error::WorkerError;
use crate::worker::guard::{guarded, spawn_thread};
use crate::worker::job::report;
use crate::worker::latest_job::Ticket;
use crate::worker::protocol::{Event, Slot};

/// Time between two reports of progress of the same kind.
const REPORT_EVERY: Duration = Duration::from_millis(50);

/// A model to load into a slot. The newest one counts.
pub struct LoadJob {
    /// The slot.
    pub slot: Slot,
    /// The model as it was asked for.
    pub reference: String,
    /// How to load it.
    pub options: LoadOptions,
    /// Says when to stop.
    pub ticket: Ticket,
    /// Bytes that the model in its place takes; 0 if there is none.
    pub replaced_bytes: u64,
}

/// What the coordinator hears of a load.
pub struct LoadEvent {
    /// The slot.
    pub slot: Slot,
    /// The ticket of the load, which may have been superseded since.
    pub ticket: Ticket,
    /// How the load stands.
    pub stage: LoadStage,
}

/// How a load stands.
pub enum LoadStage {
    /// There is no memory for two models. The load goes on when the promise is kept, and ends when it is dropped.
    NeedsRoom(oneshot::Sender<()>),
    /// The load is over.
    Ended(Result<Box<Model>, WorkerError>),
}

/// Starts a load. The front end hears of its progress, the coordinator of everything else.
///
/// # Errors
/// If the system gives no thread for it.
pub fn spawn(
    load: LoadJob,
    loads: mpsc::Sender<LoadEvent>,
    events: mpsc::Sender<Event>,
) -> Result<(), WorkerError> {
    spawn_thread(format!("attnscope-load-{}", load.slot), move || {
        let mut progress = reporter(load.slot, events);
        let mut control = Control { cancel: load.ticket.cancel().clone(), progress: &mut progress };
        let ended = guarded(|| Ok(run(&load, &loads, &mut control)?));
        // If the coordinator is gone, so is everybody who wants a model.
        let _ = loads.blocking_send(load.event(LoadStage::Ended(ended.map(Box::new))));
    })
}

impl LoadJob {
    fn event(&self, stage: LoadStage) -> LoadEvent {
        LoadEvent { slot: self.slot, ticket: self.ticket.clone(), stage }
    }
}

fn run(
    load: &LoadJob,
    loads: &mpsc::Sender<LoadEvent>,
    control: &mut Control<'_>,
) -> Result<Model, ModelError> {
    let reference: Reference = load.reference.parse()?;
    if load.replaced_bytes > 0 {
        // The model in its place stays as long as it can: not before every file is here is known what is needed.
        files::locate(&reference, load.options.offline, &load.options.consent, control)?;
        let needed = Footprint::of(&reference, &load.options)?.resident_bytes;
        let free = open_device(load.options.device)?.free_bytes();
        if MemoryFit::of(Some(needed), free, load.replaced_bytes) == MemoryFit::Instead {
            make_room(load, loads)?;
        }
    }
    Model::load(&reference, &load.options, control)
}

/// Waits until the model in its place is gone.
fn make_room(load: &LoadJob, loads: &mpsc::Sender<LoadEvent>) -> Result<(), ModelError> {
    let (promise, gone) = oneshot::channel();
    let event = load.event(LoadStage::NeedsRoom(promise));
    loads.blocking_send(event).map_err(|_| ModelError::Cancelled)?;
    gone.blocking_recv().map_err(|_| ModelError::Cancelled)
}

/// Passes progress on, but not so often that drawing it would be the main work.
fn reporter(slot: Slot, events: mpsc::Sender<Event>) -> impl FnMut(LoadProgress) {
    let mut last: Option<(Instant, std::mem::Discriminant<LoadProgress>)> = None;
    move |progress| {
        let kind = std::mem::discriminant(&progress);
        let is_new = last.is_none_or(|(at, last)| last != kind || at.elapsed() >= REPORT_EVERY);
        if is_new {
            last = Some((Instant::now(), kind));
            report(&events, Event::Loading { slot, progress });
        }
    }
}
