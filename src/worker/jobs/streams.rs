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
        let kept = match (streams.of(capture, model), streams.before(capture, model)) {
            (Some(at), _) => Ok(streams.0.remove(at)),
            (None, Some(at)) => {
                let pass = model.keep_on(capture, &streams.0[at].1, cancel, on_layer);
                // What goes on from a stream serves whoever looks at that, too.
                pass.inspect(|_| drop(streams.0.remove(at))).map(|stream| (capture.clone(), stream))
            }
            (None, None) => {
                streams.0.drain(..(streams.0.len() + 1).saturating_sub(KEPT));
                let tokens = capture.tokens.to_vec();
                let pass = model.run_keeping(tokens, &capture.ablation, cancel, on_layer);
                pass.map(|(_, stream)| (capture.clone(), stream))
            }
        };
        let kept = kept.map_err(WorkerError::from);
        let found = kept.and_then(|(of, stream)| {
            let found = look(&stream);
            streams.0.push((of, stream));
            found
        });
        caches.keep(streams);
        found
    }

    /// Where that of a capture is kept, or of one that goes on from it: what flows at a token depends on no later one.
    fn of(&self, capture: &Capture, model: &Model) -> Option<usize> {
        self.0.iter().position(|(kept, _)| kept.goes_on_from(capture) && is_alike(kept, capture, model))
    }

    /// Where that of the longest prompt is kept that a capture goes on from.
    fn before(&self, capture: &Capture, model: &Model) -> Option<usize> {
        let is_before = |kept: &Capture| capture.goes_on_from(kept) && is_alike(kept, capture, model);
        let kept = self.0.iter().enumerate().filter(|(_, (kept, _))| is_before(kept));
        kept.max_by_key(|(_, (kept, _))| kept.tokens.len()).map(|(at, _)| at)
    }
}

/// Whether the tokens that both have flow alike in two captures of which one goes on from the other.
fn is_alike(one: &Capture, other: &Capture, model: &Model) -> bool {
    let lengths = [one, other].map(|capture| capture.tokens.len());
    // What heads give on average changes with the text.
    lengths[0] == lengths[1] || !one.ablation.needs_means() && model.turns_alike(lengths[0], lengths[1])
}

/// Keeps nothing of what was asked any more.
pub fn forget(caches: &mut Caches) {
    caches.take::<Streams>();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attention::Ablation;
    use crate::model::{Control, LoadOptions};

    /// Steps that a model wrote: the next one takes its own token only, and takes the place of the one before.
    #[test]
    fn a_stream_goes_on_from_the_one_before() {
        let mut control = Control { cancel: Cancel::new(), progress: &mut |_| {} };
        let options = LoadOptions::default();
        let model = Model::load(&"demo:gpt2".parse().unwrap(), &options, &mut control).unwrap();
        let (mut caches, cancel) = (Caches::default(), Cancel::new());
        for ablation in [Ablation::default(), "0.1".parse().unwrap()] {
            let captures = ["the cat sat", "the cat sat on the", "the cat"].map(|prompt| {
                let tokens = model.tokenize(prompt).unwrap();
                Arc::new(model.run_without(tokens, &ablation, &cancel, &mut |_| ()).unwrap())
            });
            for capture in &captures {
                let of = (capture, &model);
                let query = capture.tokens.len() - 1;
                let found = Streams::look(&mut caches, of, &cancel, &mut |_| (), |stream| {
                    Ok(model.lens(stream, query, 1)?)
                });
                assert_eq!(found.unwrap().prediction().unwrap().token, capture.next[0].token);
            }
            let streams: Streams = caches.take();
            let kept: Vec<usize> = streams.0.iter().map(|(kept, _)| kept.tokens.len()).collect();
            assert_eq!(kept, [captures[1].tokens.len()]);
        }
    }
}
