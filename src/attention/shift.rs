//! How far the heads of two models of one shape are apart: of a base model and its instruct version, of one that is full
//! and one that is quantised, of two revisions.

use rayon::prelude::*;

use super::alignment::Granularity;
use super::{Capture, CausalMatrix, Comparison, TOO_LONG, Texts, View, mean_divergence};

/// How far a head of one model is from the same head of another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeadShift {
    /// Layer, from zero.
    pub layer: usize,
    /// Query head of that layer, from zero.
    pub head: usize,
    /// Jensen-Shannon divergence of a row of both, the sink among its outcomes, in nats; the mean over queries.
    pub divergence: f32,
    /// Share of queries whose strongest key differs, from 0 to 1.
    pub flips: f32,
}

impl HeadShift {
    /// The head.
    pub fn view(&self) -> View {
        View::Head { layer: self.layer, head: self.head }
    }

    /// Sorts heads, those that are furthest apart first; equal ones stay in order.
    pub fn sort(heads: &mut [Self]) {
        heads.sort_by(|a, b| b.divergence.total_cmp(&a.divergence).then(b.flips.total_cmp(&a.flips)));
    }
}

/// Checks that each head of a capture has one in the other to be compared with.
///
/// # Errors
/// If it hasn't: why, and what to do.
pub fn check_shape(left: &Capture, right: &Capture) -> Result<(), &'static str> {
    let shape = |capture: &Capture| (capture.model.layers, capture.model.heads);
    if shape(left) != shape(right) {
        return Err(
            "these models have other numbers of layers or heads: heads are matched between models of one shape",
        );
    }
    if [left, right].iter().any(|capture| capture.mean.bin() > 1) {
        return Err(TOO_LONG);
    }
    Ok(())
}

/// How far the heads of a layer are apart, in order. Where the tokens are not the same, rows are those of the pieces that both
/// texts have: [`Comparison`].
///
/// # Errors
/// If they can't be compared (see [`check_shape`]), two texts share nothing, or there is no such layer.
pub fn shifted_heads(left: &Capture, right: &Capture, layer: usize) -> Result<Vec<HeadShift>, String> {
    check_shape(left, right)?;
    let ids = |capture: &Capture| capture.tokens.iter().map(|token| token.id).collect::<Vec<_>>();
    let is_same = ids(left) == ids(right);
    let shift = |head: usize| {
        let view = View::Head { layer, head };
        let matrix = |capture: &Capture| capture.matrix(view).map_err(|error| error.to_string());
        let (a, b) = (matrix(left)?, matrix(right)?);
        if !is_same {
            let sides = [(&*left.tokens, &a), (&*right.tokens, &b)];
            let compared = Comparison::new(sides, Granularity::Pieces, Texts::Different)
                .map_err(|error| error.to_string())?;
            let ([a, b], divergence) = (compared.sides(), compared.mean_divergence());
            return Ok(HeadShift { layer, head, divergence, flips: flips(a, b) });
        }
        Ok(HeadShift { layer, head, divergence: mean_divergence(&a, &b), flips: flips(&a, &b) })
    };
    (0..left.model.heads).into_par_iter().map(shift).collect()
}

/// The share of rows whose largest cell is at another key; the first of several counts. 0 of none.
fn flips(a: &CausalMatrix, b: &CausalMatrix) -> f32 {
    let strongest = |row: &[f32]| {
        let keys = (0..row.len()).rev();
        keys.max_by(|x, y| row[*x].total_cmp(&row[*y]))
    };
    let count = (0..a.size()).filter(|row| strongest(a.row(*row)) != strongest(b.row(*row))).count();
    count as f32 / a.size().max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows (1), (½ ½), (¼ ¼ ½) and (½; sink ½), (0, 1), (½ ¼ ¼): of three, rows 1 and 2 have another strongest key.
    #[test]
    fn flips_by_hand() {
        let a = CausalMatrix::from_cells(3, vec![1.0, 0.5, 0.5, 0.25, 0.25, 0.5], None);
        let sinks = Some(vec![0.5, 0.0, 0.0]);
        let b = CausalMatrix::from_cells(3, vec![0.5, 0.0, 1.0, 0.5, 0.25, 0.25], sinks);
        assert!((flips(&a, &b) - 2.0 / 3.0).abs() < 1e-6);
        assert_eq!((flips(&a, &a), mean_divergence(&a, &a)), (0.0, 0.0));
        assert_eq!(
            flips(&CausalMatrix::from_cells(0, vec![], None), &CausalMatrix::from_cells(0, vec![], None)),
            0.0
        );
    }

    #[test]
    fn heads_that_are_furthest_apart_come_first() {
        let shift = |head, divergence, flips| HeadShift { layer: 0, head, divergence, flips };
        let mut heads = [shift(0, 0.1, 0.0), shift(1, 0.2, 0.0), shift(2, 0.1, 0.5), shift(3, 0.1, 0.0)];
        HeadShift::sort(&mut heads);
        assert_eq!(heads.map(|shift| shift.head), [1, 2, 0, 3]);
    }
}
