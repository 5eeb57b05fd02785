//! Attention on the CPU. A row of one head is computed, used for everything while it is in the cache, and forgotten. No
//! S × S matrix is ever in memory.

use std::ops::Range;

use rayon::prelude::*;

use super::heads::{Attended, HeadInputs};
use crate::attention::{
    CausalMatrix, HeadSummary, HeadSums, PromptIndex, RowsMut, thumbnail_bin, tokens_per_cell,
};
use crate::kernels::attention::{Head, PackedKeys, QUERIES, Rows};
use crate::model::ModelError;
use crate::model::host::{self, Buffer, with_values};

/// Queries that a thread takes at a time, at least, and if there are enough for all: the keys and values of a head
/// stay in a core's cache for so many.
const BLOCK_QUERIES: [usize; 2] = [16, 64];
/// Blocks for each thread, if there are enough: later ones take longer.
const BLOCKS: usize = 8;

/// Attends with the kernels; the context goes to `buffer`.
///
/// # Errors
/// If a tensor is not on the CPU.
pub fn attend(inputs: &HeadInputs<'_>, index: &PromptIndex, buffer: &Buffer) -> Result<Attended, ModelError> {
    with_values(&inputs.query, |query| {
        with_values(&inputs.key, |key| {
            with_values(&inputs.value, |value| attend_values(inputs, [query, key, value], index, buffer))
        })
    })???
}

fn attend_values(
    inputs: &HeadInputs<'_>,
    [query, key, value]: [&[f32]; 3],
    index: &PromptIndex,
    buffer: &Buffer,
) -> Result<Attended, ModelError> {
    let (heads, tokens, head_dim) = inputs.query.dims3()?;
    let stride = tokens * head_dim;
    let keys: Vec<PackedKeys> = key.par_chunks(stride).map(|key| PackedKeys::new(key, head_dim)).collect();
    let group = heads / keys.len();
    let layer = LayerHeads {
        heads: (0..heads)
            .map(|head| Head {
                query: &query[head * stride..][..stride],
                keys: &keys[head / group],
                rule: inputs.rule.of_head(head),
            })
            .collect(),
        values: (0..heads).map(|head| &value[head / group * stride..][..stride]).collect(),
        head_dim,
        index,
    };

    let has_sinks = inputs.rule.sinks.is_some();
    let (bin, small_bin) = (tokens_per_cell(tokens), thumbnail_bin(tokens));
    // A block's queries fill whole rows of every matrix, so that no two threads write to the same row.
    let [least, most] = BLOCK_QUERIES;
    let block_queries = (tokens / (BLOCKS * rayon::current_num_threads())).clamp(least, most);
    let block_queries = block_queries.next_multiple_of(small_bin);
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
    let context = buffer.tensor((tokens, heads * head_dim))?;
    let done: Vec<BlockDone> = host::update(&context, |context| {
        let contexts = context.par_chunks_mut(block_queries * heads * head_dim);
        let blocks = blocks.into_par_iter().zip(contexts).with_max_len(1);
        blocks.map(|(block, context)| layer.attend(block, context)).collect()
    })?;

    let mut sums = vec![HeadSums::default(); heads];
    for block in &done {
        sums.iter_mut().zip(&block.sums).for_each(|(sum, block)| sum.merge(block));
    }
    Ok(Attended {
        context,
        log_sum_exp: done.iter().map(|block| &block.log_sum_exp[..]).collect::<Vec<_>>().concat(),
        mean,
        heads: sums
            .iter()
            .zip(thumbnails)
            .map(|(sums, thumbnail)| HeadSummary { statistics: sums.finish(), thumbnail })
            .collect(),
    })
}

struct LayerHeads<'a> {
    heads: Vec<Head<'a, &'a PackedKeys>>,
    /// For each query head the values of its key/value head, \[S, head_dim\].
    values: Vec<&'a [f32]>,
    head_dim: usize,
    index: &'a PromptIndex,
}

/// Some queries, and the rows of the layer's matrices that are theirs.
struct Block<'a> {
    queries: Range<usize>,
    mean: RowsMut<'a>,
    thumbnails: Vec<RowsMut<'a>>,
}

struct BlockDone {
    /// \[queries, heads\]
    log_sum_exp: Vec<f32>,
    /// One per head.
    sums: Vec<HeadSums>,
}

impl LayerHeads<'_> {
    /// Writes what the block's queries take from the values to `context` \[queries, heads · head_dim\].
    fn attend(&self, mut block: Block<'_>, context: &mut [f32]) -> BlockDone {
        let heads = self.heads.len();
        let head_dim = self.head_dim;
        let queries = block.queries.len();
        let mut done =
            BlockDone { log_sum_exp: vec![0.0; queries * heads], sums: vec![HeadSums::default(); heads] };
        context.fill(0.0);
        let (mut rows, mut highest) = (Rows::default(), Vec::new());
        for (at, head) in self.heads.iter().enumerate() {
            for first in block.queries.clone().step_by(QUERIES) {
                let group = first..(first + QUERIES).min(block.queries.end);
                head.rows(group.clone(), &mut rows);
                let before = first - block.queries.start;
                let context = &mut context[(before * heads + at) * head_dim..];
                rows.add_values(self.values[at], head_dim, context, heads * head_dim);
                for (query, row) in group.clone().zip(rows.iter()) {
                    done.log_sum_exp[(query - block.queries.start) * heads + at] = row.norm.log_sum_exp;
                    done.sums[at].add_row(query, row.first_key, row.weights, row.norm, self.index);
                    block.mean.add_row(query, row.first_key, row.weights, row.norm.sink, 1.0 / heads as f32);
                }
                block.thumbnails[at].raise_rows(group, &rows, &mut highest);
            }
        }
        done
    }
}
