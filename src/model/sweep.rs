//! What each head alone is worth: the prompt runs once for each, without it, from that head's layer on.

use super::decoder::Past;
use super::{Cancel, Hooks, Model, ModelError, Profile, ResidualStream};
use crate::attention::Capture;
use crate::attention::ablation::{Swept, logits_divergence};
use crate::vocabulary::Instead;

/// Runs a prompt without each of a model's heads in turn.
#[derive(Debug, Clone)]
pub struct Sweep<'a> {
    /// The pass with all of these heads on.
    before: &'a Capture,
    instead: Instead,
    /// Of the heads that are done, layer after layer.
    done: Vec<f32>,
}

impl<'a> Sweep<'a> {
    /// A sweep over the heads that are on in `before`. Where some are off there, the others get the same in their place;
    /// else `instead`.
    pub fn new(before: &'a Capture, instead: Instead) -> Self {
        let off = &before.ablation;
        let instead = if off.is_empty() { instead } else { off.instead() };
        Self { before, instead, done: Vec::new() }
    }

    /// One that goes on where another was.
    #[must_use]
    pub fn resumed(self, done: Vec<f32>) -> Self {
        Self { done, ..self }
    }

    /// Heads that are done, and all of them.
    pub fn progress(&self) -> (usize, usize) {
        (self.done.len(), self.before.model.layers * self.before.model.heads)
    }

    /// Whether all heads are done.
    pub fn is_done(&self) -> bool {
        let (done, all) = self.progress();
        done == all
    }

    /// What is known so far: see [`resumed`](Self::resumed).
    pub fn into_done(self) -> Vec<f32> {
        self.done
    }

    /// Runs the prompt without the next head. `stream` is that of the pass with all of these heads on, or of one that goes
    /// on from it ([`Model::run_keeping`]). A sweep that was cancelled can go on where it was. Nothing is kept of the pass: the
    /// next prompt still goes on from the one before.
    ///
    /// # Errors
    /// If the model has no output head, it was cancelled, or the device failed.
    pub fn step(
        &mut self,
        model: &Model,
        stream: &ResidualStream,
        cancel: &Cancel,
    ) -> Result<(), ModelError> {
        model.check_output_head()?;
        if self.is_done() {
            return Ok(());
        }
        let (at, heads) = (self.done.len(), self.before.model.heads);
        let (layer, head) = (at / heads, at % heads);
        let mut off = self.before.ablation.clone().replaced_by(self.instead);
        let divergence = if off.contains(layer, head) {
            0.0
        } else {
            off.toggle(layer, head);
            let hooks = model.hooks_without(&self.before.tokens, &off, cancel)?;
            let start = Some((layer, stream.before(layer, self.before.tokens.len())?));
            let after = model.logits(self.before, Hooks { start, ..hooks }, cancel)?;
            logits_divergence(&self.before.logits, &after).unwrap_or_default() as f32
        };
        self.done.push(divergence);
        Ok(())
    }

    /// What was found, once all heads are done.
    pub fn found(&self) -> Option<Swept> {
        let heads = self.before.model.heads.max(1);
        self.is_done().then(|| Swept {
            instead: self.instead,
            divergences: self.done.chunks(heads).map(<[_]>::to_vec).collect(),
        })
    }
}

impl Model {
    /// The logits after a capture's prompt, which runs again with other `hooks`.
    fn logits(
        &self,
        capture: &Capture,
        mut hooks: Hooks<'_>,
        cancel: &Cancel,
    ) -> Result<Vec<f32>, ModelError> {
        let (prompt, stop) = ((capture.tokens.as_slice(), Past::default()), (cancel, &self.watch));
        self.compute(capture.tokens.len(), || {
            self.decoder.run(prompt, self.engine, &mut hooks, &mut Profile::default(), stop, &mut |_| ())
        })
    }
}
