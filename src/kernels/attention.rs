//! The attention of one head, a few queries at a time. A pass and every later look at a head go through
//! [`Head::rows`], so both see the same bits: each weight depends on its own query and keys only, however
//! queries are grouped.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use super::attention_rule::HeadRule;
use super::cache::{LINE, fetch};
use super::elementwise::max_in_place;
use super::shared::{CHUNK, Panels, TokenRows};
use super::softmax::{SoftmaxStats, softmax_with_sink};

/// Queries that are computed together, so that a key is loaded once for all of them.
pub const QUERIES: usize = 8;
/// Queries that are computed together where there are only 16 registers.
const FEWER: usize = 4;
/// One head of a prompt: what is needed to compute any row of its attention.
#[derive(Debug, Clone)]
pub struct Head<'a> {
    /// \[S, heads · head_dim\]: the queries of all heads of its layer, position already applied.
    pub queries: &'a TokenRows,
    /// Which of them it is.
    pub head: usize,
    /// The keys of its layer, [`Order::ByPlace`](super::shared::Order::ByPlace), position already applied.
    pub keys: &'a Panels,
    /// Which of the key/value heads is its.
    pub kv_head: usize,
    /// How scores become weights.
    pub rule: HeadRule,
}

/// The attention of a few neighbouring queries.
#[derive(Debug, Default)]
pub struct Rows {
    /// The key of the first column.
    start: usize,
    /// Columns of `weights`.
    stride: usize,
    /// \[queries, stride\]: 0 where a query sees nothing.
    weights: Vec<f32>,
    /// One per query.
    rows: Vec<(Range<usize>, SoftmaxStats)>,
}

/// The attention of one query.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// The first key it sees.
    pub first_key: usize,
    /// The weights of the keys from there up to its own.
    pub weights: &'a [f32],
    /// What the softmax gave besides the weights.
    pub norm: SoftmaxStats,
}

impl Rows {
    /// One per query, in order.
    pub fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().zip(self.weights.chunks_exact(self.stride)).map(|((keys, norm), weights)| Row {
            first_key: keys.start,
            weights: &weights[keys.start - self.start..keys.end - self.start],
            norm: *norm,
        })
    }

    /// Writes the largest weight that each key gets from some of the queries to `highest`, and returns the first of
    /// these keys; the last one is that of the last query. `queries` are places among these rows.
    pub fn highest(&self, queries: Range<usize>, highest: &mut Vec<f32>) -> usize {
        let end = self.rows[queries.end - 1].0.end - self.start;
        highest.clear();
        highest.resize(end, 0.0);
        for weights in self.weights.chunks_exact(self.stride).take(queries.end).skip(queries.start) {
            max_in_place(highest, weights);
        }
        self.start
    }

    /// Adds what the queries take from the values of a key/value head to the first `head_dim` values of each row of
    /// `context`. A row of `context` begins every `context_stride` values.
    pub fn add_values(
        &self,
        (values, kv_head): (&Panels, usize),
        context: &mut [f32],
        context_stride: usize,
    ) {
        let queries = self.rows.len();
        let work = AddValues { rows: self, values, kv_head, context, context_stride };
        Arch::new().dispatch(AllQueries { work, queries });
    }
}

impl Head<'_> {
    /// Writes the attention of `queries`, of at most [`QUERIES`], in place of what `rows` held.
    pub fn rows(&self, queries: Range<usize>, rows: &mut Rows) {
        let start = self.rule.visible(queries.start).start / CHUNK * CHUNK;
        rows.start = start;
        rows.stride = (queries.end - start).next_multiple_of(CHUNK);
        rows.rows.clear();
        rows.weights.resize(QUERIES * rows.stride, 0.0);
        let head_dim = self.keys.head_dim();
        // The last query stands in where there are fewer than fit; what it gives there is not used.
        let query: [&[f32]; QUERIES] = std::array::from_fn(|at| {
            let query = (queries.start + at).min(queries.end - 1);
            &self.queries.row(query)[self.head * head_dim..][..head_dim]
        });
        let work = Scores {
            query,
            keys: self.keys,
            kv_head: self.kv_head,
            first_panel: start / CHUNK,
            scale: self.rule.scale,
            weights: &mut rows.weights,
        };
        Arch::new().dispatch(AllQueries { work, queries: queries.len() });
        for (query, weights) in queries.zip(rows.weights.chunks_exact_mut(rows.stride)) {
            let keys = self.rule.visible(query);
            let seen = keys.start - start..keys.end - start;
            weights[..seen.start].fill(0.0);
            weights[seen.end..].fill(0.0);
            self.rule.bend(&mut weights[seen.clone()]);
            self.rule.hide(query, &mut weights[seen.clone()]);
            rows.rows.push((keys, softmax_with_sink(&mut weights[seen], self.rule.sink)));
        }
    }
}

/// Work on up to [`QUERIES`] queries. As many are computed together as there are registers for; one alone by itself.
trait ByQueries {
    /// `N` queries from `first` on.
    fn queries<S: Simd, const N: usize>(&mut self, simd: S, first: usize);
}

struct AllQueries<W> {
    work: W,
    queries: usize,
}

impl<W: ByQueries> WithSimd for AllQueries<W> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { mut work, queries } = self;
        match (queries, S::REGISTER_COUNT) {
            (1, _) => work.queries::<S, 1>(simd, 0),
            (_, 32) => work.queries::<S, QUERIES>(simd, 0),
            _ => (0..QUERIES).step_by(FEWER).for_each(|first| work.queries::<S, FEWER>(simd, first)),
        }
    }
}

/// `weights` \[QUERIES, keys\] = scale · query · keysᵀ.
struct Scores<'a> {
    query: [&'a [f32]; QUERIES],
    keys: &'a Panels,
    kv_head: usize,
    first_panel: usize,
    scale: f32,
    weights: &'a mut [f32],
}

impl ByQueries for Scores<'_> {
    #[inline(always)]
    fn queries<S: Simd, const N: usize>(&mut self, simd: S, first: usize) {
        let query: [&[f32]; N] = std::array::from_fn(|at| self.query[first + at]);
        let stride = self.weights.len() / QUERIES;
        let weights = &mut self.weights[first * stride..];
        let scale = simd.splat_f32s(self.scale);
        for panel in 0..stride / CHUNK {
            let keys = self.keys.panel(self.kv_head, self.first_panel + panel);
            let next = match panel + 1 < stride / CHUNK {
                true => self.keys.panel(self.kv_head, self.first_panel + panel + 1),
                false => &[],
            };
            for pair in (0..CHUNK / S::F32_LANES).step_by(2) {
                let mut sums = [[simd.splat_f32s(0.0); 2]; N];
                for (dim, keys) in keys.chunks_exact(CHUNK).enumerate() {
                    if pair == 0 {
                        fetch_row::<N>(next, dim, CHUNK);
                    }
                    let keys = &S::as_simd_f32s(keys).0[pair..pair + 2];
                    for (sums, query) in sums.iter_mut().zip(&query) {
                        let query = simd.splat_f32s(query[dim]);
                        sums[0] = simd.mul_add_f32s(query, keys[0], sums[0]);
                        sums[1] = simd.mul_add_f32s(query, keys[1], sums[1]);
                    }
                }
                for (row, sums) in sums.into_iter().enumerate() {
                    let out = &mut weights[row * stride + panel * CHUNK..][..CHUNK];
                    let out = &mut S::as_mut_simd_f32s(out).0[pair..pair + 2];
                    out[0] = simd.mul_f32s(sums[0], scale);
                    out[1] = simd.mul_f32s(sums[1], scale);
                }
            }
        }
    }
}

/// Asks for a row of `width` values of the panel that comes next, while this one is multiplied. With several queries that
/// takes long enough that the processor is ahead by itself.
#[inline(always)]
fn fetch_row<const N: usize>(next: &[f32], row: usize, width: usize) {
    if N == 1 {
        let bytes = width * size_of::<f32>();
        (row * bytes..(row + 1) * bytes).step_by(LINE).for_each(|at| fetch(bytemuck::cast_slice(next), at));
    }
}

struct AddValues<'a> {
    rows: &'a Rows,
    values: &'a Panels,
    kv_head: usize,
    context: &'a mut [f32],
    context_stride: usize,
}

impl ByQueries for AddValues<'_> {
    #[inline(always)]
    fn queries<S: Simd, const N: usize>(&mut self, simd: S, first: usize) {
        let stride = self.rows.stride;
        let weights: [&[f32]; N] =
            std::array::from_fn(|row| &self.rows.weights[(first + row) * stride..][..stride]);
        let head_dim = self.values.head_dim();
        let whole = head_dim / S::F32_LANES;
        let mut at = 0;
        // For one query memory is what takes long: its rows are read once.
        while N == 1 && at + 4 <= whole {
            self.columns::<S, N, 4>(simd, first, &weights, at);
            at += 4;
        }
        while at + 2 <= whole {
            self.columns::<S, N, 2>(simd, first, &weights, at);
            at += 2;
        }
        if at < whole {
            self.columns::<S, N, 1>(simd, first, &weights, at);
        }
        for dim in whole * S::F32_LANES..head_dim {
            for panel in self.panels() {
                let (keys, values) = self.panel(panel);
                for (weights, context) in weights.iter().zip(self.contexts(first)) {
                    for (weight, value) in weights[keys.clone()].iter().zip(values.chunks_exact(head_dim)) {
                        context[dim] = weight.mul_add(value[dim], context[dim]);
                    }
                }
            }
        }
    }
}

impl<'a> AddValues<'a> {
    /// The panels that the queries see.
    #[inline(always)]
    fn panels(&self) -> Range<usize> {
        let end = self.rows.rows.last().map_or(self.rows.start, |(last, _)| last.end);
        self.rows.start / CHUNK..end.div_ceil(CHUNK)
    }

    /// The columns of a panel's keys, as far as there are such keys, and its values.
    #[inline(always)]
    fn panel(&self, panel: usize) -> (Range<usize>, &'a [f32]) {
        let end = self.rows.rows.last().map_or(self.rows.start, |(last, _)| last.end);
        let keys = panel * CHUNK..((panel + 1) * CHUNK).min(end);
        (keys.start - self.rows.start..keys.end - self.rows.start, self.values.panel(self.kv_head, panel))
    }

    /// `REGISTERS` registers of the context of `N` queries, from register `at` on.
    #[inline(always)]
    fn columns<S: Simd, const N: usize, const REGISTERS: usize>(
        &mut self,
        simd: S,
        first: usize,
        weights: &[&[f32]; N],
        at: usize,
    ) {
        let mut sums = [[simd.splat_f32s(0.0); REGISTERS]; N];
        let head_dim = self.values.head_dim();
        for panel in self.panels() {
            let (keys, values) = self.panel(panel);
            let next = match at == 0 && self.panels().contains(&(panel + 1)) {
                true => self.panel(panel + 1).1,
                false => &[],
            };
            for (row, (key, value)) in keys.zip(values.chunks_exact(head_dim)).enumerate() {
                fetch_row::<N>(next, row, head_dim);
                let value = &S::as_simd_f32s(value).0[at..at + REGISTERS];
                for (sums, weights) in sums.iter_mut().zip(weights) {
                    let weight = simd.splat_f32s(weights[key]);
                    for (sum, &value) in sums.iter_mut().zip(value) {
                        *sum = simd.mul_add_f32s(weight, value, *sum);
                    }
                }
            }
        }
        for (sums, context) in sums.into_iter().zip(self.contexts(first)) {
            let context = &mut S::as_mut_simd_f32s(&mut context[..head_dim]).0[at..at + REGISTERS];
            context.iter_mut().zip(sums).for_each(|(context, sum)| *context = simd.add_f32s(*context, sum));
        }
    }

    /// The contexts of the queries from `first` on; there may be none.
    #[inline(always)]
    fn contexts(&mut self, first: usize) -> std::slice::ChunksMut<'_, f32> {
        let start = self.context.len().min(first * self.context_stride);
        self.context[start..].chunks_mut(self.context_stride)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::shared::Order;

    #[test]
    fn rows_are_the_formula_and_the_same_bits_however_queries_are_grouped() {
        let (tokens, sink) = (75, Some(0.3));
        for (head_dim, sliding_window) in [(32, None), (10, Some(40)), (3, Some(1)), (48, None)] {
            let mut random = fastrand::Rng::with_seed(7);
            let mut draw = || -> Vec<f32> {
                std::iter::repeat_with(|| random.f32() - 0.5).take(tokens * head_dim).collect()
            };
            let (asked, key, value) = (draw(), draw(), draw());
            let queries = TokenRows::from_values(head_dim, &asked);
            let keys = Panels::from_values(Order::ByPlace, 1, head_dim, &key);
            let values = Panels::from_values(Order::ByToken, 1, head_dim, &value);
            let rule =
                HeadRule { scale: 2.0, softcap: None, sliding_window, hidden: None, sink, alibi: None };
            let head = Head { queries: &queries, head: 0, keys: &keys, kv_head: 0, rule };
            let vector = |of: &[f32], at: usize| -> Vec<f64> {
                of[at * head_dim..][..head_dim].iter().map(|x| f64::from(*x)).collect()
            };
            let dot = |a: Vec<f64>, b: Vec<f64>| a.iter().zip(&b).map(|(a, b)| a * b).sum::<f64>();
            let (mut together, mut alone) = (Rows::default(), Rows::default());
            for first in (0..tokens).step_by(QUERIES) {
                let queries = first..(first + QUERIES).min(tokens);
                head.rows(queries.clone(), &mut together);
                let mut context = vec![0.0; queries.len() * head_dim];
                together.add_values((&values, 0), &mut context, head_dim);
                for ((query, row), context) in
                    queries.zip(together.iter()).zip(context.chunks_exact(head_dim))
                {
                    head.rows(query..query + 1, &mut alone);
                    let by_itself = alone.iter().next().unwrap();
                    assert_eq!((row.weights, row.norm), (by_itself.weights, by_itself.norm));
                    let keys = head.rule.visible(query);
                    assert_eq!(row.first_key, keys.start);
                    let exps: Vec<f64> = keys
                        .clone()
                        .map(|key_at| (2.0 * dot(vector(&asked, query), vector(&key, key_at))).exp())
                        .collect();
                    let sum = exps.iter().sum::<f64>() + 0.3f64.exp();
                    for (weight, exps) in row.weights.iter().zip(&exps) {
                        assert!((f64::from(*weight) - exps / sum).abs() < 1e-6);
                    }
                    for (dim, context) in context.iter().enumerate() {
                        let exact: f64 = keys
                            .clone()
                            .zip(&exps)
                            .map(|(key, exps)| exps / sum * vector(&value, key)[dim])
                            .sum();
                        assert!((f64::from(*context) - exact).abs() < 1e-5, "{context}, not {exact}");
                    }
                }
            }
        }
    }
}
