//! A worker, and what one asks it and waits for.

use std::path::Path;
use std::sync::Arc;

use attnscope::attention::{Ablation, Capture, ModelInfo};
use attnscope::worker::WorkerHandle;
use attnscope::worker::protocol::{Event, JobId, Request, ScoringJob, Slot};
use tokio::sync::mpsc::Receiver;

use crate::patience::patience;

pub fn golden(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name).display().to_string()
}

pub fn load(worker: &WorkerHandle, slot: Slot, reference: &str) {
    worker.send(Request::Load { slot, reference: reference.to_owned() }).unwrap();
}

pub fn run(worker: &WorkerHandle, job: u64, text: &str) {
    worker.send(prompt(job, text)).unwrap();
}

/// Runs a prompt with all heads on.
pub fn prompt(job: u64, text: &str) -> Request {
    let (sampling, ablations) = Default::default();
    Request::Run {
        job: JobId(job),
        prompt: text.to_owned(),
        chat: None,
        sampling,
        ablations,
        is_kept: [false; 2],
    }
}

/// Asks the first slot for scores without each of these sets of heads.
pub fn score(model: &Arc<ModelInfo>, heads: &[&str]) -> Request {
    let ablation = |heads: &&str| if heads.is_empty() { Ablation::default() } else { heads.parse().unwrap() };
    let ablations = heads.iter().map(ablation).collect();
    Request::Score(ScoringJob { slot: Slot::First, model: Arc::clone(model), ablations })
}

/// Waits for an event that `pick` wants; others are passed over.
pub async fn wait_for<T>(events: &mut Receiver<Event>, mut pick: impl FnMut(Event) -> Option<T>) -> T {
    let wait = async {
        loop {
            if let Some(found) = pick(events.recv().await.expect("the worker is there")) {
                return found;
            }
        }
    };
    tokio::time::timeout(patience(), wait).await.expect("the event came in time")
}

/// Waits for a model to be loaded.
pub async fn loaded(events: &mut Receiver<Event>) -> Arc<ModelInfo> {
    wait_for(events, |event| match event {
        Event::Loaded { model, .. } => Some(model),
        _ => None,
    })
    .await
}

pub fn captured(event: Event, of: Slot, of_job: u64) -> Option<Arc<Capture>> {
    match event {
        Event::Captured { slot, job, capture } if slot == of && job == JobId(of_job) => Some(capture),
        _ => None,
    }
}

/// What a prompt fails with.
pub async fn failure(events: &mut Receiver<Event>, of: u64) -> String {
    wait_for(events, |event| match event {
        Event::RunFailed { job, error, .. } if job == JobId(of) => Some(error.to_string()),
        Event::Captured { job, .. } if job == JobId(of) => panic!("it runs"),
        _ => None,
    })
    .await
}
