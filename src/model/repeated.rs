//! Every head's scores on repeated random tokens.

use super::{Cancel, Model, ModelError, Profile};
use crate::attention::{Ablation, RepeatScores, ScoresByHead, View, repeated};

/// Runs a model over random sequences that repeat, one after the other, and keeps what its heads do.
#[derive(Debug, Clone, Default)]
pub struct RepeatRun {
    /// Heads that are off.
    ablation: Ablation,
    /// The scores of each draw so far.
    draws: Vec<ScoresByHead>,
}

impl RepeatRun {
    /// A run of a model without some of its heads.
    pub fn without(ablation: Ablation) -> Self {
        Self { ablation, draws: Vec::new() }
    }

    /// Draws that are done, of [`repeated::DRAWS`].
    pub fn done(&self) -> usize {
        self.draws.len()
    }

    /// Runs the next draw, if there is one. A run that was cancelled can go on where it was.
    ///
    /// # Errors
    /// If it was cancelled, the model hasn't got one of the heads that are off, or the device failed.
    pub fn step(&mut self, model: &Model, cancel: &Cancel) -> Result<(), ModelError> {
        let info = model.info();
        let period = repeated::period(&info.windows, info.context);
        let vocabulary = u32::try_from(info.vocabulary).unwrap_or(u32::MAX);
        let sequences = repeated::sequences(vocabulary, period, repeated::DRAWS, repeated::SEED);
        let Some(ids) = sequences.get(self.draws.len()) else { return Ok(()) };
        let tokens = model.tokens_from_ids(ids)?;
        // What is kept of the prompt stays.
        let mut hooks = model.hooks_without(&tokens, &self.ablation, cancel)?;
        let capture = model.run_hooked(tokens, &mut hooks, &mut Profile::default(), cancel, &mut |_| ())?;
        let head = |layer, head| {
            let matrix = capture.matrix(View::Head { layer, head });
            let scores = matrix.map(|matrix| RepeatScores::of(&matrix, period));
            scores.map_err(|error| ModelError::Invalid(error.to_string()))
        };
        let layer = |layer| (0..info.heads).map(|at| head(layer, at)).collect();
        self.draws.push((0..info.layers).map(layer).collect::<Result<_, _>>()?);
        Ok(())
    }

    /// The mean over the draws, once all are done.
    pub fn scores(&self) -> Option<ScoresByHead> {
        let first = (self.draws.len() == repeated::DRAWS).then(|| self.draws.first())??;
        let mean = |layer: usize, head: usize| {
            let draws: Vec<RepeatScores> = self.draws.iter().map(|draw| draw[layer][head]).collect();
            RepeatScores::mean(&draws)
        };
        let layer = |layer: usize| (0..first[layer].len()).map(|head| mean(layer, head)).collect();
        Some((0..first.len()).map(layer).collect())
    }
}
