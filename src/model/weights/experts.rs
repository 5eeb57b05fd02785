//! The matrices of a layer's experts, packed or not.

use candle_core::Tensor;
use rayon::prelude::*;

use super::stored::is_packed;
use super::{PackedExperts, Weights};
use crate::kernels::mxfp4::{BLOCK, BLOCK_BYTES, NAN_SCALE};
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

impl Weights<'_> {
    /// The MXFP4 matrices of a layer's experts, which `name` with `_blocks` and `_scales` hold:
    /// `count` matrices from `in_features` to `out_features` values; packed, or dense if they are to be unpacked.
    ///
    /// # Errors
    /// If one is missing, of another shape or type, or has a scale that stands for NaN.
    pub fn packed_experts(
        &mut self,
        name: &str,
        count: usize,
        in_features: usize,
        out_features: usize,
    ) -> Result<ExpertMatrices, ModelError> {
        if !in_features.is_multiple_of(BLOCK) {
            return Err(ModelError::Invalid(format!(
                "{name}: rows of {in_features} values can't be packed in blocks of {BLOCK}"
            )));
        }
        let mut part = |suffix: &str, shape: &[usize]| {
            let name = format!("{name}_{suffix}");
            let (name, stored) = self.find(&name, shape)?;
            if !is_packed(stored.kind) {
                let what = format!("holds {} where bytes are expected", stored.kind);
                return Err(stored.error(name, self.evidence().with_cause(name, &what)));
            }
            if suffix == "scales" && stored.bytes.as_slice().par_iter().any(|&scale| scale == NAN_SCALE) {
                return Err(stored.error(name, "holds a scale that stands for NaN: the checkpoint is broken"));
            }
            let bytes = stored.bytes.clone();
            self.step()?;
            Ok(bytes)
        };
        let groups = in_features / BLOCK;
        let blocks = part("blocks", &[count, out_features, groups, BLOCK_BYTES])?;
        let scales = part("scales", &[count, out_features, groups])?;
        let packed = PackedExperts::new(blocks, scales, [count, in_features, out_features], &self.placement)?;
        if self.placement.unpacked {
            return Ok(ExpertMatrices::Dense(packed.unpacked(&self.cancel)?));
        }
        self.packed = true;
        Ok(ExpertMatrices::Packed(packed))
    }
}
