//! The pass of a capture with a span of keys hidden from all queries behind it. Those in it and before it are the same
//! bits, so that only what is behind it runs.

use std::ops::Range;
use std::sync::Arc;

use super::kept::Known;
use super::{Cancel, Hooks, Model, ModelError, Profile};
use crate::attention::{Capture, Computed, HiddenKeys};

impl Model {
    /// A capture of this model again, with the keys of a span hidden from all queries behind it, in all layers. Where no
    /// query is behind it, it is the capture itself.
    ///
    /// # Errors
    /// If there is no such span, it was cancelled or the device failed.
    pub fn run_hiding(
        &self,
        capture: &Arc<Capture>,
        span: Range<usize>,
        cancel: &Cancel,
        on_layer: &mut (dyn FnMut(usize) + Send),
    ) -> Result<Arc<Capture>, ModelError> {
        let tokens = capture.tokens.len();
        if span.is_empty() || span.end > tokens {
            let (start, end) = (span.start, span.end);
            return Err(ModelError::Invalid(format!(
                "there is no span {start}:{end}: the prompt has tokens 0 to {}, and the end is behind the last one",
                tokens.saturating_sub(1)
            )));
        }
        if span.end == tokens {
            return Ok(capture.clone());
        }
        let hidden = Some(HiddenKeys { start: span.start, end: span.end });
        let mut hooks = Hooks { hidden, ..self.hooks_without(&capture.tokens, &capture.ablation, cancel)? };
        let known = Known::Some(Some(capture.clone()), Computed::from(span.end));
        let prompt = capture.tokens.to_vec();
        let run = self.run_from(&known, prompt, &mut hooks, &mut Profile::default(), cancel, on_layer)?;
        Ok(Arc::new(Capture { chat: capture.chat.clone(), ..run }))
    }
}
