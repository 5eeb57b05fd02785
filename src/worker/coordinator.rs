//! Turns requests into work, and tells the two sides how their loads stand.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::protocol::{Event, LayerAnswer, LayerQuestion, Request, Side};
use super::resident::Job;
use super::side::SideState;
use crate::attention::ablation::moved_heads;
use crate::attention::similar::similar_heads;
use crate::attention::{Capture, View};
use crate::model::{Cancel, ConfiguredPair, LoadOptions, appraise, catalogue};

/// Reports of loads that may wait.
const REPORTS: usize = 16;

/// Takes requests until all handles are gone; then cancels what is running.
pub async fn run(options: LoadOptions, mut inbox: mpsc::Receiver<Request>, events: mpsc::Sender<Event>) {
    let (reports, mut loads) = mpsc::channel(REPORTS);
    let mut sides = Side::BOTH.map(|side| SideState::new(side, events.clone(), reports.clone()));
    loop {
        let request = tokio::select! {
            // Whoever asks to stop is heard before a load that is done.
            biased;
            request = inbox.recv() => request,
            Some(report) = loads.recv() => {
                sides[report.side.index()].hear(report).await;
                continue;
            }
        };
        match request {
            None => break,
            Some(Request::Load { side, reference }) => sides[side.index()].load(reference, &options),
            Some(Request::Run { job: id, prompt, sampling, ablations }) => {
                let prompt: Arc<str> = prompt.into();
                for (side, ablation) in sides.iter_mut().zip(ablations) {
                    side.run(Job { id, prompt: prompt.clone(), sampling, ablation, cancel: Cancel::new() });
                }
            }
            Some(Request::Score { side, model, ablations }) => sides[side.index()].score(model, ablations),
            Some(Request::Similar { captures, side, head }) => compare_heads(captures, (side, head), &events),
            Some(Request::View { capture, view }) => compute_view(capture, view, &events),
            Some(Request::Layer { capture, layer, question }) => {
                compute_layer(capture, layer, question, &events);
            }
            Some(Request::Lens(question)) => sides[question.side.index()].look(question),
            Some(Request::ForgetLens) => sides.iter_mut().for_each(SideState::forget_lens),
            Some(Request::List { pairs }) => list(pairs, &options, &events),
            Some(Request::Appraise { name }) => look_at(name, &options, &events),
            Some(Request::CancelPasses) => sides.iter().for_each(SideState::cancel_pass),
            Some(Request::Cancel) => sides.iter_mut().for_each(SideState::cancel),
        }
    }
    sides.iter_mut().for_each(SideState::cancel);
}

/// A head is milliseconds of work, but of a long prompt too many for an async thread.
fn compute_view(capture: Arc<Capture>, view: View, events: &mpsc::Sender<Event>) {
    answer(events, move || match capture.matrix(view) {
        Ok(matrix) => Event::Viewed { capture, view, matrix: Arc::new(matrix) },
        Err(error) => Event::ViewFailed { capture, view, error: error.to_string() },
    });
}

/// All heads of a layer are as many matrices.
fn compute_layer(capture: Arc<Capture>, layer: usize, question: LayerQuestion, events: &mpsc::Sender<Event>) {
    answer(events, move || {
        let found = match (question, &capture.before) {
            (LayerQuestion::Pictures, _) => {
                capture.weighted_pictures(layer).map(|pictures| LayerAnswer::Pictures(Arc::new(pictures)))
            }
            (LayerQuestion::Moved, Some(before)) => {
                moved_heads(before, &capture, layer).map(LayerAnswer::Moved)
            }
            (LayerQuestion::Moved, None) => Ok(LayerAnswer::Moved(Vec::new())),
        };
        match found {
            Ok(found) => Event::Layer { capture, layer, found },
            Err(error) => {
                let view = View::Layer(layer);
                Event::ViewFailed { capture, view, error: error.to_string() }
            }
        }
    });
}

/// Headers of many files are read, on a disk that may be slow.
fn list(pairs: Vec<ConfiguredPair>, options: &LoadOptions, events: &mpsc::Sender<Event>) {
    let options = options.clone();
    answer(events, move || {
        let models = catalogue(&pairs, &options).map_err(|error| error.to_string());
        Event::Listed { models }
    });
}

/// The hub may be asked, which may take its time.
fn look_at(name: String, options: &LoadOptions, events: &mpsc::Sender<Event>) {
    let options = options.clone();
    answer(events, move || {
        let appraisal = appraise(&name, &options).map_err(|error| error.to_string());
        Event::Appraised { name, appraisal }
    });
}

/// As many heads as both models have are too many for an async thread.
fn compare_heads(
    captures: [Option<Arc<Capture>>; 2],
    (side, head): (Side, View),
    events: &mpsc::Sender<Event>,
) {
    answer(events, move || {
        let found = similar_heads(captures.each_ref().map(Option::as_deref), (side.index(), head));
        Event::Similar { captures, side, head, found }
    });
}

/// Does what takes a while, and reports it.
fn answer(events: &mpsc::Sender<Event>, work: impl FnOnce() -> Event + Send + 'static) {
    let events = events.clone();
    tokio::task::spawn_blocking(move || {
        // Nobody may be listening any more.
        let _ = events.blocking_send(work());
    });
}
