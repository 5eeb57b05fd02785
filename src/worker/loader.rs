//! One load, on a thread of its own: from a name to a model that is handed to its side.

use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::protocol::{Event, Side};
use super::resident::{self, Resident};
use crate::model::{Cancel, Control, LoadOptions, LoadProgress, Model, ModelError, Reference};

/// Time between two reports of progress of the same kind.
const REPORT_EVERY: Duration = Duration::from_millis(50);

/// Starts a load; its end is an event, and a model for `resident` if it went well.
pub fn spawn(
    side: Side,
    reference: String,
    options: LoadOptions,
    cancel: Cancel,
    resident: Resident,
    events: mpsc::Sender<Event>,
) {
    let load = move || {
        let mut report = reporter(side, events.clone());
        let loaded = resident::guarded(|| {
            let reference: Reference = reference.parse()?;
            Model::load(&reference, &options, &mut Control { cancel: cancel.clone(), progress: &mut report })
        });
        match loaded {
            // A newer load took this one's place.
            Ok(_) if cancel.is_raised() => {}
            Ok(model) => {
                let card = model.card().clone();
                // The card first: a capture is not to come from a model that nobody has heard of.
                let _ = events.blocking_send(Event::Loaded { side, model: card });
                resident.replace(model);
            }
            Err(ModelError::Cancelled) => {
                let _ = events.blocking_send(Event::LoadCancelled { side });
            }
            Err(error) => {
                let _ = events.blocking_send(Event::LoadFailed { side, error: error.to_string() });
            }
        }
    };
    resident::spawn_thread(format!("attnscope-load-{side}"), load);
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
