//! Where the rows of each segment look.

use std::sync::Arc;

use super::segmented::Segments;
use crate::attention::row_blocks::{Unmeasured, by_blocks};
use crate::attention::{Capture, View};

/// Where the queries of a segment look, on the mean.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SegmentRow {
    /// Queries whose row is not empty.
    pub queries: usize,
    /// To no token.
    pub sink: f32,
    /// To the first token, which is also in the share of its segment.
    pub first: f32,
    /// \[segments\]: to the keys of each. With the sink they sum to 1.
    pub shares: Vec<f32>,
    /// \[segments\]: what each would get if a query gave all tokens that it sees the same: the mean over the queries of
    /// (visible tokens of the segment / visible tokens), and over the layers. `None` of rollout, which has no window of
    /// its own.
    pub expected: Option<Vec<f32>>,
}

/// Segments of a prompt, and how much of a view each gives to each: M\[A, B\] is the mean over the queries in A of what
/// they give to the keys in B. Rows that don't sum to 1 with their sink (value-weighted ones) are divided by their sum.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentShares {
    /// Which tokens are whose.
    pub segments: Arc<Segments>,
    /// The view.
    pub view: View,
    /// Whether there are sinks.
    pub has_sinks: bool,
    /// One per segment: where its queries look.
    pub rows: Vec<SegmentRow>,
    /// \[S, 2 + segments\]: of each query what goes to the sink, to the first token, and to each segment without that
    /// token; zeros of an empty row.
    by_query: Vec<f32>,
}

/// Of a query.
struct Query {
    sink: f64,
    first: f64,
    shares: Vec<f64>,
}

impl Query {
    fn of(segments: usize) -> Self {
        Self { sink: 0.0, first: 0.0, shares: vec![0.0; segments] }
    }
}

impl SegmentShares {
    /// Measures a view, a row at a time: no matrix of a long prompt is kept.
    ///
    /// # Errors
    /// If the model has no such view, `is_stopped`, or it is rollout of a prompt whose tokens have no cells of their own.
    pub fn new(
        capture: &Capture,
        segments: Arc<Segments>,
        view: View,
        is_stopped: &(dyn Fn() -> bool + Sync),
    ) -> Result<Self, Unmeasured> {
        let (tokens, count) = (capture.tokens.len(), segments.count());
        let blocks = by_blocks(capture, view, 0..tokens, is_stopped, |block, rows| {
            let mut queries: Vec<Query> = block.clone().map(|_| Query::of(count)).collect();
            rows(&mut |part| {
                let query = &mut queries[part.query - block.start];
                let share = f64::from(part.share);
                query.sink += share * f64::from(part.sink);
                if let (0, Some(first)) = (part.first_key, part.weights.first()) {
                    query.first += share * f64::from(*first);
                }
                let end = part.first_key + part.weights.len();
                for of in segments.parts().iter().take_while(|of| of.tokens.start < end) {
                    let (from, to) = (of.tokens.start.max(part.first_key), of.tokens.end.min(end));
                    if from < to {
                        let keys = &part.weights[from - part.first_key..to - part.first_key];
                        query.shares[of.segment] += share * f64::from(keys.iter().sum::<f32>());
                    }
                }
            });
            queries
        })?;
        let expected = Self::expected(capture, &segments, view);
        let is_raw = !view.is_value_weighted();
        let (rows, by_query) = means(blocks.into_iter().flatten(), &segments, is_raw, expected);
        let has_sinks = capture.has_sinks(view);
        Ok(Self { segments, view, has_sinks, rows, by_query })
    }

    /// \[segments\]\[segments\]: what the queries of each would give to each by length alone: [`SegmentRow::expected`].
    /// Nothing of rollout.
    pub fn expected(capture: &Capture, segments: &Segments, view: View) -> Option<Vec<Vec<f32>>> {
        let window = |layer: usize| capture.layers[layer].rule.sliding_window;
        let windows = || capture.layers_of(view).into_iter().map(window);
        (view != View::Rollout).then(|| expected(windows(), segments, capture.tokens.len()))
    }

    /// What a query gives to the sink, to the first token, and to each segment without that token: they sum to 1.
    pub fn bar(&self, query: usize) -> &[f32] {
        let width = self.segments.count() + 2;
        self.by_query.get(query * width..(query + 1) * width).unwrap_or_default()
    }

    /// How many times what is expected of it a segment gets from the queries of one; nothing where nothing is expected.
    pub fn ratio(&self, of: usize, to: usize) -> Option<f32> {
        let row = &self.rows[of];
        let expected = *row.expected.as_ref()?.get(to)?;
        (expected > 0.0).then(|| row.shares[to] / expected)
    }
}

/// A row for each segment, and the bar of each query. Rows that are not raw are divided by their sum.
fn means(
    queries: impl Iterator<Item = Query>,
    segments: &Segments,
    is_raw: bool,
    expected: Option<Vec<Vec<f32>>>,
) -> (Vec<SegmentRow>, Vec<f32>) {
    let count = segments.count();
    let mut sums: Vec<(usize, Query)> = (0..count).map(|_| (0, Query::of(count))).collect();
    let mut by_query = Vec::new();
    let first = segments.of(0);
    for (at, query) in queries.enumerate() {
        let all = query.sink + query.shares.iter().sum::<f64>();
        let scale = match is_raw {
            _ if all.is_nan() || all <= 0.0 => 0.0,
            true => 1.0,
            false => 1.0 / all,
        };
        let (counted, sum) = &mut sums[segments.of(at)];
        *counted += usize::from(scale > 0.0);
        sum.sink += scale * query.sink;
        sum.first += scale * query.first;
        by_query.extend([(scale * query.sink) as f32, (scale * query.first) as f32]);
        for (segment, share) in query.shares.iter().enumerate() {
            sum.shares[segment] += scale * share;
            let without = if segment == first { share - query.first } else { *share };
            by_query.push((scale * without).max(0.0) as f32);
        }
    }
    let row = |(at, (queries, sum)): (usize, (usize, Query))| {
        let mean = |sum: f64| (sum / queries.max(1) as f64) as f32;
        SegmentRow {
            queries,
            sink: mean(sum.sink),
            first: mean(sum.first),
            shares: sum.shares.into_iter().map(mean).collect(),
            expected: expected.as_ref().map(|expected| expected[at].clone()),
        }
    };
    (sums.into_iter().enumerate().map(row).collect(), by_query)
}

/// \[segments\]\[segments\]: what is expected by length alone, in layers with these windows.
fn expected(
    of_layers: impl Iterator<Item = Option<usize>>,
    segments: &Segments,
    tokens: usize,
) -> Vec<Vec<f32>> {
    let count = segments.count();
    let mut windows: Vec<(Option<usize>, usize)> = Vec::new();
    for window in of_layers {
        match windows.iter_mut().find(|(known, _)| *known == window) {
            Some((_, layers)) => *layers += 1,
            None => windows.push((window, 1)),
        }
    }
    let layers: usize = windows.iter().map(|(_, layers)| layers).sum();
    let mut sums = vec![vec![0.0; count]; count];
    for (window, of_layers) in windows {
        let weight = of_layers as f64 / layers.max(1) as f64;
        // Tokens of each segment that are visible: one comes in with each query, and one may leave.
        let mut visible = vec![0_usize; count];
        let mut first = 0;
        for query in 0..tokens {
            visible[segments.of(query)] += 1;
            while window.is_some_and(|window| query - first >= window.max(1)) {
                visible[segments.of(first)] -= 1;
                first += 1;
            }
            let all = (query + 1 - first) as f64;
            let row = &mut sums[segments.of(query)];
            for (sum, visible) in row.iter_mut().zip(&visible) {
                *sum += weight * *visible as f64 / all;
            }
        }
    }
    let mean = |(segment, row): (usize, Vec<f64>)| {
        let queries = segments.size(segment).max(1) as f64;
        row.into_iter().map(|sum| (sum / queries) as f32).collect()
    };
    sums.into_iter().enumerate().map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attention::segments::stretch::Stretch;
    use crate::attention::tokens;

    fn segments(sizes: &[(&str, usize)]) -> Segments {
        let texts: Vec<&str> = sizes.iter().flat_map(|(name, size)| vec![*name; *size]).collect();
        let mut start = 0;
        let mut stretch = |(name, size): &(&str, usize)| {
            let bytes = start..start + name.len() * size;
            start = bytes.end;
            Stretch { name: (*name).to_owned(), bytes }
        };
        let stretches: Vec<Stretch> = sizes.iter().map(&mut stretch).collect();
        Segments::of_stretches("file", &texts.concat(), &tokens(&texts), &stretches, ["rest", "written"])
    }

    fn query(sink: f64, first: f64, shares: &[f64]) -> Query {
        Query { sink, first, shares: shares.to_vec() }
    }

    fn near(found: &[f32], expected: &[f32]) {
        let same = found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6);
        assert!(same && found.len() == expected.len(), "{found:?} is not {expected:?}");
    }

    /// Segments a a, b: rows [.5 | .5], [.25 .25 | .5], [.5 .25 .25 | 0].
    #[test]
    fn shares_worked_by_hand_sum_to_one_with_the_sink() {
        let segments = segments(&[("a", 2), ("b", 1)]);
        let queries =
            [query(0.5, 0.5, &[0.5, 0.0]), query(0.5, 0.25, &[0.5, 0.0]), query(0.0, 0.5, &[0.75, 0.25])];
        let (rows, by_query) = means(queries.into_iter(), &segments, true, None);
        assert_eq!((rows[0].queries, rows[0].sink, rows[0].first), (2, 0.5, 0.375));
        assert_eq!(
            (rows[0].shares.as_slice(), rows[1].shares.as_slice()),
            (&[0.5, 0.0][..], &[0.75, 0.25][..])
        );
        assert_eq!((rows[1].queries, rows[1].sink), (1, 0.0));
        assert_eq!(by_query, [0.5, 0.5, 0.0, 0.0, 0.5, 0.25, 0.25, 0.0, 0.0, 0.5, 0.25, 0.25]);
        for bar in by_query.chunks(4) {
            assert_eq!(bar.iter().sum::<f32>(), 1.0);
        }
    }

    #[test]
    fn rows_of_lengths_are_divided_by_their_sum_and_empty_ones_count_for_none() {
        let segments = segments(&[("a", 2), ("b", 1)]);
        let queries =
            [query(0.0, 0.0, &[0.0, 0.0]), query(0.0, 4.0, &[8.0, 0.0]), query(0.0, 1.0, &[1.0, 3.0])];
        let (rows, by_query) = means(queries.into_iter(), &segments, false, None);
        assert_eq!((rows[0].queries, rows[0].first, rows[0].shares[0]), (1, 0.5, 1.0));
        assert_eq!(rows[1].shares, [0.25, 0.75]);
        assert_eq!(by_query[..4], [0.0; 4]);
    }

    #[test]
    fn what_is_expected_counts_the_tokens_that_are_visible() {
        let segments = segments(&[("a", 2), ("b", 2)]);
        // Of a: 1, 1; of b: 2/3 and 2/4 of a.
        let all = expected([None].into_iter(), &segments, 4);
        near(&all[0], &[1.0, 0.0]);
        near(&all[1], &[(2.0 / 3.0 + 0.5) / 2.0, (1.0 / 3.0 + 0.5) / 2.0]);
        // With a window of two tokens the last query sees none of a, and the one before sees one.
        let windowed = expected([Some(2)].into_iter(), &segments, 4);
        near(&windowed[1], &[0.25, 0.75]);
        let mixed = expected([None, Some(2)].into_iter(), &segments, 4);
        near(&mixed[1], &[(all[1][0] + windowed[1][0]) / 2.0, (all[1][1] + windowed[1][1]) / 2.0]);
        near(&expected([Some(0)].into_iter(), &segments, 4)[1], &[0.0, 1.0]);
    }

    /// A long segment wins by its length alone: what is expected of it says so.
    #[test]
    fn equal_attention_is_what_is_expected_whatever_the_length() {
        let segments = segments(&[("a", 9), ("b", 1), ("c", 2)]);
        let uniform = |at: usize| {
            let share = 1.0 / (at + 1) as f64;
            let of = |segment| (0..=at).filter(|key| segments.of(*key) == segment).count() as f64 * share;
            query(0.0, share, &[of(0), of(1), of(2)])
        };
        let expected = expected([None].into_iter(), &segments, 12);
        let (rows, _) = means((0..12).map(uniform), &segments, true, Some(expected));
        for row in rows {
            near(&row.shares, row.expected.as_deref().unwrap());
        }
    }
}
