//! What flows between the layers, of the newest captures that somebody asked about: what several jobs look at.

use std::sync::Arc;

use crate::attention::Capture;
use crate::model::{Cancel, Model, ResidualStream};
use crate::worker::caches::Caches;
use crate::worker::error::WorkerError;

/// Captures whose residual streams are kept: what two panes show.
const KEPT: usize = 2;

/// What flows between the layers, of the newest captures that somebody asked about.
#[derive(Debug, Default)]
pub struct Streams(Vec<(Arc<Capture>, ResidualStream)>);

impl Streams {
    /// Hands the stream of a capture to `look`, and keeps it. Where it is not kept yet, that takes a pass, of which
    /// `on_layer` hears.
    ///
    /// # Errors
    /// If the pass or the look fails.
    pub fn look<T>(
        caches: &mut Caches,
        (capture, model): (&Arc<Capture>, &Model),
        cancel: &Cancel,
        on_layer: &mut (dyn FnMut(usize) + Send),
        look: impl FnOnce(&ResidualStream) -> Result<T, WorkerError>,
    ) -> Result<T, WorkerError> {
        let mut streams: Self = caches.take();
        let kept = match streams.of(capture, model) {
            Some(kept) => Ok(kept),
            None => {
                let tokens = capture.tokens.clone();
                let pass = model.run_keeping(tokens, &capture.ablation, cancel, on_layer);
                pass.map(|(_, stream)| (capture.clone(), stream)).map_err(WorkerError::from)
            }
        };
        let found = kept.and_then(|(of, stream)| {
            let found = look(&stream);
            streams.0.push((of, stream));
            found
        });
        caches.keep(streams);
        found
    }

    /// Takes out what is kept of a capture, or of one that goes on from it: what flows at a token depends on no later one.
    /// If there is nothing, makes room for it.
    fn of(&mut self, capture: &Arc<Capture>, model: &Model) -> Option<(Arc<Capture>, ResidualStream)> {
        let is_of = |kept: &Capture| {
            kept.goes_on_from(capture) && model.turns_alike(kept.tokens.len(), capture.tokens.len())
        };
        match self.0.iter().position(|(kept, _)| is_of(kept)) {
            Some(at) => Some(self.0.remove(at)),
            None => {
                self.0.drain(..(self.0.len() + 1).saturating_sub(KEPT));
                None
            }
        }
    }
}

/// Keeps nothing of what was asked any more.
pub fn forget(caches: &mut Caches) {
    caches.take::<Streams>();
}
