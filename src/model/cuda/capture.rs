//! What a pass on a device leaves, as captures: all but queries, keys and values, which stay there.

use std::sync::Arc;

use super::rows::{DeviceRows, OnDevice};
use crate::attention::{HeadSummary, KeptQkv, LayerCapture, ROW_SUMS, row_sums_of_features};
use crate::gpu::{Extent, FEATURES, Passed, SUMS};
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

/// A layer of a pass.
pub fn layer(
    (passed, rows): (&Passed<'_>, &Arc<DeviceRows>),
    layer: usize,
    attention: &Attention,
    (past, hooks): (Past<'_>, &Hooks<'_>),
    spec: &DecoderSpec,
) -> LayerCapture {
    let past = past.layer(layer);
    let (tokens, known) = (passed.extent().tokens, past.tokens);
    let (new, heads) = (tokens - known, spec.heads);
    let rule = AttentionRule { hidden: hooks.hidden, ..attention.rule.clone() };

    let mut log_sum_exp = past.rows(heads, |layer| &layer.log_sum_exp);
    log_sum_exp.extend(new, |at, row| {
        let sums = passed.sums(at, layer).chunks_exact(SUMS);
        row.iter_mut().zip(sums).for_each(|(to, of_head)| *to = of_head[FEATURES + 2]);
    });

    let is_on: Vec<bool> = (0..heads).map(|head| !hooks.head_mask.contains(layer, head)).collect();
    let mut value_norms = past.rows(heads, |layer| &layer.value_norms);
    value_norms.extend(new, |at, row| {
        for ((norm, length), is_on) in row.iter_mut().zip(passed.lengths(at, layer)).zip(&is_on) {
            *norm = if *is_on { length * spec.residual_scale as f32 } else { 0.0 };
        }
    });
    let mut sums = past.sums(heads);
    let mut of_rows = Vec::with_capacity(new * heads * ROW_SUMS);
    for at in 0..new {
        for of_head in passed.sums(at, layer).chunks_exact(SUMS) {
            of_rows.extend(row_sums_of_features(
                &of_head[..FEATURES],
                of_head[FEATURES],
                of_head[FEATURES + 1],
            ));
        }
    }
    sums.extend(&of_rows);

    let mut folding = Folding::new(&past, tokens, heads, rule.sinks.is_some());
    let sink = |head: usize, query: usize| {
        rule.sinks.as_ref().map_or(0.0, |sinks| (sinks[head] - log_sum_exp.row(query)[head]).exp())
    };
    fold(passed, layer, &mut folding, &sink);
    let summary = |(statistics, thumbnail)| HeadSummary { statistics, thumbnail };
    LayerCapture {
        heads: sums.finish().zip(folding.thumbnails).map(summary).collect(),
        qkv: Arc::new(KeptQkv::elsewhere(OnDevice { rows: rows.clone(), layer, tokens })),
        value_norms,
        log_sum_exp,
        sums,
        mean: folding.mean,
        rule,
    }
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
