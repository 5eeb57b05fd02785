//! Turns requests into work, and tells the two sides how their loads stand.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::protocol::{Event, LayerAnswer, LayerQuestion, Request, Side};
use super::resident::{Job, guarded};
use super::side::SideState;
use crate::attention::ablation::moved_heads;
use crate::attention::similar::similar_heads;
use crate::attention::{Capture, View};
use crate::model::{Cancel, ConfiguredPair, LoadOptions, ModelError, catalogue, estimate};

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
        let Some(request) = request else { break };
        let asked = request.clone();
        // A panic, which would be our mistake or a library's, is to leave nobody waiting and no side alone.
        if let Err(error) = guarded(|| begin(request, &mut sides, &options, &events)) {
            tracing::error!("{error}");
            for event in asked.failed(&error.to_string()) {
                // Nobody may be listening any more.
                let _ = events.send(event).await;
            }
        }
    }
    sides.iter_mut().for_each(SideState::cancel);
}

/// Hands a request to whoever does it.
///
/// # Errors
/// If that can't even begin.
fn begin(
    request: Request,
    sides: &mut [SideState; 2],
    options: &LoadOptions,
    events: &mpsc::Sender<Event>,
) -> Result<(), ModelError> {
    match request {
        Request::Load { side, reference } => sides[side.index()].load(reference, options)?,
        Request::Run { job: id, prompt, sampling, ablations } => {
            let prompt: Arc<str> = prompt.into();
            for (side, ablation) in sides.iter_mut().zip(ablations) {
                side.run(Job { id, prompt: prompt.clone(), sampling, ablation, cancel: Cancel::new() });
            }
        }
        Request::Score { side, model, ablations } => sides[side.index()].score(model, ablations),
        Request::Similar { captures, side, head } => compare_heads(captures, (side, head), events),
        Request::View { capture, view } => compute_view(capture, view, events),
        Request::Layer { capture, layer, question } => compute_layer(capture, layer, question, events),
        Request::Lens(question) => sides[question.side.index()].look(question),
        Request::ForgetLens => sides.iter_mut().for_each(SideState::forget_lens),
        Request::List { pairs } => list(pairs, options, events),
        Request::Estimate { name } => look_at(name, options, events),
        Request::Agree { name } => {
            if let Ok(reference) = name.parse() {
                options.consent.agree_to_stated(&reference);
            }
        }
        Request::CancelPasses => sides.iter().for_each(SideState::cancel_pass),
        Request::Cancel => sides.iter_mut().for_each(SideState::cancel),
    }
    Ok(())
}

/// A head is milliseconds of work, but of a long prompt too many for an async thread.
fn compute_view(capture: Arc<Capture>, view: View, events: &mpsc::Sender<Event>) {
    let asked = Request::View { capture: capture.clone(), view };
    answer(events, asked, move || match capture.matrix(view) {
        Ok(matrix) => Event::Viewed { capture, view, matrix: Arc::new(matrix) },
        Err(error) => Event::ViewFailed { capture, view, error: error.to_string() },
    });
}

/// All heads of a layer are as many matrices.
fn compute_layer(capture: Arc<Capture>, layer: usize, question: LayerQuestion, events: &mpsc::Sender<Event>) {
    let asked = Request::Layer { capture: capture.clone(), layer, question };
    answer(events, asked, move || {
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
    let asked = Request::List { pairs: pairs.clone() };
    answer(events, asked, move || {
        let models = catalogue(&pairs, &options).map_err(|error| error.to_string());
        Event::Listed { models }
    });
}

/// The hub may be asked, which may take its time.
fn look_at(name: String, options: &LoadOptions, events: &mpsc::Sender<Event>) {
    let options = options.clone();
    let asked = Request::Estimate { name: name.clone() };
    answer(events, asked, move || {
        let estimate = estimate(&name, &options).map_err(|error| error.to_string());
        Event::Estimated { name, estimate }
    });
}

/// As many heads as both models have are too many for an async thread.
fn compare_heads(
    captures: [Option<Arc<Capture>>; 2],
    (side, head): (Side, View),
    events: &mpsc::Sender<Event>,
) {
    let asked = Request::Similar { captures: captures.clone(), side, head };
    answer(events, asked, move || {
        let found = similar_heads(captures.each_ref().map(Option::as_deref), (side.index(), head));
        Event::Similar { captures, side, head, found }
    });
}

/// Does what takes a while, and reports it; a panic in it is the answer to what was `asked`.
fn answer(events: &mpsc::Sender<Event>, asked: Request, work: impl FnOnce() -> Event + Send + 'static) {
    let events = events.clone();
    tokio::task::spawn_blocking(move || {
        let answers = match guarded(|| Ok(work())) {
            Ok(event) => vec![event],
            Err(error) => asked.failed(&error.to_string()),
        };
        for event in answers {
            // Nobody may be listening any more.
            let _ = events.blocking_send(event);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attention::{Ablation, ModelInfo};
    use crate::model::{Control, Model, Reference, Sampling};
    use crate::worker::protocol::{JobId, LensQuestion};

    fn capture() -> Arc<Capture> {
        let reference: Reference = "demo:gpt2".parse().unwrap();
        let mut control = Control { cancel: Cancel::new(), progress: &mut |_| {} };
        let model = Model::load(&reference, &LoadOptions::default(), &mut control).unwrap();
        let tokens = model.tokenize("the cat").unwrap();
        Arc::new(model.run(tokens, &Cancel::new(), &mut |_| ()).unwrap())
    }

    /// Every request that whoever asks waits for.
    fn awaited() -> Vec<Request> {
        let (capture, side) = (capture(), Side::Right);
        let model: Arc<ModelInfo> = capture.model.clone();
        let question = LensQuestion { pane: Side::Left, side, capture: capture.clone(), query: 1 };
        let ablations = [Ablation::default(), Ablation::default()];
        let sampling = Sampling::default();
        vec![
            Request::Load { side, reference: "a/b".into() },
            Request::Run { job: JobId(7), prompt: "the cat".into(), sampling, ablations },
            Request::View { capture: capture.clone(), view: View::Mean },
            Request::Score { side, model, ablations: vec![] },
            Request::Similar { captures: [Some(capture), None], side, head: View::Mean },
            Request::Lens(question),
            Request::List { pairs: vec![] },
            Request::Estimate { name: "a/b".into() },
        ]
    }

    /// What an event says went wrong.
    fn error(event: Event) -> Option<String> {
        match event {
            Event::LoadFailed { error, .. }
            | Event::RunFailed { error, .. }
            | Event::ViewFailed { error, .. }
            | Event::ScoringFailed { error, .. }
            | Event::Similar { found: Err(error), .. }
            | Event::Lens { found: Err(error), .. }
            | Event::Listed { models: Err(error) }
            | Event::Estimated { estimate: Err(error), .. } => Some(error),
            _ => None,
        }
    }

    #[tokio::test]
    async fn a_panic_answers_whoever_asked() {
        for asked in awaited() {
            let name = format!("{asked:?}");
            let name = name.split([' ', '(']).next().unwrap();
            let (events, mut outbox) = mpsc::channel(9);
            answer(&events, asked, || panic!("by hand"));
            drop(events);
            let answer = outbox.recv().await.unwrap_or_else(|| panic!("{name} is left waiting"));
            let message = error(answer).unwrap_or_else(|| panic!("{name} is answered by no error"));
            assert_eq!(message, "internal error: by hand: please report it", "{name}");
        }
    }

    #[test]
    fn what_failed_is_told_to_whoever_asked_and_of_what() {
        for side in Side::BOTH {
            let asked = Request::Load { side, reference: "a/b".into() };
            assert!(matches!(&asked.failed("no")[..], [Event::LoadFailed { side: of, .. }] if *of == side));
        }
        let (sampling, ablations) = Default::default();
        let asked = Request::Run { job: JobId(7), prompt: String::new(), sampling, ablations };
        let answers = asked.failed("no");
        let of = |event: &Event| match event {
            Event::RunFailed { side, job: JobId(7), .. } => Some(*side),
            _ => None,
        };
        assert_eq!(answers.iter().filter_map(of).collect::<Vec<_>>(), Side::BOTH);
        let asked = Request::Estimate { name: "a/b".into() };
        assert!(matches!(&asked.failed("no")[..], [Event::Estimated { name, .. }] if name == "a/b"));
        assert!(Request::Cancel.failed("no").is_empty());
    }
}
