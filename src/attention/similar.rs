//! The similarity of heads to a chosen one, in its own model and in another.

use std::ops::Range;

use rayon::prelude::*;

use super::alignment::{Granularity, pieces, pooled};
use super::{Capture, CausalMatrix, View, similarity};

/// The similarity of each head to a chosen one: layer, then head.
pub type Similarities = Vec<Vec<f32>>;

/// The similarities of the heads of one or two captures of a prompt to the head `of` of the capture with index
/// `side`, by their matrices over the pieces that both captures share.
///
/// # Errors
/// If there is no such head, or the prompt is too long to be kept token by token.
pub fn similar_heads(
    captures: [Option<&Capture>; 2],
    (side, of): (usize, View),
) -> Result<[Option<Similarities>; 2], String> {
    let long = |capture: &&Capture| capture.mean.bin() > 1;
    if let Some(capture) = captures.iter().flatten().find(|capture| long(capture)) {
        return Err(format!("heads are compared over 2,048 tokens at most, not {}", capture.tokens.len()));
    }
    let ranges = shared(captures);
    let matrix = |side: usize, capture: &Capture, view: View| -> Result<CausalMatrix, String> {
        let matrix = capture.matrix(view).map_err(|error| error.to_string())?;
        Ok(pooled(&matrix, &ranges[side]))
    };
    let chosen = captures[side].ok_or("there is no such head yet")?;
    let chosen = matrix(side, chosen, of)?;
    let similarities = |side: usize| -> Result<Option<Similarities>, String> {
        let Some(capture) = captures[side] else { return Ok(None) };
        let (layers, heads) = (capture.model.layers, capture.model.heads);
        let head = |at: usize| {
            let view = View::Head { layer: at / heads, head: at % heads };
            Ok(similarity(&chosen, &matrix(side, capture, view)?))
        };
        let all = (0..layers * heads).into_par_iter().map(head).collect::<Result<Vec<f32>, String>>()?;
        Ok(Some(all.chunks(heads).map(<[f32]>::to_vec).collect()))
    };
    Ok([similarities(0)?, similarities(1)?])
}

/// The tokens of each piece on each side. Of one capture alone each token is a piece.
fn shared(captures: [Option<&Capture>; 2]) -> [Vec<Range<usize>>; 2] {
    if let [Some(left), Some(right)] = captures {
        let pieces = pieces(&left.tokens, &right.tokens, Granularity::Pieces);
        return [0, 1].map(|side: usize| pieces.iter().map(|piece| piece.tokens[side].clone()).collect());
    }
    captures.map(|capture| {
        let tokens = capture.map_or(0, |capture| capture.tokens.len());
        (0..tokens).map(|token| token..token + 1).collect()
    })
}
