//! Attention on the CPU: a row of one head is computed, used for everything it is needed for while it is in
//! the cache, and forgotten. No S × S matrix is ever there.

use std::ops::Range;

use candle_core::{Device, Tensor};
use rayon::prelude::*;

use super::attention::{Attended, HeadInputs};
use crate::attention::{
    CausalMatrix, HeadSummary, HeadSums, RowsMut, TokenRepeats, thumbnail_bin, tokens_per_cell,
};
use crate::kernels::attention::{Head, add_weighted_values};
use crate::model::ModelError;

/// Queries that a thread takes at a time, at least.
const BLOCK_QUERIES: usize = 16;

/// Attends with the kernels.
///
/// # Errors
/// If a tensor is not on the CPU.
pub fn attend(inputs: &HeadInputs<'_>, repeats: &TokenRepeats) -> Result<Attended, ModelError> {
    let (heads, tokens, head_dim) = inputs.query.dims3()?;
    let host = |x: &Tensor| x.flatten_all()?.to_vec1::<f32>();
    let (query, key, value) = (host(&inputs.query)?, host(&inputs.key)?, host(&inputs.value)?);
    let group = heads / inputs.key.dim(0)?;
    let stride = tokens * head_dim;
    let layer = LayerHeads {
        heads: (0..heads)
            .map(|head| Head {
                query: &query[head * stride..][..stride],
                key: &key[head / group * stride..][..stride],
                head_dim,
                scale: inputs.layer.scale,
                window: inputs.layer.window,
                sink: inputs.sinks.map(|sinks| sinks[head]),
            })
            .collect(),
        values: (0..heads).map(|head| &value[head / group * stride..][..stride]).collect(),
        repeats,
    };

    let has_sinks = inputs.sinks.is_some();
    let (bin, small_bin) = (tokens_per_cell(tokens), thumbnail_bin(tokens));
    // A block's queries fill whole rows of every matrix, so that no two threads write to the same row.
    let block_queries = small_bin * BLOCK_QUERIES.div_ceil(small_bin);
    let mut mean = CausalMatrix::zeros(tokens, bin, has_sinks);
    let mut thumbnails = vec![CausalMatrix::zeros(tokens, small_bin, has_sinks); heads];
    let mut thumbnail_blocks: Vec<_> = thumbnails
        .iter_mut()
        .map(|matrix| matrix.blocks_mut(block_queries / small_bin).into_iter())
        .collect();
    let blocks: Vec<_> = mean
        .blocks_mut(block_queries / bin)
        .into_iter()
        .enumerate()
        .map(|(at, mean)| Block {
            queries: at * block_queries..((at + 1) * block_queries).min(tokens),
            mean,
            thumbnails: thumbnail_blocks.iter_mut().filter_map(Iterator::next).collect(),
        })
        .collect();
    let done: Vec<BlockDone> = blocks.into_par_iter().map(|block| layer.attend(block)).collect();

    let mut sums = vec![HeadSums::default(); heads];
    for block in &done {
        sums.iter_mut().zip(&block.sums).for_each(|(sum, block)| sum.merge(block));
    }
    let join = |part: fn(&BlockDone) -> &Vec<f32>| done.iter().flat_map(part).copied().collect::<Vec<f32>>();
    Ok(Attended {
        context: Tensor::from_vec(join(|block| &block.context), (tokens, heads * head_dim), &Device::Cpu)?,
        log_sum_exp: join(|block| &block.log_sum_exp),
        mean,
        heads: sums
            .iter()
            .zip(thumbnails)
            .map(|(sums, thumbnail)| HeadSummary { statistics: sums.finish(), thumbnail })
            .collect(),
    })
}

struct LayerHeads<'a> {
    heads: Vec<Head<'a>>,
    /// For each query head the values of its key/value head, \[S, head_dim\].
    values: Vec<&'a [f32]>,
    repeats: &'a TokenRepeats,
}

/// Some queries, and the rows of the layer's matrices that are theirs.
struct Block<'a> {
    queries: Range<usize>,
    mean: RowsMut<'a>,
    thumbnails: Vec<RowsMut<'a>>,
}

struct BlockDone {
    /// \[queries, heads · head_dim\]
    context: Vec<f32>,
    /// \[queries, heads\]
    log_sum_exp: Vec<f32>,
    /// One per head.
    sums: Vec<HeadSums>,
}

impl LayerHeads<'_> {
    fn attend(&self, mut block: Block<'_>) -> BlockDone {
        let heads = self.heads.len();
        let head_dim = self.heads[0].head_dim;
        let queries = block.queries.len();
        let mut done = BlockDone {
            context: vec![0.0; queries * heads * head_dim],
            log_sum_exp: vec![0.0; queries * heads],
            sums: vec![HeadSums::default(); heads],
        };
        let mut weights = Vec::new();
        for (at, head) in self.heads.iter().enumerate() {
            for (row, query) in block.queries.clone().enumerate() {
                let keys = head.visible(query);
                let norm = head.row(query, &mut weights);
                let values = &self.values[at][keys.start * head_dim..keys.end * head_dim];
                let context = &mut done.context[(row * heads + at) * head_dim..][..head_dim];
                add_weighted_values(&weights, values, context);
                done.log_sum_exp[row * heads + at] = norm.log_sum_exp;
                done.sums[at].add_row(query, keys.start, &weights, norm, self.repeats);
                block.mean.add_row(query, keys.start, &weights, norm.sink, 1.0 / heads as f32);
                block.thumbnails[at].raise_row(query, keys.start, &weights, norm.sink);
            }
        }
        done
    }
}
