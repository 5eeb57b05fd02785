//! What is large in the residual stream of a pass.

use candle_core::DType;

use super::lens::ResidualStream;
use super::{Cancel, Model, ModelError};
use crate::attention::sinks::StateActivations;
use crate::model::host::with_host_values;

impl Model {
    /// What is large in each state of a residual stream: after the embedding, and after each layer.
    ///
    /// # Errors
    /// If it was cancelled, or the device failed.
    pub fn activations(
        &self,
        stream: &ResidualStream,
        cancel: &Cancel,
    ) -> Result<Vec<StateActivations>, ModelError> {
        let mut found = Vec::with_capacity(stream.states().len());
        for state in stream.states() {
            cancel.check()?;
            let hidden = state.dim(1)?;
            let state = state.to_dtype(DType::F32)?.contiguous()?;
            found.push(with_host_values(&state, |values| StateActivations::new(values, hidden))?);
            self.watch.check()?;
        }
        Ok(found)
    }
}
