//! Activation patching: a prompt runs with a part of its pass taken from the pass over another one.

use std::sync::Arc;

use candle_core::Tensor;

use super::kept::Known;
use super::{Cancel, Hooks, Model, ModelError, Profile, ResidualPoint};
use crate::attention::patching::{LogitPair, PatchPlace, Patched, Patching, check_pair};
use crate::attention::{Capture, Computed};

/// What can be taken from a pass.
#[derive(Debug)]
pub struct PatchSource {
    what: Patched,
    /// One of each layer: what its heads took from the values, \[S, heads · head_dim\]; or the residual stream after it,
    /// \[S, hidden\].
    layers: Vec<Tensor>,
}

impl Model {
    /// Runs the prompt of a capture of this model again, and keeps what can be taken from it.
    ///
    /// # Errors
    /// If there is no memory for it, it was cancelled or the device failed.
    pub fn patch_source(
        &self,
        capture: &Capture,
        what: Patched,
        cancel: &Cancel,
    ) -> Result<PatchSource, ModelError> {
        let spec = &self.decoder.spec;
        let width = match what {
            Patched::Heads => spec.heads * spec.head_dim,
            Patched::Residual => spec.hidden,
        };
        let needed = (self.info.layers * capture.tokens.len() * width * size_of::<f32>()) as u64;
        self.check_room(
            self.decoder.embedding.device(),
            needed,
            "what patching takes from it",
            capture.tokens.len(),
        )?;
        let mut layers = Vec::with_capacity(self.info.layers);
        let hooks = self.hooks_without(&capture.tokens, &capture.ablation, cancel)?;
        let (tokens, mut profile) = (capture.tokens.to_vec(), Profile::default());
        match what {
            Patched::Heads => {
                let mut keep = |layer: usize, context: &mut Tensor| {
                    layers.truncate(layer);
                    layers.push(context.copy()?);
                    Ok(())
                };
                let mut hooks = Hooks { heads: Some(&mut keep), ..hooks };
                self.run_hooked(tokens, &mut hooks, &mut profile, cancel, &mut |_| ())?;
            }
            Patched::Residual => {
                let mut keep = |point: ResidualPoint, x: &mut Tensor| {
                    if let ResidualPoint::AfterMlp(layer) = point {
                        layers.truncate(layer);
                        layers.push(x.copy()?);
                    }
                    Ok(())
                };
                let mut hooks = Hooks { residual: Some(&mut keep), ..hooks };
                self.run_hooked(tokens, &mut hooks, &mut profile, cancel, &mut |_| ())?;
            }
        }
        Ok(PatchSource { what, layers })
    }

    /// Runs the prompt of a capture of this model with these places taken from another pass. What is the same in front of
    /// them doesn't run again: `same` tokens, with which both prompts begin.
    ///
    /// # Errors
    /// If there is no such place, it was cancelled or the device failed.
    pub fn run_patched(
        &self,
        (capture, same): (&Arc<Capture>, usize),
        source: &PatchSource,
        places: &[PatchPlace],
        cancel: &Cancel,
    ) -> Result<Capture, ModelError> {
        let last = capture.tokens.len().saturating_sub(1);
        let residual = places.iter().map(|place| match place {
            PatchPlace::Residual { position, .. } => *position,
            PatchPlace::Head { .. } => 0,
        });
        let from = same.max(residual.min().unwrap_or(0)).min(last);
        let known = Known::Some((from > 0).then(|| capture.clone()), Computed::from(from));
        let hooks = self.hooks_without(&capture.tokens, &capture.ablation, cancel)?;
        let (tokens, mut profile) = (capture.tokens.to_vec(), Profile::default());
        match source.what {
            Patched::Heads => {
                let head_dim = self.decoder.spec.head_dim;
                let mut patch = |at: usize, context: &mut Tensor| {
                    for place in places {
                        if let PatchPlace::Head { layer, head } = *place
                            && layer == at
                        {
                            let taken = source.layers[layer].narrow(0, from, context.dim(0)?)?;
                            *context = with_part(context, &taken, (1, head * head_dim, head_dim))?;
                        }
                    }
                    Ok(())
                };
                let mut hooks = Hooks { heads: Some(&mut patch), ..hooks };
                self.run_from(&known, tokens, &mut hooks, &mut profile, cancel, &mut |_| ())
            }
            Patched::Residual => {
                let mut patch = |point: ResidualPoint, x: &mut Tensor| {
                    let ResidualPoint::AfterMlp(at) = point else { return Ok(()) };
                    for place in places {
                        // What is before the first new token is the same in both.
                        if let PatchPlace::Residual { layer, position } = *place
                            && layer == at
                            && position >= from
                        {
                            let taken = source.layers[layer].narrow(0, from, x.dim(0)?)?;
                            *x = with_part(x, &taken, (0, position - from, 1))?;
                        }
                    }
                    Ok(())
                };
                let mut hooks = Hooks { residual: Some(&mut patch), ..hooks };
                self.run_from(&known, tokens, &mut hooks, &mut profile, cancel, &mut |_| ())
            }
        }
    }
}

/// A matrix with some rows (dimension 0) or columns (1) of another one of the same shape in the place of its own.
fn with_part(
    x: &Tensor,
    other: &Tensor,
    (dimension, start, length): (usize, usize, usize),
) -> Result<Tensor, ModelError> {
    let (end, size) = (start + length, x.dim(dimension)?);
    if end > size {
        return Err(ModelError::Invalid(format!("there is nothing to patch at {start}: there are {size}")));
    }
    let mut parts = Vec::with_capacity(3);
    if start > 0 {
        parts.push(x.narrow(dimension, 0, start)?);
    }
    parts.push(other.narrow(dimension, start, length)?);
    if end < size {
        parts.push(x.narrow(dimension, end, size - end)?);
    }
    Ok(Tensor::cat(&parts, dimension)?.contiguous()?)
}

/// Patches one place after another: layers × heads, or layers × tokens.
#[derive(Debug, Clone)]
pub struct Patch {
    passes: [Arc<Capture>; 2],
    what: Patched,
    logits: LogitPair,
    /// Tokens that both prompts begin with.
    same: usize,
    source: Option<Arc<PatchSource>>,
    /// Of the places that are done, layer after layer.
    done: Vec<f32>,
}

impl Patch {
    /// Of two passes of one model, with all places to come: what is taken is that of the first, what runs is the second.
    ///
    /// # Errors
    /// If they are of different models or lengths.
    pub fn new(passes: [Arc<Capture>; 2], what: Patched, logits: LogitPair) -> Result<Self, ModelError> {
        check_pair(&passes[0], &passes[1]).map_err(|error| ModelError::Invalid(error.to_string()))?;
        let ids = passes[0].tokens.iter().zip(passes[1].tokens.iter());
        let is_same = passes[0].ablation == passes[1].ablation && !passes[0].ablation.needs_means();
        let same = if is_same { ids.take_while(|(a, b)| a.id == b.id).count() } else { 0 };
        Ok(Self { passes, what, logits, same, source: None, done: Vec::new() })
    }

    /// Layers, and heads or tokens of each.
    pub fn shape(&self) -> (usize, usize) {
        let model = &self.passes[1].model;
        let columns = match self.what {
            Patched::Heads => model.heads,
            Patched::Residual => self.passes[1].tokens.len(),
        };
        (model.layers, columns)
    }

    /// Places that are done, and all of them.
    pub fn progress(&self) -> (usize, usize) {
        let (layers, columns) = self.shape();
        (self.done.len(), layers * columns)
    }

    /// Whether all places are done.
    pub fn is_done(&self) -> bool {
        let (done, all) = self.progress();
        done == all
    }

    /// What is known so far.
    pub fn found(&self) -> Patching {
        Patching::new(self.what, self.logits.clone(), self.shape(), &self.done)
    }

    /// Patches the next place; the first time, the first prompt runs as well. One that was cancelled can go on where it was.
    ///
    /// # Errors
    /// If the model has no output head, it was cancelled, or the device failed.
    pub fn step(&mut self, model: &Model, cancel: &Cancel) -> Result<(), ModelError> {
        model.check_output_head()?;
        if self.is_done() {
            return Ok(());
        }
        let source = match &self.source {
            Some(source) => source.clone(),
            None => {
                let source = Arc::new(model.patch_source(&self.passes[0], self.what, cancel)?);
                self.source.insert(source).clone()
            }
        };
        let (at, (_, columns)) = (self.done.len(), self.shape());
        let (layer, column) = (at / columns, at % columns);
        let place = match self.what {
            Patched::Heads => PatchPlace::Head { layer, head: column },
            Patched::Residual => PatchPlace::Residual { layer, position: column },
        };
        // The residual stream of what both begin with is the same.
        let is_nothing = self.what == Patched::Residual && column < self.same;
        let effect = match is_nothing {
            true => 0.0,
            false => {
                let patched = model.run_patched((&self.passes[1], self.same), &source, &[place], cancel)?;
                self.logits.effect(&patched.logits).unwrap_or_default()
            }
        };
        self.done.push(effect);
        Ok(())
    }
}
