//! How much every head gives to each key, and to its learned sink.

use rayon::prelude::*;

use crate::attention::{Capture, LayerCapture, Statistic};
use crate::kernels::attention::{QUERIES, Rows};

/// The share from which a key, or a learned sink, counts as a sink of a head (Gu et al. 2024).
pub const SINK_SHARE: f32 = 0.3;

/// Queries from which the mean over them says something of a key: what a token gives to itself is most of fewer.
pub const FEW_QUERIES: usize = 8;

/// Why a prompt of one token has no share of its first token: a mean over later queries is one over none.
pub const NOTHING_BEHIND: &str = "nothing is behind it that could look at it";

/// Where a head puts what it gives to nobody.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeadSink {
    /// To its learned sink, the mean over queries; nothing of a model without such.
    pub learned: Option<f32>,
    /// To the first token, the mean over later queries; nothing of a prompt of one token.
    pub first: Option<f32>,
    /// The key that gets most, by the mean over the queries that may see it, and that mean.
    pub strongest: (usize, f32),
    /// How long the first token's value is in the residual stream, as a multiple of the mean of all others; nothing
    /// of one token, and of a head that is off.
    pub value_ratio: Option<f32>,
}

/// What heads give to the key of a token.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KeySink {
    /// The position of its token.
    pub position: usize,
    /// The share of heads that give it more than [`SINK_SHARE`], by the mean over the queries from it on.
    pub rate: f32,
    /// That mean, over all heads.
    pub share: f32,
    /// The queries that this is the mean of: those from it on.
    pub queries: usize,
    /// How long its value is, as a multiple of the mean of all others; the mean over the heads that are on.
    pub value_ratio: Option<f32>,
}

/// Where all heads put what they give to nobody.
#[derive(Debug, Clone, PartialEq)]
pub struct Sinks {
    /// \[layers\]\[heads\]
    pub heads: Vec<Vec<HeadSink>>,
    /// One per token.
    pub keys: Vec<KeySink>,
    /// The share of heads that give their learned sink more than [`SINK_SHARE`]; nothing of a model without such.
    pub learned_rate: Option<f32>,
}

/// Of a head: the mean that each key gets, and how long its value is beside the others.
struct OfHead {
    means: Vec<f32>,
    values: Vec<Option<f32>>,
}

impl Sinks {
    /// Goes through the rows of all heads. Nothing if `is_stopped`.
    pub fn new(capture: &Capture, is_stopped: &(dyn Fn() -> bool + Sync)) -> Option<Self> {
        let tokens = capture.tokens.len();
        let has_sinks = capture.model.has_sinks;
        let (mut heads, mut all) = (Vec::new(), 0);
        let (mut above, mut sums) = (vec![0_usize; tokens], vec![0.0_f64; tokens]);
        let mut values = vec![(0.0_f64, 0_usize); tokens];
        for layer in &capture.layers {
            let of_heads = (0..layer.heads.len()).into_par_iter();
            let of_heads: Option<Vec<OfHead>> =
                of_heads.map(|head| of_head(layer, head, tokens, is_stopped)).collect();
            let mut of_layer = Vec::with_capacity(layer.heads.len());
            for (of, summary) in of_heads?.into_iter().zip(&layer.heads) {
                for (key, mean) in of.means.iter().enumerate() {
                    above[key] += usize::from(*mean > SINK_SHARE);
                    sums[key] += f64::from(*mean);
                    if let Some(ratio) = of.values[key] {
                        values[key] = (values[key].0 + f64::from(ratio), values[key].1 + 1);
                    }
                }
                let strongest = of.means.iter().copied().enumerate();
                let strongest = strongest.reduce(|a, b| if b.1 > a.1 { b } else { a });
                let statistic = |it: Statistic| summary.statistics.get(it);
                of_layer.push(HeadSink {
                    learned: statistic(Statistic::Sink).filter(|_| has_sinks),
                    first: statistic(Statistic::FirstToken),
                    strongest: strongest.unwrap_or_default(),
                    value_ratio: of.values.first().copied().flatten(),
                });
            }
            all += of_layer.len();
            heads.push(of_layer);
        }
        let share = |count: usize| count as f32 / all.max(1) as f32;
        let key = |position: usize| {
            let (sum, count) = values[position];
            KeySink {
                position,
                rate: share(above[position]),
                share: (sums[position] / all.max(1) as f64) as f32,
                queries: tokens - position,
                value_ratio: (count > 0).then(|| (sum / count as f64) as f32),
            }
        };
        let learned =
            || heads.iter().flatten().filter(|head| head.learned.is_some_and(|it| it > SINK_SHARE)).count();
        Some(Self {
            learned_rate: has_sinks.then(|| share(learned())),
            keys: (0..tokens).map(key).collect(),
            heads,
        })
    }

    /// The keys that are a sink of any head: the first token before all others, those that few queries may see after all
    /// others, and among those in between the sinks of most heads first.
    pub fn ranked(&self) -> Vec<&KeySink> {
        let mut keys: Vec<&KeySink> =
            self.keys.iter().filter(|key| key.position == 0 || key.rate > 0.0).collect();
        let strength = |key: &KeySink| ((key.position == 0, key.queries >= FEW_QUERIES), key.rate, key.share);
        keys.sort_by(|a, b| {
            let (a, b) = (strength(a), strength(b));
            b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)).then(b.2.total_cmp(&a.2))
        });
        keys
    }

    /// Whether any token stands behind the first one, and so could make a sink of it.
    pub fn has_later_tokens(&self) -> bool {
        self.keys.len() > 1
    }

    /// The mean over all heads of some number of each; nothing where none has it.
    pub fn mean(&self, of: impl Fn(&HeadSink) -> Option<f32>) -> Option<f32> {
        mean(self.heads.iter().flatten(), of)
    }

    /// The mean over the heads of a layer of some number of each; nothing where none has it.
    pub fn layer_mean(&self, layer: usize, of: impl Fn(&HeadSink) -> Option<f32>) -> Option<f32> {
        mean(self.heads.get(layer)?.iter(), of)
    }
}

fn mean<'a>(heads: impl Iterator<Item = &'a HeadSink>, of: impl Fn(&HeadSink) -> Option<f32>) -> Option<f32> {
    let (mut sum, mut count) = (0.0, 0_usize);
    for value in heads.filter_map(of) {
        (sum, count) = (sum + f64::from(value), count + 1);
    }
    (count > 0).then(|| (sum / count as f64) as f32)
}

fn of_head(
    layer: &LayerCapture,
    head: usize,
    tokens: usize,
    is_stopped: &(dyn Fn() -> bool + Sync),
) -> Option<OfHead> {
    let (rows_of, mut rows) = (layer.head(head), Rows::default());
    let mut sums = vec![0.0_f64; tokens];
    for first in (0..tokens).step_by(QUERIES) {
        if is_stopped() {
            return None;
        }
        rows_of.rows(first..(first + QUERIES).min(tokens), &mut rows);
        for row in rows.iter() {
            let keys = sums[row.first_key..].iter_mut().zip(row.weights);
            keys.for_each(|(sum, weight)| *sum += f64::from(*weight));
        }
    }
    let lengths: Vec<f64> = (0..tokens).map(|key| f64::from(layer.value_norms.row(key)[head])).collect();
    Some(OfHead { means: means(&sums), values: beside_others(&lengths) })
}

/// The mean of what each key gets over the queries from it on.
fn means(sums: &[f64]) -> Vec<f32> {
    let queries = (1..=sums.len()).rev();
    sums.iter().zip(queries).map(|(sum, queries)| (sum / queries as f64) as f32).collect()
}

/// Each length as a multiple of the mean of all others; nothing where these have none.
fn beside_others(lengths: &[f64]) -> Vec<Option<f32>> {
    let sum: f64 = lengths.iter().sum();
    let others = lengths.len().saturating_sub(1) as f64;
    let beside = |length: &f64| {
        let mean = (sum - length) / others;
        (mean > 0.0 && mean.is_finite()).then(|| (length / mean) as f32)
    };
    lengths.iter().map(beside).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows [1], [.5 .5], [.8 .1 .1]: key 0 gets 2.3 / 3, key 1 0.6 / 2, key 2 0.1 / 1.
    #[test]
    fn what_a_key_gets_is_a_mean_over_the_queries_that_may_see_it() {
        let found = means(&[2.3, 0.6, 0.1]);
        let expected = [2.3 / 3.0, 0.3, 0.1];
        assert!(
            found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-6),
            "{found:?}"
        );
        assert_eq!(means(&[]), [0.0; 0]);
    }

    #[test]
    fn a_short_value_is_a_small_multiple_of_the_others() {
        let found = beside_others(&[1.0, 4.0, 4.0]);
        assert_eq!(found, [Some(0.25), Some(1.6), Some(1.6)]);
        assert_eq!(beside_others(&[0.0; 3]), [None; 3], "of a head that is off");
        assert_eq!(beside_others(&[2.0]), [None]);
    }

    #[test]
    fn keys_are_ranked_the_first_one_before_all() {
        let key = |position: usize, rate: f32, share: f32| KeySink {
            position,
            rate,
            share,
            queries: 12 - position,
            value_ratio: None,
        };
        let mut keys = vec![key(0, 0.0, 0.1), key(1, 0.25, 0.2), key(2, 0.0, 0.2), key(3, 0.25, 0.3)];
        keys.push(key(11, 1.0, 0.9));
        let sinks = Sinks { heads: Vec::new(), keys, learned_rate: None };
        assert_eq!(sinks.ranked().iter().map(|key| key.position).collect::<Vec<_>>(), [0, 3, 1, 11]);
        assert_eq!(sinks.mean(|head| head.first), None);
    }
}
