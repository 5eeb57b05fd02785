//! Attention on the CPU. A row of one head is computed, used for everything while it is in the cache, and forgotten. No
//! S × S matrix is ever in memory.

use std::ops::Range;

use rayon::prelude::*;

use super::heads::{Attended, HostHeads};
use super::past::{Folding, PastLayer};
use crate::attention::{Panels, PromptIndex, ROW_SUMS, RowSums, RowsMut, row_sums};
use crate::kernels::attention::{Head, QUERIES, Row, Rows};
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
    heads: &HostHeads,
    (past, mut folding): (&PastLayer<'_>, Folding),
    index: &PromptIndex,
    buffer: &Buffer,
) -> Result<Attended, ModelError> {
    let (tokens, count) = (heads.query.tokens(), heads.heads);
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
        // Of a few queries each head takes part of the time of all; of many, a thread takes all heads of some.
        let by_head = blocks.len() < rayon::current_num_threads();
        let attend = |(block, context)| match by_head {
            true => layer.attend_by_head(block, context),
            false => layer.attend(block, context),
        };
        blocks.into_par_iter().with_max_len(1).map(attend).collect()
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
    let [least, most] = BLOCK_QUERIES;
    let size = ((tokens - from) / (BLOCKS * rayon::current_num_threads())).clamp(least, most);
    let size = size.next_multiple_of(small_bin);
    let start = from / size * size;
    // Each matrix has a part in the first block. The rows before those that it waits for stay known.
    let row = |from: usize, bin: usize| from.min(start + size - 1) / bin;
    let first = row(folding.thumbnails_from, small_bin);
    let mut thumbnails: Vec<_> = folding
        .thumbnails
        .iter_mut()
        .map(|matrix| matrix.blocks_from(first, size / small_bin).into_iter())
        .collect();
    let means = folding.mean.blocks_from(row(folding.mean_from, bin), size / bin);
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
    all: &'a HostHeads,
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

/// What a few queries of a head gave.
struct HeadGroup {
    group: Range<usize>,
    rows: Rows,
    /// \[queries, head_dim\]
    context: Vec<f32>,
    sums: Vec<(f32, RowSums)>,
}

struct BlockDone {
    /// \[new queries, heads\]
    log_sum_exp: Vec<f32>,
    /// \[new queries, heads · [`ROW_SUMS`]\]
    row_sums: Vec<f32>,
}

impl LayerHeads<'_> {
    /// Writes what the block's new queries take from the values to `context` \[new queries, heads · head_dim\].
    fn attend(&self, block: Block<'_>, context: &mut [f32]) -> BlockDone {
        let Block { queries, mut mean, mut thumbnails } = block;
        let mut done = self.nothing_done(&queries);
        context.fill(0.0);
        let (mut rows, mut highest) = (Rows::default(), Vec::new());
        for (at, thumbnail) in thumbnails.iter_mut().enumerate() {
            for group in self.groups(&queries) {
                self.heads[at].rows(group.clone(), &mut rows);
                if group.start >= self.known {
                    let first = (group.start - queries.start.max(self.known)) * self.heads.len() + at;
                    let context = &mut context[first * self.all.key.head_dim()..];
                    rows.add_values(self.values(at), context, self.heads.len() * self.all.key.head_dim());
                    done.add(&self.sums(&group, &rows), first, self.heads.len());
                }
                self.fold(&group, &rows, &mut mean);
                if group.start >= self.thumbnails_from {
                    thumbnail.raise_rows(group, &rows, &mut highest);
                }
            }
        }
        done
    }

    /// The same with the heads shared out among threads, for which the rows of all heads are in memory at once.
    fn attend_by_head(&self, block: Block<'_>, context: &mut [f32]) -> BlockDone {
        let Block { queries, mut mean, thumbnails } = block;
        let (heads, head_dim) = (self.heads.len(), self.all.key.head_dim());
        let head = |(at, mut thumbnail): (usize, RowsMut<'_>)| -> Vec<HeadGroup> {
            let mut highest = Vec::new();
            let group = |group: Range<usize>| {
                let mut rows = Rows::default();
                self.heads[at].rows(group.clone(), &mut rows);
                let (mut context, mut sums) = (Vec::new(), Vec::new());
                if group.start >= self.known {
                    context.resize(group.len() * head_dim, 0.0);
                    rows.add_values(self.values(at), &mut context, head_dim);
                    sums = self.sums(&group, &rows);
                }
                if group.start >= self.thumbnails_from {
                    thumbnail.raise_rows(group.clone(), &rows, &mut highest);
                }
                HeadGroup { group, rows, context, sums }
            };
            self.groups(&queries).map(group).collect()
        };
        let groups: Vec<Vec<HeadGroup>> = thumbnails.into_par_iter().enumerate().map(head).collect();
        let mut done = self.nothing_done(&queries);
        for (at, HeadGroup { group, rows, context: own, sums }) in groups
            .into_iter()
            .enumerate()
            .flat_map(|(at, groups)| groups.into_iter().map(move |group| (at, group)))
        {
            if group.start >= self.known {
                let first = (group.start - queries.start.max(self.known)) * heads + at;
                for (query, own) in own.chunks_exact(head_dim).enumerate() {
                    context[(first + query * heads) * head_dim..][..head_dim].copy_from_slice(own);
                }
                done.add(&sums, first, heads);
            }
            self.fold(&group, &rows, &mut mean);
        }
        done
    }

    fn nothing_done(&self, queries: &Range<usize>) -> BlockDone {
        let new = queries.end.saturating_sub(queries.start.max(self.known));
        let rows = new * self.heads.len();
        BlockDone { log_sum_exp: vec![0.0; rows], row_sums: vec![0.0; rows * ROW_SUMS] }
    }

    /// The values that a head takes from.
    fn values(&self, head: usize) -> (&Panels, usize) {
        (&self.all.value, self.all.kv_head(head))
    }

    /// What each row of a group adds to sums.
    fn sums(&self, group: &Range<usize>, rows: &Rows) -> Vec<(f32, RowSums)> {
        let of_row = |(query, row): (usize, Row<'_>)| {
            (row.norm.log_sum_exp, row_sums(query, row.first_key, row.weights, row.norm, self.index))
        };
        group.clone().zip(rows.iter()).map(of_row).collect()
    }

    /// Adds the rows of a group to the mean, if it waits for them.
    fn fold(&self, group: &Range<usize>, rows: &Rows, mean: &mut RowsMut<'_>) {
        if group.start >= self.mean_from {
            for (query, row) in group.clone().zip(rows.iter()) {
                mean.add_row(query, row.first_key, row.weights, row.norm.sink, 1.0 / self.heads.len() as f32);
            }
        }
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

impl BlockDone {
    /// Takes sums of the rows of a head, of which every one is `heads` places behind the one before.
    fn add(&mut self, sums: &[(f32, RowSums)], first: usize, heads: usize) {
        for (place, (log_sum_exp, sums)) in (first..).step_by(heads).zip(sums) {
            self.log_sum_exp[place] = *log_sum_exp;
            self.row_sums[place * ROW_SUMS..][..ROW_SUMS].copy_from_slice(sums);
        }
    }
}
