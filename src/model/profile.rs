//! What a pass cost: where its time went, and what no machine could do without.

use std::time::{Duration, Instant};

/// Times and amounts of one pass.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Profile {
    /// In linear layers and experts.
    pub linear: Duration,
    /// Attending: scores, softmax, values, and what is folded in on the way.
    pub attention: Duration,
    /// Copying queries and keys, and adding up means over layers.
    pub record: Duration,
    /// Bytes of weights that had to be read.
    pub weight_bytes: u64,
    /// Floating-point operations of the products with weights, two for each weight and token.
    pub operations: u64,
}

impl Profile {
    /// Does a product of `tokens` vectors with `weights` weights that take `bytes`.
    pub fn linear<R>(&mut self, tokens: usize, weights: usize, bytes: u64, work: impl FnOnce() -> R) -> R {
        self.weight_bytes += bytes;
        self.operations += 2 * (tokens * weights) as u64;
        timed(&mut self.linear, work)
    }

    /// Attends.
    pub fn attention<R>(&mut self, work: impl FnOnce() -> R) -> R {
        timed(&mut self.attention, work)
    }

    /// Records.
    pub fn record<R>(&mut self, work: impl FnOnce() -> R) -> R {
        timed(&mut self.record, work)
    }
}

fn timed<R>(total: &mut Duration, work: impl FnOnce() -> R) -> R {
    let start = Instant::now();
    let result = work();
    *total += start.elapsed();
    result
}
