//! The rows of a view, one after another: what formats of numbers write.

use rayon::prelude::*;

use super::error::ExportError;
use crate::attention::{Capture, NoSuchView};
use crate::vocabulary::View;

/// One row of a square matrix.
#[derive(Debug, PartialEq)]
pub struct Row {
    /// \[S\]: the attention of a query to every key, zeros for the future.
    pub weights: Vec<f32>,
    /// What the query gave to no token; `None` for a model without sinks.
    pub sink: Option<f32>,
}

/// Rows that are computed at a time.
const BLOCK: usize = 64;

/// The rows of a view, one after another, exact at any length; a block at a time on all threads.
pub fn rows(capture: &Capture, view: View) -> impl Iterator<Item = Result<Row, ExportError>> {
    let size = capture.tokens.len();
    // A row of it takes all that are before it, so they are computed together.
    let whole = (view == View::Rollout && capture.mean.bin() == 1).then(|| capture.matrix(view));
    let row = move |query| {
        let (mut weights, sink) = match &whole {
            Some(matrix) => {
                let matrix = matrix.as_ref().map_err(NoSuchView::clone)?;
                (matrix.row(query).to_vec(), matrix.sink(query))
            }
            None if view == View::Rollout => return Err(ExportError::LongRollout(size)),
            None => capture.row(view, query)?,
        };
        weights.resize(size, 0.0);
        Ok(Row { weights, sink })
    };
    let block =
        move |start: usize| (start..size.min(start + BLOCK)).into_par_iter().map(&row).collect::<Vec<_>>();
    (0..size).step_by(BLOCK).flat_map(block)
}

/// Every head of a capture, layer after layer.
pub fn heads(capture: &Capture) -> impl Iterator<Item = View> {
    let heads = capture.model.heads;
    (0..capture.model.layers).flat_map(move |layer| (0..heads).map(move |head| View::Head { layer, head }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::example;

    #[test]
    fn rows_are_square_and_heads_in_order() {
        let capture = example::capture();
        let rows: Vec<Row> = rows(&capture, View::Mean).map(Result::unwrap).collect();
        assert_eq!(rows[0], Row { weights: vec![0.25, 0.0], sink: Some(0.75) });
        let names: Vec<String> = heads(&capture).map(|view| view.to_string()).collect();
        assert_eq!(names, ["head:0.0", "head:0.1", "head:1.0", "head:1.1"]);
    }

    #[test]
    fn rollout_is_written_token_by_token_or_not_at_all() {
        let mut capture = example::capture();
        let sums: Vec<f32> = rows(&capture, View::Rollout)
            .map(Result::unwrap)
            .map(|row| row.weights.iter().chain(&row.sink).sum())
            .collect();
        assert!(sums.iter().all(|sum| (sum - 1.0).abs() < 1e-6), "{sums:?}");
        capture.mean = crate::attention::CausalMatrix::zeros(2, 2, true);
        let error = rows(&capture, View::Rollout).next().unwrap().unwrap_err().to_string();
        assert!(error.contains("2 tokens") && error.contains("2048"), "{error}");
    }
}
