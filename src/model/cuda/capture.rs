//! What a pass on a device leaves, as captures.

use crate::attention::{HeadSummary, LayerCapture, Order, ROW_SUMS, row_sums_of_features};
use crate::gpu::{Extent, FEATURES, Passed, SUMS, Shape};
use crate::kernels::attention_rule::AttentionRule;
use crate::model::decoder::{Attention, Folding, Hooks, Past};
use crate::model::spec::DecoderSpec;

/// How much of a prompt runs, and from where on its matrices are made.
pub fn extent(past: Past<'_>, tokens: usize, spec: &DecoderSpec) -> Extent {
    // All layers are alike in this.
    let folding = Folding::new(&past.layer(0), tokens, spec.heads, spec.sinks);
    let bin = folding.mean.bin();
    let small_bin = folding.thumbnails.first().map_or(bin, |thumbnail| thumbnail.bin());
    let fold_first = folding.from().min(past.tokens) / small_bin * small_bin;
    Extent { tokens, first: past.tokens, fold_first, bin, small_bin }
}

/// The rows of the tokens that are known, as a device keeps them: \[first, layers, layer_stride\].
pub fn known_rows(shape: &Shape, past: Past<'_>) -> Vec<f32> {
    let (stride, count, dim) = (shape.layer_stride(), past.layers.len(), shape.head_dim);
    let mut rows = vec![0.0; past.tokens * count * stride];
    for (at, layer) in past.layers.iter().enumerate() {
        let [key, value] = [&layer.key, &layer.value].map(|panels| panels.prefix(past.tokens).to_values());
        for token in 0..past.tokens {
            let row = &mut rows[(token * count + at) * stride..][..stride];
            let of_heads = |values: &[f32], to: &mut [f32]| {
                for (head, to) in to.chunks_exact_mut(dim).enumerate() {
                    to.copy_from_slice(&values[(head * past.tokens + token) * dim..][..dim]);
                }
            };
            let (query, row) = row.split_at_mut(shape.heads * dim);
            query.copy_from_slice(layer.query.row(token));
            let (keys, row) = row.split_at_mut(shape.kv_heads * dim);
            of_heads(&key, keys);
            let (values, row) = row.split_at_mut(shape.kv_heads * dim);
            of_heads(&value, values);
            row[..shape.heads].copy_from_slice(layer.log_sum_exp.row(token));
        }
    }
    rows
}

/// A layer of a pass.
pub fn layer(
    passed: &Passed<'_>,
    layer: usize,
    attention: &Attention,
    (past, hooks): (Past<'_>, &Hooks<'_>),
    spec: &DecoderSpec,
) -> LayerCapture {
    let past = past.layer(layer);
    let (tokens, known) = (passed.extent().tokens, past.tokens);
    let (new, heads, dim) = (tokens - known, spec.heads, spec.head_dim);
    let rule = AttentionRule { hidden: hooks.hidden, ..attention.rule.clone() };

    let mut query = past.rows(heads * dim, |layer| &layer.query);
    query.extend(new, |at, row| row.copy_from_slice(passed.row(known + at, layer).query));
    let mut log_sum_exp = past.rows(heads, |layer| &layer.log_sum_exp);
    log_sum_exp.extend(new, |at, row| row.copy_from_slice(passed.row(known + at, layer).log_sum_exp));
    let mut key = past.panels((Order::ByPlace, spec.kv_heads, dim), |layer| &layer.key);
    key.extend(&heads_apart(new, (spec.kv_heads, dim), |at| passed.row(known + at, layer).key));
    let mut value = past.panels((Order::ByToken, spec.kv_heads, dim), |layer| &layer.value);
    value.extend(&heads_apart(new, (spec.kv_heads, dim), |at| passed.row(known + at, layer).value));

    let is_on: Vec<bool> = (0..heads).map(|head| !hooks.head_mask.contains(layer, head)).collect();
    let mut value_norms = past.rows(heads, |layer| &layer.value_norms);
    value_norms.extend(new, |at, row| {
        for ((norm, length), is_on) in row.iter_mut().zip(passed.lengths(at, layer)).zip(&is_on) {
            *norm = if *is_on { length * spec.residual_scale as f32 } else { 0.0 };
        }
    });
    let mut sums = past.sums(heads);
    let mut rows = Vec::with_capacity(new * heads * ROW_SUMS);
    for at in 0..new {
        for of_head in passed.sums(at, layer).chunks_exact(SUMS) {
            rows.extend(row_sums_of_features(&of_head[..FEATURES], of_head[FEATURES], of_head[FEATURES + 1]));
        }
    }
    sums.extend(&rows);

    let mut folding = Folding::new(&past, tokens, heads, rule.sinks.is_some());
    let sink = |head: usize, query: usize| {
        rule.sinks.as_ref().map_or(0.0, |sinks| (sinks[head] - log_sum_exp.row(query)[head]).exp())
    };
    fold(passed, layer, &mut folding, &sink);
    let summary = |(statistics, thumbnail)| HeadSummary { statistics, thumbnail };
    LayerCapture {
        heads: sums.finish().zip(folding.thumbnails).map(summary).collect(),
        query,
        key,
        value,
        value_norms,
        log_sum_exp,
        sums,
        mean: folding.mean,
        rule,
    }
}

/// \[heads, new, dim\] from the rows of tokens, \[heads, dim\] each.
fn heads_apart<'a>(new: usize, (heads, dim): (usize, usize), row: impl Fn(usize) -> &'a [f32]) -> Vec<f32> {
    let mut values = vec![0.0; heads * new * dim];
    for at in 0..new {
        for (head, from) in row(at).chunks_exact(dim).enumerate() {
            values[(head * new + at) * dim..][..dim].copy_from_slice(from);
        }
    }
    values
}

/// Puts rows of cells where they are missing. `sink` is what a head's query gives to its sink.
fn fold(passed: &Passed<'_>, layer: usize, folding: &mut Folding, sink: &impl Fn(usize, usize) -> f32) {
    let (tokens, heads) = (passed.extent().tokens, folding.thumbnails.len());
    let bin = folding.mean.bin();
    let first = folding.mean_from / bin;
    let mut mean = folding.mean.rows_from(first);
    for row in first..tokens.div_ceil(bin) {
        let queries = row * bin..((row + 1) * bin).min(tokens);
        let sinks: f32 =
            queries.clone().flat_map(|query| (0..heads).map(move |head| sink(head, query))).sum();
        let first_token = queries.map(|query| passed.first_key(layer, query)).sum();
        mean.add_pooled(row, 0, passed.mean(layer, row), sinks / heads as f32, first_token);
    }
    for (head, thumbnail) in folding.thumbnails.iter_mut().enumerate() {
        let bin = thumbnail.bin();
        let first = folding.thumbnails_from / bin;
        let mut rows = thumbnail.rows_from(first);
        for row in first..tokens.div_ceil(bin) {
            let queries = row * bin..((row + 1) * bin).min(tokens);
            let sink = queries.map(|query| sink(head, query)).fold(0.0, f32::max);
            rows.raise_pooled(row, 0, passed.thumbnail(layer, head, row), sink);
        }
    }
}
