//! Turns requests into work for the two sides, and keeps what can be cancelled.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::protocol::{Event, Request, Side};
use super::resident::{Job, Resident};
use super::scoring::Wanted;
use super::{loader, resident};
use crate::attention::similar::similar_heads;
use crate::attention::{Capture, ModelCard, View};
use crate::model::{Cancel, LoadOptions};

/// Takes requests until all handles are gone; then cancels what is running.
pub async fn run(options: LoadOptions, mut inbox: mpsc::Receiver<Request>, events: mpsc::Sender<Event>) {
    let mut sides = Side::BOTH.map(|side| SideState {
        side,
        resident: resident::spawn(side, events.clone()),
        load: Cancel::new(),
        pass: Cancel::new(),
        newest: None,
        wanted: None,
    });
    while let Some(request) = inbox.recv().await {
        match request {
            Request::Load { side, reference } => sides[side.index()].load(reference, &options, &events),
            Request::Run { job, prompt, sampling } => {
                let job = Job { id: job, prompt: prompt.into(), sampling, cancel: Cancel::new() };
                sides.iter_mut().for_each(|side| side.run(&job));
            }
            Request::Score { side, model } => sides[side.index()].score(model),
            Request::Similar { captures, side, head } => compare_heads(captures, (side, head), &events),
            Request::View { capture, view } => compute_view(capture, view, &events),
            Request::CancelPasses => sides.iter().for_each(|side| side.pass.raise()),
            Request::Cancel => sides.iter_mut().for_each(SideState::cancel),
        }
    }
    sides.iter_mut().for_each(SideState::cancel);
}

struct SideState {
    side: Side,
    resident: Resident,
    load: Cancel,
    pass: Cancel,
    newest: Option<Job>,
    /// The scores that are asked for; a newer prompt stops them for the time of its pass.
    wanted: Option<Wanted>,
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
            && let Some(job) = self.newest.clone()
        {
            self.run(&job);
        }
    }

    /// Only the newest prompt counts.
    fn run(&mut self, job: &Job) {
        self.pass.raise();
        self.pass = Cancel::new();
        let job = Job { cancel: self.pass.clone(), ..job.clone() };
        self.newest = Some(job.clone());
        if let Some(wanted) = &self.wanted {
            wanted.cancel.raise();
        }
        self.resident.run(job);
        if let Some(Wanted { model, .. }) = self.wanted.take() {
            self.score(model);
        }
    }

    fn score(&mut self, model: Arc<ModelCard>) {
        let wanted = Wanted { model, cancel: Cancel::new() };
        self.wanted = Some(wanted.clone());
        self.resident.score(wanted);
    }

    fn cancel(&mut self) {
        self.load.raise();
        self.pass.raise();
        if let Some(wanted) = self.wanted.take() {
            wanted.cancel.raise();
        }
    }
}

/// A head is milliseconds of work, but of a long prompt too many for an async thread.
fn compute_view(capture: Arc<Capture>, view: View, events: &mpsc::Sender<Event>) {
    let events = events.clone();
    tokio::task::spawn_blocking(move || {
        let event = match capture.matrix(view) {
            Ok(matrix) => Event::Viewed { capture, view, matrix: Arc::new(matrix) },
            Err(error) => Event::ViewFailed { capture, view, error: error.to_string() },
        };
        // Nobody may be listening any more.
        let _ = events.blocking_send(event);
    });
}

/// As many heads as both models have are too many for an async thread.
fn compare_heads(
    captures: [Option<Arc<Capture>>; 2],
    (side, head): (Side, View),
    events: &mpsc::Sender<Event>,
) {
    let events = events.clone();
    tokio::task::spawn_blocking(move || {
        let found = similar_heads(captures.each_ref().map(Option::as_deref), (side.index(), head));
        let _ = events.blocking_send(Event::Similar { captures, side, head, found });
    });
}
