//! Where a row of attention goes, as the strip of a text that grows shows it: to the sink, to the first token, to the rest
//! of the prompt, and to what was generated.

use std::sync::Arc;

use super::{Capture, CausalMatrix, NoSuchView, View};
use crate::vocabulary::RowReading;

/// The shares of a row. They sum to 1: what does not sum to 1 (value-weighted rows) is divided by its sum.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct RowShares {
    /// To no token.
    pub sink: f32,
    /// To the first token.
    pub first: f32,
    /// To the rest of the prompt.
    pub prompt: f32,
    /// To what was generated, the row's own token included.
    pub generated: f32,
}

impl RowShares {
    /// Their names, in the order of [`values`](Self::values).
    pub const NAMES: [&str; 4] = ["sink", "first", "prompt", "generated"];

    /// In the order of a bar.
    pub fn values(self) -> [f32; 4] {
        [self.sink, self.first, self.prompt, self.generated]
    }

    /// Of a row over keys, of which the first `prompt` are the prompt's; `first` of the first of them went to the first
    /// token. Nothing of a row that is empty.
    fn of(row: &[f32], sink: Option<f32>, first: f32, prompt: usize) -> Option<Self> {
        // From 0, since the sum of nothing is -0.
        let sum = |cells: &[f32]| cells.iter().fold(0.0, |sum, cell| sum + f64::from(*cell));
        let (of_prompt, generated) = row.split_at(prompt.min(row.len()));
        let (sink, first) = (f64::from(sink.unwrap_or(0.0)), f64::from(first));
        let (of_prompt, generated) = (sum(of_prompt), sum(generated));
        let all = sink + of_prompt + generated;
        let share = |value: f64| (value / all) as f32;
        (all > 0.0).then(|| Self {
            sink: share(sink),
            first: share(first),
            prompt: share((of_prompt - first).max(0.0)),
            generated: share(generated),
        })
    }
}

impl CausalMatrix {
    /// The shares of a row, where `prompt` tokens are the prompt's. A cell that is also of generated tokens counts as the
    /// prompt's.
    pub fn shares(&self, row: usize, prompt: usize) -> Option<RowShares> {
        let cells = prompt.div_ceil(self.bin());
        RowShares::of(self.row(row), self.sink(row), self.first_token(row), cells)
    }
}

impl Capture {
    /// Tokens of the prompt: what follows was generated.
    pub fn prompt_tokens(&self) -> usize {
        self.tokens.iter().position(|token| token.is_generated).unwrap_or(self.tokens.len())
    }

    /// Marks so many of its last tokens as generated.
    pub fn mark_generated(&mut self, count: usize) {
        self.digest.reset();
        let first = self.tokens.len().saturating_sub(count);
        Arc::make_mut(&mut self.tokens).iter_mut().skip(first).for_each(|token| token.is_generated = true);
    }

    /// The row that tells of a token: its own, or the one that it was predicted from; of the first one, its own.
    pub fn row_of(token: usize, reading: RowReading) -> usize {
        match reading {
            RowReading::Reading => token,
            RowReading::Predicting => token.saturating_sub(1),
        }
    }

    /// The shares of each token that a model wrote, in order, by the row that tells of it.
    ///
    /// # Errors
    /// If the model has no such layer or head.
    pub fn generated_shares(&self, view: View, reading: RowReading) -> Result<Vec<RowShares>, NoSuchView> {
        let prompt = self.prompt_tokens();
        // Rows of rollout come together.
        let whole = (view == View::Rollout).then(|| self.matrix(view)).transpose()?;
        let shares = |token| {
            let row = Self::row_of(token, reading);
            let found = match &whole {
                Some(matrix) => matrix.shares(row / matrix.bin(), prompt),
                None => self.shares(view, row)?,
            };
            Ok(found.unwrap_or_default())
        };
        (prompt..self.tokens.len()).map(shares).collect()
    }

    /// The shares of the row of a token, exact at any length but in rollout.
    ///
    /// # Errors
    /// If the model has no such layer or head.
    pub fn shares(&self, view: View, query: usize) -> Result<Option<RowShares>, NoSuchView> {
        let (row, sink) = self.row(view, query)?;
        // Rollout of a long text has rows of cells.
        let prompt = match row.len() == query + 1 {
            true => self.prompt_tokens(),
            false => self.prompt_tokens().div_ceil(self.mean.bin()),
        };
        Ok(RowShares::of(&row, sink, row.first().copied().unwrap_or(0.0), prompt))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_sum_to_one_whatever_the_row_sums_to() {
        let shares = RowShares::of(&[0.25, 0.125, 0.25], Some(0.375), 0.25, 2).unwrap();
        assert_eq!(shares.values(), [0.375, 0.25, 0.125, 0.25]);
        let weighted = RowShares::of(&[6.0, 2.0, 8.0], None, 6.0, 2).unwrap();
        assert_eq!(weighted.values(), [0.0, 0.375, 0.125, 0.5]);
        assert_eq!(RowShares::of(&[0.5], Some(0.5), 0.5, 4).unwrap().values(), [0.5, 0.5, 0.0, 0.0]);
        assert_eq!(RowShares::of(&[0.0, 0.0], None, 0.0, 1), None);
    }

    #[test]
    fn a_cell_of_several_tokens_knows_what_went_to_the_first() {
        let mut matrix = CausalMatrix::zeros(4, 2, true);
        matrix.rows_mut().add_row(2, 0, &[0.5, 0.0, 0.25], 0.25, 1.0);
        matrix.rows_mut().add_row(3, 0, &[0.25, 0.25, 0.0, 0.5], 0.0, 1.0);
        let shares = matrix.shares(1, 2).unwrap();
        assert_eq!(shares.values(), [0.125, 0.375, 0.125, 0.375]);
        assert_eq!(matrix.shares(1, 3).unwrap().generated, 0.0, "the cell of both is the prompt's");
    }
}
