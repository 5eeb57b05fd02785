//! Attention on the CPU. A row of one head is computed, used for everything while it is in the cache, and forgotten. No
//! S × S matrix is ever in memory.

use std::ops::Range;

use rayon::prelude::*;

use super::heads::{Attended, HostHeads};
use super::past::{Folding, PastLayer};
use crate::attention::{PromptIndex, ROW_SUMS, RowsMut, row_sums};
use crate::kernels::attention::{Head, QUERIES, Rows};
use crate::model::ModelError;
use crate::model::host::{self, Buffer};

/// Queries that a thread takes at a time, at least, and if there are enough for all: the keys and values of a head
/// stay in a core's cache for so many.
const BLOCK_QUERIES: [usize; 2] = [16, 64];
/// Blocks for each thread, if there are enough: later ones take longer.
const BLOCKS: usize = 8;

/// Attends with the kernels, from the tokens on that are not known from an earlier pass; the context goes to `buffer`.
///
/// # Errors
/// If a tensor is not on the CPU.
pub fn attend(
    heads: &HostHeads<'_>,
    past: &PastLayer<'_>,
    index: &PromptIndex,
    buffer: &Buffer,
) -> Result<Attended, ModelError> {
    let (tokens, count) = (heads.query.tokens(), heads.heads);
    let mut folding = Folding::new(past, tokens, count, heads.rule.sinks.is_some());
    let layer = LayerHeads {
        heads: (0..count).map(|head| heads.head(head)).collect(),
        all: heads,
        known: past.tokens,
        mean_from: folding.mean_from,
        thumbnails_from: folding.thumbnails_from,
        index,
    };
    let blocks = blocks(&mut folding, tokens);
    let width = count * heads.key.head_dim();
    let context = buffer.tensor((tokens - past.tokens, width))?;
    let done: Vec<BlockDone> = host::update(&context, |context| {
        let mut rest = context;
        let blocks: Vec<_> = blocks
            .into_iter()
            .map(|block| {
                let new = block.queries.end.saturating_sub(block.queries.start.max(past.tokens));
                (block, rest.split_off_mut(..new * width).unwrap_or_default())
            })
            .collect();
        let blocks = blocks.into_par_iter().with_max_len(1);
        blocks.map(|(block, context)| layer.attend(block, context)).collect()
    })?;
    Ok(Attended {
        context,
        log_sum_exp: done.iter().flat_map(|block| block.log_sum_exp.iter().copied()).collect(),
        row_sums: done.iter().flat_map(|block| block.row_sums.iter().copied()).collect(),
        mean: folding.mean,
        thumbnails: folding.thumbnails,
    })
}

/// The queries that something is missing of, and where it goes. A block's queries fill whole rows of every matrix, so
/// that no two threads write to the same row.
fn blocks(folding: &mut Folding, tokens: usize) -> Vec<Block<'_>> {
    let bin = folding.mean.bin();
    let small_bin = folding.thumbnails.first().map_or(bin, |thumbnail| thumbnail.bin());
    let from = folding.from();
    let start = from / small_bin * small_bin;
    let [least, most] = BLOCK_QUERIES;
    let size = ((tokens - start) / (BLOCKS * rayon::current_num_threads())).clamp(least, most);
    let size = size.next_multiple_of(small_bin);
    let mut thumbnails: Vec<_> = folding
        .thumbnails
        .iter_mut()
        .map(|matrix| matrix.blocks_from(start / small_bin, size / small_bin).into_iter())
        .collect();
    let means = folding.mean.blocks_from(start / bin, size / bin);
    let block = |(at, mean): (usize, _)| {
        let first = start + at * size;
        Block {
            queries: first.max(from)..(first + size).min(tokens),
            mean,
            thumbnails: thumbnails.iter_mut().filter_map(Iterator::next).collect(),
        }
    };
    means.into_iter().enumerate().map(block).collect()
}

struct LayerHeads<'a> {
    heads: Vec<Head<'a>>,
    all: &'a HostHeads<'a>,
    /// Queries before this one are known: their rows are computed again only where a matrix waits for them.
    known: usize,
    mean_from: usize,
    thumbnails_from: usize,
    index: &'a PromptIndex,
}

/// Some queries, and the rows of the layer's matrices that are theirs.
struct Block<'a> {
    queries: Range<usize>,
    mean: RowsMut<'a>,
    thumbnails: Vec<RowsMut<'a>>,
}

struct BlockDone {
    /// \[new queries, heads\]
    log_sum_exp: Vec<f32>,
    /// \[new queries, heads · [`ROW_SUMS`]\]
    row_sums: Vec<f32>,
}

impl LayerHeads<'_> {
    /// Writes what the block's new queries take from the values to `context` \[new queries, heads · head_dim\].
    fn attend(&self, mut block: Block<'_>, context: &mut [f32]) -> BlockDone {
        let heads = self.heads.len();
        let head_dim = self.all.key.head_dim();
        let first_new = block.queries.start.max(self.known);
        let new = block.queries.end.saturating_sub(first_new);
        let mut done =
            BlockDone { log_sum_exp: vec![0.0; new * heads], row_sums: vec![0.0; new * heads * ROW_SUMS] };
        context.fill(0.0);
        let share = 1.0 / heads as f32;
        let (mut rows, mut highest) = (Rows::default(), Vec::new());
        for (at, head) in self.heads.iter().enumerate() {
            for queries in self.groups(&block.queries) {
                head.rows(queries.clone(), &mut rows);
                if queries.start >= self.known {
                    let before = queries.start - first_new;
                    let context = &mut context[(before * heads + at) * head_dim..];
                    rows.add_values((&self.all.value, self.all.kv_head(at)), context, heads * head_dim);
                    for (query, row) in queries.clone().zip(rows.iter()) {
                        let place = (query - first_new) * heads + at;
                        done.log_sum_exp[place] = row.norm.log_sum_exp;
                        let sums = row_sums(query, row.first_key, row.weights, row.norm, self.index);
                        done.row_sums[place * ROW_SUMS..][..ROW_SUMS].copy_from_slice(&sums);
                    }
                }
                if queries.start >= self.mean_from {
                    for (query, row) in queries.clone().zip(rows.iter()) {
                        block.mean.add_row(query, row.first_key, row.weights, row.norm.sink, share);
                    }
                }
                if queries.start >= self.thumbnails_from {
                    block.thumbnails[at].raise_rows(queries, &rows, &mut highest);
                }
            }
        }
        done
    }

    /// The queries in groups that are computed together, of which the same is missing.
    fn groups(&self, queries: &Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let mut edges = [self.known, self.mean_from, self.thumbnails_from, queries.end];
        edges.sort_unstable();
        let mut start = queries.start;
        let end = queries.end;
        std::iter::from_fn(move || {
            let edge = edges.into_iter().find(|edge| *edge > start)?.min(end);
            let group = start..(start + QUERIES).min(edge);
            start = group.end;
            Some(group).filter(|group| !group.is_empty())
        })
    }
}
