//! Small pictures of a layer: its heads and their mean, value-weighted.

use rayon::prelude::*;

use super::capture::THUMBNAIL_ROWS;
use super::{Capture, CausalMatrix, NoSuchView, View, Weighted};

/// Rows and columns of a picture of a layer's mean, at most.
const LAYER_ROWS: usize = 16;

/// Pictures of a layer, value-weighted.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerPictures {
    /// The mean over its heads, [`layer_picture`] of it.
    pub mean: CausalMatrix,
    /// Each of its heads: at most as large as [`HeadSummary::thumbnail`](super::HeadSummary::thumbnail).
    pub heads: Vec<CausalMatrix>,
}

/// A matrix pooled to a few cells by their maximum. Takes a while when it is first asked for: a part of it where rows are
/// known from the matrix that this one goes on from.
pub fn layer_picture(matrix: &CausalMatrix) -> &CausalMatrix {
    matrix.picture.get_or(|| {
        let bin = bin_of(matrix, LAYER_ROWS);
        let before = matrix.before.as_ref().and_then(|before| Some((before.rows / bin, before.picture()?)));
        match before.filter(|(_, picture)| picture.bin() == bin) {
            Some((rows, picture)) => raised(picture.grown(rows, matrix.size()), rows * bin, matrix),
            None => pooled(matrix, LAYER_ROWS),
        }
    })
}

impl Capture {
    /// The value-weighted pictures of a layer, for which each of its heads is computed.
    ///
    /// # Errors
    /// If the model has no such layer.
    pub fn weighted_pictures(&self, layer: usize) -> Result<LayerPictures, NoSuchView> {
        let mean = self.matrix(View::ValueWeighted(Weighted::Layer(layer)))?;
        let head = |head: usize| {
            let matrix = self.matrix(View::ValueWeighted(Weighted::Head { layer, head }))?;
            Ok(pooled(&matrix, THUMBNAIL_ROWS))
        };
        let heads = (0..self.model.heads).into_par_iter().map(head).collect::<Result<_, _>>()?;
        Ok(LayerPictures { mean: layer_picture(&mean).clone(), heads })
    }
}

/// At most so many rows and columns, each the largest value of the cells it stands for.
fn pooled(matrix: &CausalMatrix, most: usize) -> CausalMatrix {
    let room = CausalMatrix::zeros(matrix.size(), bin_of(matrix, most), matrix.sinks().is_some());
    raised(room, 0, matrix)
}

/// Rows of a matrix that are a row of a picture of at most `most` rows.
fn bin_of(matrix: &CausalMatrix, most: usize) -> usize {
    matrix.size().div_ceil(most).max(1)
}

/// A picture with the rows of a matrix from `first` on.
fn raised(mut picture: CausalMatrix, first: usize, matrix: &CausalMatrix) -> CausalMatrix {
    let mut rows = picture.rows_from(first / picture.bin());
    for query in first..matrix.size() {
        rows.raise_row(query, 0, matrix.row(query), matrix.sink(query).unwrap_or(0.0));
    }
    picture
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_the_largest_of_those_it_stands_for() {
        let cells: Vec<f32> = (0..34 * 35 / 2).map(|cell| cell as f32).collect();
        let large = CausalMatrix::from_cells(34, cells, None);
        let small = layer_picture(&large);
        assert_eq!((small.size(), small.row(0)), (12, &[5.0][..]), "three rows and columns in one");
        let same = CausalMatrix::from_cells(2, vec![1.0, 0.5, 0.25], Some(vec![0.0, 0.25]));
        assert_eq!(layer_picture(&same).row(1), [0.5, 0.25]);
    }

    /// Of a text that grows, and of one that is cut first; in cells of as many tokens, and of more.
    #[test]
    fn a_picture_goes_on_from_the_one_before() {
        let fill = |matrix: &mut CausalMatrix, from: usize, seed: usize| {
            let size = matrix.size();
            let mut rows = matrix.rows_from(from);
            for query in from..size {
                let weights: Vec<f32> =
                    (0..=query).map(|key| ((seed + 7 * query + key) % 11) as f32).collect();
                rows.add_row(query, 0, &weights, (query % 3) as f32, 1.0);
            }
        };
        for (tokens, same, more) in [(40, 40, 41), (40, 35, 48), (40, 40, 70), (9, 4, 10), (33, 2, 3)] {
            let mut matrix = CausalMatrix::zeros(tokens, 1, true);
            fill(&mut matrix, 0, 1);
            layer_picture(&matrix);
            matrix.extents();
            let mut grown = matrix.grown(same, more);
            fill(&mut grown, same, 5);
            let mut anew = CausalMatrix::zeros(more, 1, true);
            (0..more).for_each(|query| {
                let sink = grown.sink(query).unwrap();
                anew.rows_mut().add_row(query, 0, grown.row(query), sink, 1.0);
            });
            assert_eq!(layer_picture(&grown), layer_picture(&anew), "{same} of {tokens}, then {more}");
            assert_eq!(grown.extents(), anew.extents());
        }
    }
}
