//! Both ends of a decoder: the embedding of tokens, and the output head.

use crate::model::ModelError;
use crate::model::decoder::Linear;
use crate::model::spec::DecoderSpec;
use crate::model::weights::{Matrix, Weights};

/// The embedding and the output head, by transformers' rule: of two that config.json ties, the one in the file is both;
/// if both are there, each is what it is, whatever config.json says. A model whose head is neither there nor tied has
/// none.
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
        // A copy takes no room of its own.
        true if weights.are_same(embedding, HEAD) => Some(matrix.clone()),
        true => Some(weights.matrix(HEAD, shape)?),
        false => spec.tied_head.then(|| matrix.clone()),
    };
    Ok((matrix, head.map(linear)))
}
