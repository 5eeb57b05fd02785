//! What a pass cost: the time of each part, and the bytes and operations that no machine could do without.

use std::time::{Duration, Instant};

use candle_core::Device;

/// Times and amounts of one pass.
#[derive(Debug, Clone, Default)]
pub struct Profile {
    /// The device that each part waits for, before and after: a GPU is still at work when it is asked for the next
    /// thing. Without it the times are not those of the parts, and the pass is not held up.
    pub device: Option<Device>,
    /// In linear layers with their activations, and in experts.
    pub linear: Duration,
    /// In attention: scores, softmax, values, and the sums that are made meanwhile.
    pub attention: Duration,
    /// Copying queries and keys, and adding up means over layers.
    pub record: Duration,
    /// Bytes of weights that had to be read.
    pub weight_bytes: u64,
    /// Floating-point operations of the products with weights, two for each weight and token.
    pub operations: u64,
}

impl Profile {
    /// Counts and times a product of `tokens` rows with `weights` weights, which take `bytes`.
    pub fn linear<R>(&mut self, tokens: usize, weights: usize, bytes: u64, work: impl FnOnce() -> R) -> R {
        self.weight_bytes += bytes;
        self.operations += 2 * (tokens * weights) as u64;
        timed(&mut self.linear, self.device.as_ref(), work)
    }

    /// Times attention.
    pub fn attention<R>(&mut self, work: impl FnOnce() -> R) -> R {
        timed(&mut self.attention, self.device.as_ref(), work)
    }

    /// Times what is kept of a layer.
    pub fn record<R>(&mut self, work: impl FnOnce() -> R) -> R {
        timed(&mut self.record, self.device.as_ref(), work)
    }
}

fn timed<R>(total: &mut Duration, device: Option<&Device>, work: impl FnOnce() -> R) -> R {
    // The next operation on the device reports an error of this one.
    let wait = || device.map(Device::synchronize);
    wait();
    let start = Instant::now();
    let result = work();
    wait();
    *total += start.elapsed();
    result
}
