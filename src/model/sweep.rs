//! What each head alone is worth: the prompt runs once for each, without it, from that head's layer on.

use candle_core::Tensor;

use super::decoder::Past;
use super::run::OnGpu;
use super::{Cancel, Hooks, Model, ModelError, Profile, ResidualStream};
use crate::attention::Capture;
use crate::attention::ablation::{Swept, logits_divergence};
use crate::vocabulary::Instead;

/// Heads of a step: the output head, which is large, reads its weights once for all of them.
const AT_A_TIME: usize = 4;

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

    /// Runs the prompt without the next head, and without each of a few behind it. `stream` is that of the pass with all of
    /// these heads on, or of one that goes on from it ([`Model::run_keeping`]). A sweep that was cancelled can go on where it
    /// was. Nothing is kept of the passes: the next prompt still goes on from the one before.
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
        let (heads, (done, all)) = (self.before.model.heads, self.progress());
        let next: Vec<(usize, usize)> =
            (done..all.min(done + AT_A_TIME)).map(|at| (at / heads, at % heads)).collect();
        let mut rows = Vec::new();
        for &(layer, head) in &next {
            let mut off = self.before.ablation.clone().replaced_by(self.instead);
            if !off.contains(layer, head) {
                off.toggle(layer, head);
                let hooks = model.hooks_without(&self.before.tokens, &off, cancel)?;
                let start = Some((layer, stream.before(layer, self.before.tokens.len())?));
                rows.push(model.run_to_the_end(self.before, Hooks { start, ..hooks }, cancel)?);
            }
        }
        let mut logits = model.unembed(rows)?.into_iter();
        for (layer, head) in next {
            let is_off = self.before.ablation.contains(layer, head);
            let after = if is_off { None } else { logits.next() };
            let divergence = after.and_then(|after| logits_divergence(&self.before.logits, &after));
            self.done.push(divergence.unwrap_or_default() as f32);
        }
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

/// How a pass has ended.
enum Ended {
    /// With the residual stream of the last token after the last layer, \[1, hidden\].
    Row(Tensor),
    /// With logits, \[vocabulary\].
    Logits(Vec<f32>),
}

impl Ended {
    fn row(&self) -> Option<&Tensor> {
        match self {
            Self::Row(row) => Some(row),
            Self::Logits(_) => None,
        }
    }
}

impl Model {
    /// A capture's prompt again, with other `hooks`.
    fn run_to_the_end(
        &self,
        capture: &Capture,
        mut hooks: Hooks<'_>,
        cancel: &Cancel,
    ) -> Result<Ended, ModelError> {
        let (prompt, stop) = ((&*capture.tokens, Past::default()), (cancel, &self.watch));
        let profile = &mut Profile::default();
        self.compute(capture.tokens.len(), || {
            if let OnGpu::Done(logits) = self.run_on_gpu(prompt, &mut hooks, cancel, &mut |_| ())? {
                return Ok(Ended::Logits(logits));
            }
            let x = self.decoder.run_layers(prompt, self.engine, &mut hooks, profile, stop, &mut |_| ())?;
            Ok(Ended::Row(x.copy()?))
        })
    }

    /// The logits after each of these: the weights of the output head are read once.
    fn unembed(&self, ended: Vec<Ended>) -> Result<Vec<Vec<f32>>, ModelError> {
        let rows: Vec<&Tensor> = ended.iter().filter_map(Ended::row).collect();
        let mut of_rows = Vec::new();
        if !rows.is_empty() {
            let rows = Tensor::cat(&rows, 0)?;
            let unembed = || self.decoder.unembed(&rows, self.engine, &mut Profile::default());
            of_rows = self.compute(rows.dim(0)?, unembed)?;
        }
        let mut of_rows = of_rows.into_iter();
        let logits = |ended| match ended {
            Ended::Logits(logits) => Some(logits),
            Ended::Row(_) => of_rows.next(),
        };
        Ok(ended.into_iter().filter_map(logits).collect())
    }
}
