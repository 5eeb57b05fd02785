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

/// A matrix pooled to a few cells by their maximum.
pub fn layer_picture(matrix: &CausalMatrix) -> CausalMatrix {
    pooled(matrix, LAYER_ROWS)
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
        Ok(LayerPictures { mean: layer_picture(&mean), heads })
    }
}

/// At most so many rows and columns, each the largest value of the cells it stands for.
fn pooled(matrix: &CausalMatrix, most: usize) -> CausalMatrix {
    let size = matrix.size();
    let bin = size.div_ceil(most).max(1);
    let mut pooled = CausalMatrix::zeros(size, bin, matrix.sinks().is_some());
    let mut rows = pooled.rows_mut();
    for query in 0..size {
        rows.raise_row(query, 0, matrix.row(query), matrix.sink(query).unwrap_or(0.0));
    }
    pooled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_the_largest_of_those_it_stands_for() {
        let cells: Vec<f32> = (0..34 * 35 / 2).map(|cell| cell as f32).collect();
        let small = layer_picture(&CausalMatrix::from_cells(34, cells, None));
        assert_eq!((small.size(), small.row(0)), (12, &[5.0][..]), "three rows and columns in one");
        let same = CausalMatrix::from_cells(2, vec![1.0, 0.5, 0.25], Some(vec![0.0, 0.25]));
        assert_eq!(layer_picture(&same).row(1), [0.5, 0.25]);
    }
}
