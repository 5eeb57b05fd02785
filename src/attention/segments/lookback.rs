//! How far heads look back from new tokens to what was there before: the lookback ratio of Lookback Lens (Chuang et al.
//! 2024).

use std::ops::Range;

use rayon::prelude::*;

use super::segmented::Segments;
use crate::attention::row_blocks::Unmeasured;
use crate::attention::{Capture, View};
use crate::kernels::attention::{QUERIES, Rows};

/// The lookback ratio of every head: 1 looks only at the context, ½ at both alike, 0 only at what is new.
#[derive(Debug, Clone, PartialEq)]
pub struct Lookback {
    /// The new tokens; all before them are the context.
    pub new: Range<usize>,
    /// \[layers\]\[heads\]: the mean over the new tokens; nothing of a head whose rows give nothing to any token.
    pub ratios: Vec<Vec<Option<f32>>>,
}

impl Lookback {
    /// The ratio of a head; nothing of any other view.
    pub fn of(&self, view: View) -> Option<f32> {
        match view.attention() {
            View::Head { layer, head } => *self.ratios.get(layer)?.get(head)?,
            _ => None,
        }
    }

    /// The head that looks back most, with its ratio.
    pub fn most(&self) -> Option<(View, f32)> {
        let ratio =
            |layer: usize, head: usize| self.ratios[layer][head].map(|it| (View::Head { layer, head }, it));
        let heads = |layer: usize| (0..self.ratios[layer].len()).filter_map(move |head| ratio(layer, head));
        (0..self.ratios.len()).flat_map(heads).max_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// Every head with its ratio, the one that looks back most first.
    pub fn ranked(&self) -> Vec<(View, f32)> {
        let mut heads: Vec<(View, f32)> = Vec::new();
        for (layer, ratios) in self.ratios.iter().enumerate() {
            let known = ratios.iter().enumerate();
            heads.extend(known.filter_map(|(head, ratio)| Some((View::Head { layer, head }, (*ratio)?))));
        }
        heads.sort_by(|a, b| b.1.total_cmp(&a.1));
        heads
    }
}

/// For each head the mean over the new tokens of (mean α on the context) / (that + mean α on the new tokens up to the
/// query): means over all tokens of either, also over those beyond a window. Nothing if there are no new tokens.
///
/// # Errors
/// If `is_stopped`.
pub fn lookback(
    capture: &Capture,
    segments: &Segments,
    is_stopped: &(dyn Fn() -> bool + Sync),
) -> Result<Option<Lookback>, Unmeasured> {
    let Some(new) = segments.new_tokens(&capture.tokens) else { return Ok(None) };
    let of_head = |layer: usize, head: usize| {
        let head = capture.layers[layer].head(head);
        let (mut sum, mut count, mut rows) = (0.0, 0_usize, Rows::default());
        for first in new.clone().step_by(QUERIES) {
            if is_stopped() {
                return Err(Unmeasured::Stopped);
            }
            let queries = first..(first + QUERIES).min(new.end);
            head.rows(queries.clone(), &mut rows);
            for (query, row) in queries.zip(rows.iter()) {
                if let Some(ratio) = ratio(row.first_key, row.weights, new.start, query) {
                    (sum, count) = (sum + ratio, count + 1);
                }
            }
        }
        Ok((count > 0).then(|| (sum / count as f64) as f32))
    };
    let mut ratios = Vec::with_capacity(capture.layers.len());
    for (layer, of) in capture.layers.iter().enumerate() {
        let heads = (0..of.heads.len()).into_par_iter().map(|head| of_head(layer, head));
        ratios.push(heads.collect::<Result<Vec<_>, _>>()?);
    }
    Ok(Some(Lookback { new, ratios }))
}

/// The ratio of a row, whose first key is `first_key`.
fn ratio(first_key: usize, weights: &[f32], new: usize, query: usize) -> Option<f64> {
    let (context, own) = weights.split_at(new.saturating_sub(first_key).min(weights.len()));
    let mean = |weights: &[f32], tokens: usize| {
        weights.iter().map(|weight| f64::from(*weight)).sum::<f64>() / tokens as f64
    };
    let (context, own) = (mean(context, new), mean(own, query + 1 - new));
    (context + own > 0.0).then(|| context / (context + own))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_compared_and_not_sums() {
        // Three context tokens with 0.6 in all, one new one with 0.2, a sink with the rest: 0.2 and 0.2.
        assert_eq!(ratio(0, &[0.25, 0.25, 0.25, 0.25], 3, 3), Some(0.5));
        let found = ratio(0, &[0.3, 0.2, 0.1, 0.1, 0.3], 3, 4).unwrap();
        assert!((found - 0.5).abs() < 1e-6, "{found}");
        assert_eq!(ratio(0, &[0.0, 0.5, 0.5], 1, 2), Some(0.0));
        assert_eq!(ratio(0, &[0.5, 0.0], 1, 1), Some(1.0));
        assert_eq!(ratio(0, &[0.0, 0.0], 1, 1), None, "all of it is the sink's");
    }

    #[test]
    fn a_window_that_hides_the_context_hides_nothing_of_its_length() {
        // Keys 2 and 3 of context 0..3 and new 3..5: the mean over three of them is 0.5 / 3.
        let found = ratio(2, &[0.5, 0.25, 0.25], 3, 4).unwrap();
        let expected = (0.5 / 3.0) / (0.5 / 3.0 + 0.25);
        assert!((found - expected).abs() < 1e-9, "{found}");
        assert_eq!(ratio(3, &[0.5, 0.5], 3, 4), Some(0.0), "none of the context is in sight");
    }
}
