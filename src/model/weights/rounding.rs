//! Linear weights that are rounded to blocks when they are loaded: the same model, quantised.

use super::stored::{Kind, Stored, is_packed, transposed};
use super::{Bytes, HostMatrix, Matrix, Weights};
use crate::kernels::blocks::{self, BlockType};
use crate::model::ModelError;
use crate::vocabulary::Rounding;

impl Weights<'_> {
    /// Rounds the linear weights that will be asked for.
    ///
    /// # Errors
    /// If they are in blocks already.
    pub fn round_to(&mut self, rounding: Rounding) -> Result<(), ModelError> {
        let packed = self
            .model_tensors()
            .find(|(_, stored)| is_packed(stored.kind) || matches!(stored.kind, Kind::Blocks(_)));
        if let Some((name, stored)) = packed {
            let what = format!(
                "is quantised already ({}): take the model in bf16 or f32 to round it to {rounding}",
                stored.kind
            );
            return Err(stored.error(name, what));
        }
        self.rounding = Some(rounding);
        Ok(())
    }

    /// Checks that nothing is asked to be rounded that can't be: experts that all lie in one tensor.
    ///
    /// # Errors
    /// If it is.
    pub fn check_rounds_stacks(&self, name: &str) -> Result<(), ModelError> {
        match self.rounding {
            None => Ok(()),
            Some(rounding) => Err(ModelError::Invalid(format!(
                "{name}: experts that lie in one tensor are not rounded to {rounding}: take a model without experts"
            ))),
        }
    }

    /// A linear weight \[out, in\] of these sizes \[in, out\], rounded; `None` if none are, or rows aren't whole blocks.
    /// Files have it so, or with `in_out` the other way round.
    ///
    /// # Errors
    /// As [`tensor`](Self::tensor), or if a scale is beyond what a block can hold.
    pub fn rounded(
        &mut self,
        name: &str,
        [from, to]: [usize; 2],
        in_out: bool,
    ) -> Result<Option<Matrix>, ModelError> {
        let Some(kind) = self.rounds_rows(from) else { return Ok(None) };
        let shape = if in_out { [from, to] } else { [to, from] };
        let mut values = self.host_tensor(name, &shape)?;
        let (name, stored) = self.find(name, &shape)?;
        if in_out {
            values = transposed(&values, from);
        }
        let blocks = blocks::encode(kind, &values).expect("a rounding is a type that is written");
        if let Some(at) = blocks::first_broken(kind, &blocks) {
            let what = format!(
                "is too large for {}, in row {}: take another rounding",
                kind.name(),
                at * kind.values() / from
            );
            return Err(stored.error(name, what));
        }
        stored.bytes.release();
        if self.placement.mapped {
            let blocks = Bytes::owned_blocks(blocks);
            return Ok(HostMatrix::in_place(Kind::Blocks(kind), || blocks.clone(), from).map(Matrix::Host));
        }
        let values = blocks::decode_all(kind, &blocks);
        Ok(Some(Matrix::Device(self.placement.place(values, &[to, from], self.placement.dtype)?)))
    }

    /// What a tensor will be rounded to, if it is a linear weight and that is asked for.
    pub(super) fn rounds_to(&self, name: &str, stored: &Stored) -> Option<BlockType> {
        if !self.expected.is_linear(name, stored) {
            return None;
        }
        self.rounds_rows(stored.shape[usize::from(!self.expected.in_out)])
    }

    /// What rows of so many values are rounded to: nothing, if they aren't whole blocks.
    fn rounds_rows(&self, from: usize) -> Option<BlockType> {
        self.rounding.map(block_type).filter(|kind| from.is_multiple_of(kind.values()))
    }
}

fn block_type(rounding: Rounding) -> BlockType {
    match rounding {
        Rounding::Q8_0 => BlockType::Q8_0,
        Rounding::Q4_0 => BlockType::Q4_0,
        Rounding::Mxfp4 => BlockType::Mxfp4,
    }
}
