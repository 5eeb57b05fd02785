//! What a model would write next.

use candle_core::{Device, Tensor};
use candle_transformers::generation::{LogitsProcessor, Sampling};

use super::{Cancel, Model, ModelError};

/// The `count` ids that follow `ids` if the likeliest is taken each time. Every one costs a whole pass: nothing
/// is kept from one to the next.
///
/// # Errors
/// If `ids` and what follows don't fit the model, or `cancel` was raised.
pub fn greedy(model: &Model, ids: &[u32], count: usize, cancel: &Cancel) -> Result<Vec<u32>, ModelError> {
    let mut processor = LogitsProcessor::from_sampling(0, Sampling::ArgMax);
    let mut all = ids.to_vec();
    for _ in 0..count {
        let capture = model.run(model.tokens_from_ids(&all)?, cancel, &mut |_| ())?;
        all.push(processor.sample(&Tensor::new(capture.logits.as_slice(), &Device::Cpu)?)?);
    }
    Ok(all.split_off(ids.len()))
}
