//! Turns requests into work for the two sides, and keeps what can be cancelled.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::protocol::{Event, JobId, Request, Side};
use super::resident::{Job, Resident};
use super::{loader, resident};
use crate::attention::{Capture, View};
use crate::model::{Cancel, LoadOptions};

/// Takes requests until all handles are gone; then cancels what is running.
pub async fn run(options: LoadOptions, mut inbox: mpsc::Receiver<Request>, events: mpsc::Sender<Event>) {
    let mut sides = Side::BOTH.map(|side| SideState {
        side,
        resident: resident::spawn(side, events.clone()),
        load: Cancel::new(),
        pass: Cancel::new(),
        newest: None,
    });
    while let Some(request) = inbox.recv().await {
        match request {
            Request::Load { side, reference } => sides[side.index()].load(reference, &options, &events),
            Request::Run { job, prompt } => {
                let prompt: Arc<str> = prompt.into();
                sides.iter_mut().for_each(|side| side.run(job, &prompt));
            }
            Request::View { side, job, capture, view } => compute_view(side, job, capture, view, &events),
            Request::CancelPasses => sides.iter().for_each(|side| side.pass.raise()),
            Request::Cancel => sides.iter().for_each(SideState::cancel),
        }
    }
    sides.iter().for_each(SideState::cancel);
}

struct SideState {
    side: Side,
    resident: Resident,
    load: Cancel,
    pass: Cancel,
    newest: Option<(JobId, Arc<str>)>,
}

impl SideState {
    /// Loads beside the resident model. An unfinished load of this side is of no use any more.
    fn load(&mut self, reference: String, options: &LoadOptions, events: &mpsc::Sender<Event>) {
        self.load.raise();
        self.load = Cancel::new();
        loader::spawn(
            self.side,
            reference,
            options.clone(),
            self.load.clone(),
            self.resident.clone(),
            events.clone(),
        );
        // Whoever stopped everything and now loads again wants to see something.
        if self.pass.is_raised()
            && let Some((job, prompt)) = self.newest.clone()
        {
            self.run(job, &prompt);
        }
    }

    /// Only the newest prompt counts.
    fn run(&mut self, job: JobId, prompt: &Arc<str>) {
        self.pass.raise();
        self.pass = Cancel::new();
        self.newest = Some((job, Arc::clone(prompt)));
        self.resident.run(Job { id: job, prompt: Arc::clone(prompt), cancel: self.pass.clone() });
    }

    fn cancel(&self) {
        self.load.raise();
        self.pass.raise();
    }
}

/// A head is milliseconds of work, but of a long prompt too many for an async thread.
fn compute_view(side: Side, job: JobId, capture: Arc<Capture>, view: View, events: &mpsc::Sender<Event>) {
    let events = events.clone();
    tokio::task::spawn_blocking(move || {
        let event = match capture.matrix(view) {
            Ok(matrix) => Event::Viewed { side, job, view, matrix: Arc::new(matrix) },
            Err(error) => Event::ViewFailed { side, job, view, error: error.to_string() },
        };
        // Nobody may be listening any more.
        let _ = events.blocking_send(event);
    });
}
