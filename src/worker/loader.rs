//! One load, on a thread of its own: from a name to a model that is handed to the coordinator.

use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::protocol::{Event, Side};
use super::resident;
use crate::model::{
    Cancel, Control, Footprint, LoadOptions, LoadProgress, MemoryFit, Model, ModelError, Reference, files,
    free_bytes, open_device,
};

/// Time between two reports of progress of the same kind.
const REPORT_EVERY: Duration = Duration::from_millis(50);

/// What to load.
pub struct Load {
    /// Where to.
    pub side: Side,
    /// Larger than that of any load of that side before.
    pub number: u64,
    /// As it was asked for.
    pub reference: String,
    /// How.
    pub options: LoadOptions,
    /// Raised to stop it.
    pub cancel: Cancel,
    /// Bytes that the model in its place takes.
    pub replaced_bytes: u64,
}

/// What the coordinator hears of a load.
pub struct Report {
    /// Of which side.
    pub side: Side,
    /// Of which load.
    pub number: u64,
    /// What.
    pub news: News,
}

/// How a load stands.
pub enum News {
    /// There is no memory for two: goes on once the model in its place is gone, ends if nobody promises that.
    NeedsRoom(oneshot::Sender<()>),
    /// It is over.
    Ended(Result<Box<Model>, ModelError>),
}

/// Starts a load. Progress is told to the front end, everything else to the coordinator.
///
/// # Errors
/// If the system gives no thread for it.
pub fn spawn(
    load: Load,
    reports: mpsc::Sender<Report>,
    events: mpsc::Sender<Event>,
) -> Result<(), ModelError> {
    let spawned = resident::spawn_thread(format!("attnscope-load-{}", load.side), move || {
        let mut progress = reporter(load.side, events);
        let mut control = Control { cancel: load.cancel.clone(), progress: &mut progress };
        let ended = resident::guarded(|| run(&load, &reports, &mut control));
        let news = News::Ended(ended.map(Box::new));
        // If the coordinator is gone, so is everybody who wants a model.
        let _ = reports.blocking_send(Report { side: load.side, number: load.number, news });
    });
    spawned.map_err(|error| ModelError::Invalid(format!("can't start a thread to load with: {error}")))
}

fn run(load: &Load, reports: &mpsc::Sender<Report>, control: &mut Control<'_>) -> Result<Model, ModelError> {
    let reference: Reference = load.reference.parse()?;
    if load.replaced_bytes > 0 {
        // The model in its place stays as long as it can: not before every file is here is known what is needed.
        files::locate(&reference, load.options.offline, &load.options.consent, control)?;
        let needed = Footprint::of(&reference, &load.options)?.resident_bytes;
        let free = free_bytes(&open_device(load.options.device)?);
        if MemoryFit::of(Some(needed), free, load.replaced_bytes) == MemoryFit::Instead {
            make_room(load, reports)?;
        }
    }
    Model::load(&reference, &load.options, control)
}

/// Waits until the model in its place is gone.
fn make_room(load: &Load, reports: &mpsc::Sender<Report>) -> Result<(), ModelError> {
    let (promise, gone) = oneshot::channel();
    let report = Report { side: load.side, number: load.number, news: News::NeedsRoom(promise) };
    reports.blocking_send(report).map_err(|_| ModelError::Cancelled)?;
    gone.blocking_recv().map_err(|_| ModelError::Cancelled)
}

/// Passes progress on, but not so often that drawing it would be the main work.
fn reporter(side: Side, events: mpsc::Sender<Event>) -> impl FnMut(LoadProgress) {
    let mut last: Option<(Instant, std::mem::Discriminant<LoadProgress>)> = None;
    move |progress| {
        let kind = std::mem::discriminant(&progress);
        let is_new = last.is_none_or(|(at, last)| last != kind || at.elapsed() >= REPORT_EVERY);
        if is_new {
            last = Some((Instant::now(), kind));
            // Progress that finds no room is old news by the time there is some.
            let _ = events.try_send(Event::Loading { side, progress });
        }
    }
}
