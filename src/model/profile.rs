//! What a pass cost: where its time went, and what no machine could do without.

use std::time::{Duration, Instant};

use candle_core::Device;

/// Times and amounts of one pass.
#[derive(Debug, Clone, Default)]
pub struct Profile {
    /// What each part waits for, before and after: a GPU is still at work when it is asked for the next thing.
    /// Without one its times are not those of the parts, and the pass is not held up.
    pub device: Option<Device>,
    /// In linear layers with their activations, and in experts.
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
        timed(&mut self.linear, self.device.as_ref(), work)
    }

    /// Attends.
    pub fn attention<R>(&mut self, work: impl FnOnce() -> R) -> R {
        timed(&mut self.attention, self.device.as_ref(), work)
    }

    /// Records.
    pub fn record<R>(&mut self, work: impl FnOnce() -> R) -> R {
        timed(&mut self.record, self.device.as_ref(), work)
    }
}

fn timed<R>(total: &mut Duration, device: Option<&Device>, work: impl FnOnce() -> R) -> R {
    // What failed on the device is told by the next thing that is asked of it.
    let wait = || device.map(Device::synchronize);
    wait();
    let start = Instant::now();
    let result = work();
    wait();
    *total += start.elapsed();
    result
}
