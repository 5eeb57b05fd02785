//! A comparison with what its colour scales are to show.

use super::alignment::Granularity;
use super::{Capture, Comparison, Extent, Normalisation, Texts, View};

/// A comparison with what its colour scales are to show.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasuredComparison {
    /// The matrices.
    pub comparison: Comparison,
    /// What rows and columns stand for.
    pub labels: Vec<String>,
    /// For each normalisation: the extent of the difference, and that of both sides.
    pub extents: [(Extent, Extent); Normalisation::ALL.len()],
}

impl MeasuredComparison {
    /// Compares two captures, of one text or of two, in these views of them.
    ///
    /// # Errors
    /// If the prompt is too long, two texts share nothing, or a capture has no such view.
    pub fn of_views(
        captures: [&Capture; 2],
        views: [View; 2],
        granularity: Granularity,
        texts: Texts,
    ) -> Result<Self, String> {
        let matrix = |at: usize| captures[at].matrix(views[at]).map_err(|error| error.to_string());
        let matrices = [matrix(0)?, matrix(1)?];
        let sides = [0, 1].map(|at: usize| (&*captures[at].tokens, &matrices[at]));
        let comparison = Comparison::new(sides, granularity, texts).map_err(|error| error.to_string())?;
        let extents = Normalisation::ALL.map(|normalisation| {
            let [left, right] = comparison.sides().each_ref().map(|side| normalisation.extent(side));
            (comparison.extent(normalisation), left.and(right))
        });
        let labels = comparison.pieces().iter().map(|piece| piece.label.clone()).collect();
        Ok(Self { comparison, labels, extents })
    }
}
