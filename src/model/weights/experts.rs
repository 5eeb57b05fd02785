//! The matrices of a layer's experts, packed or not.

use candle_core::Tensor;

use super::PackedExperts;
use crate::kernels::mxfp4::{BLOCK, BLOCK_BYTES};
use crate::model::ModelError;

/// One matrix per expert.
pub enum ExpertMatrices {
    /// MXFP4, decoded when used.
    Packed(PackedExperts),
    /// \[experts, in, out\]
    Dense(Tensor),
}

impl ExpertMatrices {
    /// Weights of all experts.
    pub fn weights(&self) -> usize {
        match self {
            ExpertMatrices::Packed(packed) => packed.weights(),
            ExpertMatrices::Dense(matrices) => matrices.elem_count(),
        }
    }

    /// Bytes they take.
    pub fn bytes(&self) -> u64 {
        match self {
            ExpertMatrices::Packed(packed) => (packed.weights() / BLOCK * (BLOCK_BYTES + 1)) as u64,
            ExpertMatrices::Dense(matrices) => {
                (matrices.elem_count() * matrices.dtype().size_in_bytes()) as u64
            }
        }
    }

    /// x W + the expert's row of `biases`: \[tokens, in\] → \[tokens, out\].
    ///
    /// # Errors
    /// If the device fails.
    pub fn forward(&self, expert: usize, x: &Tensor, biases: &Tensor) -> Result<Tensor, ModelError> {
        let bias = biases.get(expert)?;
        match self {
            ExpertMatrices::Packed(packed) => packed.forward(expert, x, &bias),
            ExpertMatrices::Dense(matrices) => Ok(x.matmul(&matrices.get(expert)?)?.broadcast_add(&bias)?),
        }
    }
}
