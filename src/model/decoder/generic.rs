//! Attention in tensor operations that every device has: what a GPU runs, and what the CPU runs with
//! `--engine generic`. A block of queries at a time, folded on the device; only sums come to the host.

use candle_core::{D, DType, Tensor};
use candle_transformers::utils::repeat_kv;

use super::attention::{Attended, HeadInputs};
use crate::attention::{
    CausalMatrix, HeadFeature, HeadSummary, HeadSums, TokenRepeats, thumbnail_bin, tokens_per_cell,
};
use crate::model::ModelError;

/// Queries whose scores are on the device at a time, about.
const BLOCK_QUERIES: usize = 256;
/// Keeps ln finite where a weight is 0, and changes no weight that f32 can tell from 0.
const TINY: f64 = 1e-37;

/// Attends with tensor operations.
///
/// # Errors
/// If the device fails.
pub fn attend(inputs: &HeadInputs<'_>, repeats: &TokenRepeats) -> Result<Attended, ModelError> {
    let (heads, tokens, head_dim) = inputs.query.dims3()?;
    let group = heads / inputs.key.dim(0)?;
    let spread = |x: &Tensor| repeat_kv(x.unsqueeze(0)?, group)?.squeeze(0)?.contiguous();
    let (keys, values) = (spread(&inputs.key)?, spread(&inputs.value)?);
    let device = inputs.query.device();
    let sinks = match inputs.sinks {
        Some(sinks) => Some(Tensor::new(sinks, device)?.reshape((heads, 1, 1))?),
        None => None,
    };

    let small_bin = thumbnail_bin(tokens);
    let block_queries = small_bin * BLOCK_QUERIES.div_ceil(small_bin);
    let mut fold = Fold {
        mean: CausalMatrix::zeros(tokens, tokens_per_cell(tokens), sinks.is_some()),
        thumbnails: vec![CausalMatrix::zeros(tokens, small_bin, sinks.is_some()); heads],
        sums: vec![HeadSums::default(); heads],
        log_sum_exp: Vec::with_capacity(tokens * heads),
        repeats,
        window: inputs.layer.window,
    };
    let mut contexts = Vec::new();
    for start in (0..tokens).step_by(block_queries) {
        let count = block_queries.min(tokens - start);
        let end = start + count;
        let query = inputs.query.narrow(1, start, count)?;
        let scores = (query.matmul(&keys.narrow(1, 0, end)?.t()?)? * f64::from(inputs.layer.scale))?;
        let mask = Tensor::from_vec(causal_mask(start, end, inputs.layer.window), (count, end), device)?;
        let scores = scores.broadcast_add(&mask)?;
        let scores = match &sinks {
            Some(sinks) => Tensor::cat(&[&scores, &sinks.broadcast_as((heads, count, 1))?.contiguous()?], 2)?,
            None => scores,
        };
        let max = scores.max_keepdim(2)?;
        let exp = scores.broadcast_sub(&max)?.exp()?;
        let sum = exp.sum_keepdim(2)?;
        let row = exp.broadcast_div(&sum)?;
        let weights = row.narrow(2, 0, end)?.contiguous()?;
        let context = weights.matmul(&values.narrow(1, 0, end)?.contiguous()?)?;
        contexts.push(context.transpose(0, 1)?.reshape((count, heads * head_dim))?);
        let log_sum_exp = (max + sum.log()?)?.squeeze(2)?.t()?.flatten_all()?.to_vec1::<f32>()?;
        fold.log_sum_exp.extend(log_sum_exp);
        fold.add(start, &row, &weights)?;
    }
    let heads = fold.sums.iter().zip(fold.thumbnails);
    Ok(Attended {
        context: Tensor::cat(&contexts, 0)?,
        log_sum_exp: fold.log_sum_exp,
        mean: fold.mean,
        heads: heads.map(|(sums, thumbnail)| HeadSummary { statistics: sums.finish(), thumbnail }).collect(),
    })
}

/// −∞ where a query doesn't see a key. (candle-transformers' own lets a query see one key beyond the window.)
fn causal_mask(start: usize, end: usize, window: Option<usize>) -> Vec<f32> {
    let sees = |query: usize, key: usize| key <= query && window.is_none_or(|window| query - key < window);
    let row = |query: usize| (0..end).map(move |key| if sees(query, key) { 0.0 } else { f32::NEG_INFINITY });
    (start..end).flat_map(row).collect()
}

struct Fold<'a> {
    mean: CausalMatrix,
    thumbnails: Vec<CausalMatrix>,
    sums: Vec<HeadSums>,
    log_sum_exp: Vec<f32>,
    repeats: &'a TokenRepeats,
    window: Option<usize>,
}

impl Fold<'_> {
    /// Adds the rows from query `start` on: `row` \[heads, queries, keys (+ sink)\], `weights` without the sink.
    fn add(&mut self, start: usize, row: &Tensor, weights: &Tensor) -> Result<(), ModelError> {
        let end = weights.dim(2)?;
        let sink = match row.dim(2)? {
            columns if columns > end => Some(row.narrow(2, end, 1)?.squeeze(2)?),
            _ => None,
        };
        self.add_mean(start, weights, sink.as_ref())?;
        self.add_statistics(start, row, weights, sink.as_ref())?;
        self.add_thumbnails(start, weights, sink.as_ref())
    }

    fn add_mean(&mut self, start: usize, weights: &Tensor, sink: Option<&Tensor>) -> Result<(), ModelError> {
        let mean = weights.mean(0)?.to_vec2::<f32>()?;
        let sink = host_rows(sink.map(|sink| sink.mean_keepdim(0)).transpose()?.as_ref(), 1, mean.len())?;
        let mut rows = self.mean.rows_mut();
        for (at, weights) in mean.iter().enumerate() {
            let query = start + at;
            rows.add_row(query, 0, &weights[..=query], sink[0][at], 1.0);
        }
        Ok(())
    }

    /// Every linear statistic is a product with a mask, so all of them are one matrix product.
    fn add_statistics(
        &mut self,
        start: usize,
        row: &Tensor,
        weights: &Tensor,
        sink: Option<&Tensor>,
    ) -> Result<(), ModelError> {
        let (heads, count, end) = weights.dims3()?;
        let features = HeadFeature::masks(start, end, self.window, self.repeats);
        let features = Tensor::from_vec(features, (count * end, HeadFeature::COUNT), weights.device())?;
        let linear = weights.reshape((heads, count * end))?.matmul(&features)?.to_vec2::<f32>()?;
        let entropy = (row * (row + TINY)?.log()?)?.sum((1, 2))?.neg()?.to_vec1::<f32>()?;
        let sink = match sink {
            Some(sink) => sink.sum(1)?.to_vec1::<f32>()?,
            None => vec![0.0; heads],
        };
        for (head, sums) in self.sums.iter_mut().enumerate() {
            sums.add_block(count, &linear[head], sink[head], entropy[head]);
        }
        Ok(())
    }

    fn add_thumbnails(
        &mut self,
        start: usize,
        weights: &Tensor,
        sink: Option<&Tensor>,
    ) -> Result<(), ModelError> {
        let bin = self.thumbnails[0].bin();
        let (heads, count, end) = weights.dims3()?;
        let (rows, columns) = (count.div_ceil(bin), end.div_ceil(bin));
        let pooled = weights
            .pad_with_zeros(1, 0, rows * bin - count)?
            .pad_with_zeros(2, 0, columns * bin - end)?
            .reshape(&[heads, rows, bin, columns, bin])?
            .max(D::Minus1)?
            .max(2)?
            .to_dtype(DType::F32)?
            .to_vec3::<f32>()?;
        let sink = match sink {
            Some(sink) => {
                Some(sink.pad_with_zeros(1, 0, rows * bin - count)?.reshape((heads, rows, bin))?.max(2)?)
            }
            None => None,
        };
        let sink = host_rows(sink.as_ref(), heads, rows)?;
        for (head, thumbnail) in self.thumbnails.iter_mut().enumerate() {
            let mut thumbnail = thumbnail.rows_mut();
            for row in 0..rows {
                thumbnail.raise_pooled(start / bin + row, &pooled[head][row], sink[head][row]);
            }
        }
        Ok(())
    }
}

/// A matrix on the host; zeros for one that isn't there.
fn host_rows(x: Option<&Tensor>, rows: usize, columns: usize) -> Result<Vec<Vec<f32>>, ModelError> {
    Ok(match x {
        Some(x) => x.to_vec2::<f32>()?,
        None => vec![vec![0.0; columns]; rows],
    })
}
