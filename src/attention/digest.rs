//! What the viewer shows of a capture besides its matrices, computed once, where the pass ran.

use super::matrix::CausalMatrix;
use super::scale::Extent;

/// What the viewer shows of a capture besides its matrices.
#[derive(Debug)]
pub struct Digest {
    /// What each row, and each column, of its matrices stands for: `Capture::labels`.
    pub labels: Vec<String>,
    /// Whether each row, and each column, stands for special tokens only: they are no text.
    pub special: Vec<bool>,
    /// A small picture of the mean of each layer.
    pub layer_pictures: Vec<CausalMatrix>,
    /// What one colour scale of the thumbnails of all heads is to show.
    pub heads: Extent,
}
