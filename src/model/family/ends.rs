//! Both ends of a decoder: the embedding of tokens, and the output head.

use crate::model::ModelError;
use crate::model::decoder::Linear;
use crate::model::spec::DecoderSpec;
use crate::model::weights::{Matrix, Weights};

/// The embedding and the output head, by transformers' rule. Where config.json ties them and the file has one, it is
/// both. Where the file has both, each is what the file says, whatever config.json says. A head that is neither in
/// the file nor tied does not exist.
///
/// # Errors
/// If there is no embedding, or one of them isn't as config.json says.
pub fn ends(
    spec: &DecoderSpec,
    weights: &mut Weights<'_>,
    embedding: &str,
) -> Result<(Matrix, Option<Linear>), ModelError> {
    const HEAD: &str = "lm_head.weight";
    let shape = [spec.vocabulary, spec.hidden];
    let linear = |matrix| Linear::out_in(matrix, None, spec.vocabulary);
    let (has_embedding, has_head) = (weights.contains(embedding), weights.contains(HEAD));
    if !has_embedding && has_head && spec.tied_head {
        let both = weights.matrix(HEAD, shape)?;
        return Ok((both.clone(), Some(linear(both))));
    }
    let matrix = weights.matrix(embedding, shape)?;
    let head = match has_head {
        // A copy takes no memory of its own.
        true if weights.are_same(embedding, HEAD) => Some(matrix.clone()),
        true => Some(weights.matrix(HEAD, shape)?),
        false => spec.tied_head.then(|| matrix.clone()),
    };
    Ok((matrix, head.map(linear)))
}
