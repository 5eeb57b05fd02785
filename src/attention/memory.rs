//! The memory that captures take together. What they share counts once.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Capture, LayerCapture};

/// Bytes that some captures take together: their numbers, without names and the like.
pub fn memory<'a>(captures: impl IntoIterator<Item = &'a Capture>) -> u64 {
    let mut seen = HashSet::new();
    let mut bytes = 0;
    for capture in captures {
        bytes += size_of_val(capture.logits.as_slice());
        bytes += of_chunks(capture.mean.chunks(), &mut seen);
        for layer in &capture.layers {
            if seen.insert(Arc::as_ptr(layer).addr()) {
                bytes += of_layer(layer, &mut seen);
            }
        }
    }
    bytes as u64
}

fn of_layer(layer: &LayerCapture, seen: &mut HashSet<usize>) -> usize {
    let LayerCapture { query, key, value, value_norms, log_sum_exp, sums, mean, heads, .. } = layer;
    let rows = [query, value_norms, log_sum_exp, sums.rows()].into_iter().flat_map(|rows| rows.chunks());
    let panels = [key, value].into_iter().flat_map(|panels| panels.chunks());
    let matrices = heads.iter().map(|head| &head.thumbnail).chain([mean]).flat_map(|matrix| matrix.chunks());
    of_chunks(rows.chain(panels).chain(matrices), seen)
}

fn of_chunks<'a>(chunks: impl IntoIterator<Item = &'a Arc<Vec<f32>>>, seen: &mut HashSet<usize>) -> usize {
    let new = chunks.into_iter().filter(|chunk| seen.insert(Arc::as_ptr(chunk).addr()));
    new.map(|chunk| size_of::<f32>() * chunk.capacity()).sum()
}
