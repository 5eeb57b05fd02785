//! Attention in tensor operations that every device has: the reference that our CPU and CUDA kernels are compared with, and a
//! way to other devices. The CPU runs it with `--engine generic`; a GPU only in builds with the features `cuda` or `metal`. A
//! block of queries is computed at a time and binned on the device. Only sums come to the host, all of a layer at
//! once, because each transfer waits for the device.

use std::ops::Range;
use std::sync::Arc;

use candle_core::Tensor;

use super::heads::{Attended, HeadInputs, HostHeads};
use super::masks::{BlockMasks, Masks, Seen};
use super::past::{Folding, PastLayer};
use crate::attention::{AttentionRule, CausalMatrix, Feature, row_sums_of_features};
use crate::model::ModelError;

/// Queries whose scores are on the device at a time, about.
const BLOCK_QUERIES: usize = 256;

/// Attends with tensor operations, from the tokens on that are not known from an earlier pass.
///
/// # Errors
/// If the device fails.
pub fn attend(
    inputs: &HeadInputs<'_>,
    all: &HostHeads,
    (past, folding): (&PastLayer<'_>, Folding),
    masks: &mut Masks,
) -> Result<Attended, ModelError> {
    let tokens = all.query.tokens();
    let layer = Layer::new(inputs, all, &folding)?;
    let mut contexts = Vec::new();
    let mut binned = Vec::new();
    let blocks = layer.blocks(tokens);
    let seen = Seen { sliding_window: inputs.rule.sliding_window, hidden: inputs.rule.hidden };
    for block in &blocks {
        let masks = masks.of(block.queries.clone(), block.keys.clone(), seen)?;
        let rows = layer.attend(block, &masks)?;
        contexts.push(rows.context.clone());
        binned.extend(layer.binned(block, &masks, &rows)?);
    }
    let binned: Vec<Tensor> = binned.iter().map(Tensor::flatten_all).collect::<Result<_, _>>()?;
    let binned = Tensor::cat(&binned, 0)?.to_vec1::<f32>()?;
    let mut all = Binned::new(&layer, folding, past.tokens);
    let mut rest = binned.as_slice();
    for block in &blocks {
        rest = all.add(block, rest);
    }
    let context = Tensor::cat(&contexts, 0)?;
    let known = past.tokens - layer.start;
    Ok(Attended {
        context: context.narrow(0, known, context.dim(0)? - known)?,
        log_sum_exp: all.log_sum_exp,
        row_sums: all.row_sums,
        mean: all.folding.mean,
        thumbnails: all.folding.thumbnails,
    })
}

/// Heads of a layer, and how their matrices are binned.
struct Layer<'a> {
    rule: &'a AttentionRule,
    heads: usize,
    /// The first query that is computed: where a cell of every matrix starts. Some after it may be known.
    start: usize,
    /// \[heads, S - start, head_dim\]
    query: Tensor,
    /// \[kv_heads, S, head_dim\]
    key: Tensor,
    /// \[kv_heads, S, head_dim\]
    value: Tensor,
    /// \[heads, 1, 1\]
    sinks: Option<Tensor>,
    /// \[heads, 1, 1\]: of ALiBi.
    slopes: Option<Tensor>,
    /// \[1, heads\]: what times all heads is their mean.
    shares: Tensor,
    bin: usize,
    /// A multiple of `bin`.
    small_bin: usize,
}

/// Some queries, and the keys that they see: both start where a cell of every matrix does.
struct Block {
    queries: Range<usize>,
    keys: Range<usize>,
}

/// What a block's queries gave.
struct Rows {
    /// \[heads, queries, keys\]
    weights: Tensor,
    /// \[queries, heads · head_dim\]
    context: Tensor,
    /// \[heads, queries, 1\]
    log_sum_exp: Tensor,
    /// \[heads, queries, 1\]
    entropy: Tensor,
    /// \[heads, queries, 1\]
    sink: Option<Tensor>,
}

impl<'a> Layer<'a> {
    fn new(inputs: &HeadInputs<'a>, all: &HostHeads, folding: &Folding) -> Result<Self, ModelError> {
        let (heads, new, head_dim) = inputs.query.dims3()?;
        let (tokens, kv_heads) = (all.query.tokens(), all.key.heads());
        let known = tokens - new;
        let device = inputs.query.device();
        let bin = folding.mean.bin();
        let small_bin = folding.thumbnails.first().map_or(bin, CausalMatrix::bin);
        let start = folding.from().min(known) / small_bin * small_bin;
        let behind = |known: Vec<f32>, heads: usize, new: &Tensor| -> Result<Tensor, ModelError> {
            if known.is_empty() {
                return Ok(new.clone());
            }
            let count = known.len() / (heads * head_dim);
            let known = Tensor::from_vec(known, (heads, count, head_dim), device)?;
            Ok(Tensor::cat(&[&known, new], 1)?)
        };
        let of_head = |head: usize| {
            let row = move |token: usize| &all.query.row(token)[head * head_dim..][..head_dim];
            (start..known).flat_map(row).copied()
        };
        let query = behind((0..heads).flat_map(of_head).collect(), heads, &inputs.query)?;
        let key = behind(all.key.prefix(known).to_values(), kv_heads, &inputs.key)?;
        let value = behind(all.value.prefix(known).to_values(), kv_heads, &inputs.value)?;
        let of_heads = |values: &Arc<[f32]>| Tensor::new(&values[..], device)?.reshape((heads, 1, 1));
        let sinks = inputs.rule.sinks.as_ref().map(of_heads).transpose()?;
        let slopes = inputs.rule.alibi.as_ref().map(of_heads).transpose()?;
        let shares = Tensor::full(1.0 / heads as f32, (1, heads), device)?;
        Ok(Self { rule: inputs.rule, heads, start, query, key, value, sinks, slopes, shares, bin, small_bin })
    }

    fn blocks(&self, tokens: usize) -> Vec<Block> {
        let bin = self.small_bin;
        let queries = bin * BLOCK_QUERIES.div_ceil(bin);
        let block = |start: usize| {
            let end = (start + queries).min(tokens);
            let first_seen = self.rule.sliding_window.map_or(0, |window| (start + 1).saturating_sub(window));
            Block { queries: start..end, keys: first_seen / bin * bin..end }
        };
        (self.start..tokens).step_by(queries).map(block).collect()
    }

    fn attend(&self, block: &Block, masks: &BlockMasks) -> Result<Rows, ModelError> {
        let Self { query, key, value, rule, .. } = self;
        let (kv_heads, _, head_dim) = key.dims3()?;
        let Block { queries, keys } = block;
        let count = queries.len();
        // The query heads that share a key/value head stand below each other, as more queries of one head.
        let shared = (kv_heads, self.heads / kv_heads * count, ());
        let apart = (self.heads, count, ());
        let query =
            (query.narrow(1, queries.start - self.start, count)? * f64::from(rule.scale))?.reshape(shared)?;
        let key = key.narrow(1, keys.start, keys.len())?;
        let value = value.narrow(1, keys.start, keys.len())?.contiguous()?;

        let mut scores = query.matmul(&key.t()?)?.reshape(apart)?;
        if let Some(cap) = rule.softcap.map(f64::from) {
            scores = ((scores / cap)?.tanh()? * cap)?;
        }
        if let Some(slopes) = &self.slopes {
            scores = (scores - slopes.broadcast_mul(&masks.distance)?)?;
        }
        let scores = scores.broadcast_add(&masks.unseen)?;
        let mut max = scores.max_keepdim(2)?;
        if let Some(sinks) = &self.sinks {
            max = max.broadcast_maximum(sinks)?;
        }
        let below = scores.broadcast_sub(&max)?;
        let exp = below.exp()?;
        let mut sum = exp.sum_keepdim(2)?;
        // The entropy of a row is ln Σ e^b − Σ b e^b / Σ e^b, for b below the largest score.
        let mut turned = (&exp * below)?.sum_keepdim(2)?;
        let mut sink = None;
        if let Some(sinks) = &self.sinks {
            let below = max.neg()?.broadcast_add(sinks)?;
            let exp = below.exp()?;
            sum = (sum + &exp)?;
            turned = (turned + (&exp * below)?)?;
            sink = Some((exp / &sum)?);
        }
        let log_sum = sum.log()?;
        let weights = exp.broadcast_div(&sum)?;
        let context = weights.reshape(shared)?.matmul(&value)?.reshape(apart)?;
        Ok(Rows {
            weights,
            context: context.transpose(0, 1)?.reshape((count, self.heads * head_dim))?,
            log_sum_exp: (max + &log_sum)?,
            entropy: (log_sum - (turned / sum)?)?,
            sink,
        })
    }

    /// The tensors that [`Binned::add`] takes, in its order.
    fn binned(&self, block: &Block, masks: &BlockMasks, rows: &Rows) -> Result<Vec<Tensor>, ModelError> {
        let Rows { weights, log_sum_exp, entropy, sink, .. } = rows;
        let (count, keys) = (block.queries.len(), block.keys.len());
        // Every linear statistic is a product with a mask: of each query all heads with all masks.
        let sums = weights.transpose(0, 1)?.contiguous()?.matmul(&masks.features.t()?)?;
        let mean =
            self.shares.matmul(&weights.reshape((self.heads, count * keys))?)?.reshape((count, keys))?;
        let mut binned = vec![log_sum_exp.clone(), entropy.clone()];
        binned.extend(sink.clone());
        binned.extend([sums, self.thumbnails(weights)?]);
        if self.bin > 1 {
            binned.push(mean.narrow(1, 0, 1)?);
        }
        binned.push(self.cells(mean)?);
        Ok(binned)
    }

    /// \[queries, keys\] summed over cells.
    fn cells(&self, mean: Tensor) -> Result<Tensor, ModelError> {
        if self.bin == 1 {
            return Ok(mean);
        }
        let (mean, rows, columns) = whole_cells(&mean.unsqueeze(0)?, self.bin)?;
        Ok(mean.reshape((rows, self.bin, columns, self.bin))?.sum((1, 3))?)
    }

    /// The largest of each cell, \[heads, rows, columns\].
    fn thumbnails(&self, weights: &Tensor) -> Result<Tensor, ModelError> {
        let bin = self.small_bin;
        if bin == 1 {
            return Ok(weights.clone());
        }
        let (weights, rows, columns) = whole_cells(weights, bin)?;
        // Over queries first: neighbouring threads then take neighbouring keys.
        let weights = weights.unsqueeze(0)?.max_pool2d((bin, 1))?;
        Ok(weights.reshape((self.heads, rows, columns, bin))?.max(3)?)
    }
}

/// \[n, queries, keys\] with zeros added until both are multiples of `bin`, and how many times it they are.
fn whole_cells(x: &Tensor, bin: usize) -> Result<(Tensor, usize, usize), ModelError> {
    let (_, queries, keys) = x.dims3()?;
    let (rows, columns) = (queries.div_ceil(bin), keys.div_ceil(bin));
    let x = x.pad_with_zeros(1, 0, rows * bin - queries)?.pad_with_zeros(2, 0, columns * bin - keys)?;
    Ok((x, rows, columns))
}

/// The sums of a layer, on the host.
struct Binned {
    heads: usize,
    has_sinks: bool,
    /// Queries before this one are known.
    known: usize,
    folding: Folding,
    /// \[new queries, heads\]
    log_sum_exp: Vec<f32>,
    /// \[new queries, heads · ROW_SUMS\]
    row_sums: Vec<f32>,
}

impl Binned {
    fn new(layer: &Layer<'_>, folding: Folding, known: usize) -> Self {
        let has_sinks = layer.sinks.is_some();
        Self { heads: layer.heads, has_sinks, known, folding, log_sum_exp: Vec::new(), row_sums: Vec::new() }
    }

    /// Adds a block: `values` begins with what [`Layer::binned`] made of it. Returns the rest of `values`.
    fn add<'v>(&mut self, block: &Block, values: &'v [f32]) -> &'v [f32] {
        let heads = self.heads;
        let (count, keys) = (block.queries.len(), block.keys.len());
        let bin = self.folding.mean.bin();
        let small_bin = self.folding.thumbnails.first().map_or(bin, CausalMatrix::bin);
        let mut rest = values;
        let mut take = |count: usize| {
            let (taken, after) = rest.split_at(count);
            rest = after;
            taken
        };
        let log_sum_exp = take(heads * count);
        let entropy = take(heads * count);
        let sink = if self.has_sinks { take(heads * count) } else { &[] };
        let sums = take(count * heads * Feature::COUNT);
        let (small_rows, small_columns) = (count.div_ceil(small_bin), keys.div_ceil(small_bin));
        let thumbnails = take(heads * small_rows * small_columns);
        let first_token = if bin > 1 { take(count) } else { &[] };
        let (rows, columns) = (count.div_ceil(bin), keys.div_ceil(bin));
        let mean = take(rows * columns);

        for query in self.known.saturating_sub(block.queries.start)..count {
            self.log_sum_exp.extend(log_sum_exp[query..].iter().step_by(count));
            let features = sums[query * heads * Feature::COUNT..].chunks_exact(Feature::COUNT);
            for (head, features) in features.take(heads).enumerate() {
                let of_head = |values: &[f32]| values.get(head * count + query).copied().unwrap_or_default();
                self.row_sums.extend(row_sums_of_features(features, of_head(sink), of_head(entropy)));
            }
        }
        let sinks = |head: usize| sink.get(head * count..(head + 1) * count).unwrap_or(&[]);
        for head in 0..heads {
            let first = block.queries.start / small_bin;
            let mut thumbnail = self.folding.thumbnails[head].rows_from(first);
            let cells = thumbnails[head * small_rows * small_columns..].chunks_exact(small_columns);
            for (row, cells) in cells.take(small_rows).enumerate() {
                let sink =
                    sinks(head).chunks(small_bin).nth(row).unwrap_or(&[]).iter().copied().fold(0.0, f32::max);
                thumbnail.raise_pooled(first + row, block.keys.start / small_bin, cells, sink);
            }
        }
        let first = block.queries.start / bin;
        let first_missing = self.folding.mean_from / bin;
        let mut matrix = self.folding.mean.rows_from(first);
        for (row, cells) in mean.chunks_exact(columns).enumerate().skip(first_missing.saturating_sub(first)) {
            let queries = row * bin..((row + 1) * bin).min(count);
            let sink = (0..heads).flat_map(|head| sinks(head).get(queries.clone())).flatten().sum::<f32>();
            let first_token = first_token.get(queries).filter(|_| block.keys.start == 0);
            let first_token = first_token.unwrap_or(&[]).iter().sum();
            matrix.add_pooled(first + row, block.keys.start / bin, cells, sink / heads as f32, first_token);
        }
        rest
    }
}
