//! The memory that captures take together. What they share counts once.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::{Capture, LayerCapture, Qkv};

/// The memory of some captures, as they come and go. Each costs what it alone has, however many there are: captures of
/// prompts that go on from one another share most of theirs.
#[derive(Debug, Clone, Default)]
pub struct SharedMemory {
    /// How many captures, or layers of them, have what lies at an address: of each capture thousands, counted before it is
    /// shown.
    users: HashMap<usize, u32, RandomState>,
    bytes: usize,
}

impl SharedMemory {
    /// Bytes that they take: their numbers, without names and the like.
    pub fn bytes(&self) -> u64 {
        self.bytes as u64
    }

    /// Counts one more, which is to be there until it is [removed](Self::remove).
    pub fn add(&mut self, capture: &Capture) {
        self.bytes += size_of_val(capture.logits.as_slice());
        capture.mean.chunks().for_each(|chunk| self.add_chunk(chunk));
        for layer in &capture.layers {
            if self.has_come(Arc::as_ptr(layer).addr()) {
                chunks(layer).for_each(|chunk| self.add_chunk(chunk));
                if let Some((address, bytes)) = layer.qkv.memory_elsewhere()
                    && self.has_come(address)
                {
                    self.bytes += bytes;
                }
            }
        }
    }

    /// Counts one less.
    pub fn remove(&mut self, capture: &Capture) {
        self.bytes -= size_of_val(capture.logits.as_slice());
        capture.mean.chunks().for_each(|chunk| self.remove_chunk(chunk));
        for layer in &capture.layers {
            if self.has_gone(Arc::as_ptr(layer).addr()) {
                chunks(layer).for_each(|chunk| self.remove_chunk(chunk));
                if let Some((address, bytes)) = layer.qkv.memory_elsewhere()
                    && self.has_gone(address)
                {
                    self.bytes -= bytes;
                }
            }
        }
    }

    fn add_chunk(&mut self, chunk: &Arc<Vec<f32>>) {
        if self.has_come(Arc::as_ptr(chunk).addr()) {
            self.bytes += bytes(chunk);
        }
    }

    fn remove_chunk(&mut self, chunk: &Arc<Vec<f32>>) {
        if self.has_gone(Arc::as_ptr(chunk).addr()) {
            self.bytes -= bytes(chunk);
        }
    }

    /// Counts one more user of an address; returns whether it is the first.
    fn has_come(&mut self, address: usize) -> bool {
        let users = self.users.entry(address).or_default();
        *users += 1;
        *users == 1
    }

    /// Counts one user less; returns whether it was the last.
    fn has_gone(&mut self, address: usize) -> bool {
        let Some(users) = self.users.get_mut(&address) else { return false };
        *users -= 1;
        let is_last = *users == 0;
        if is_last {
            self.users.remove(&address);
        }
        is_last
    }
}

/// Bytes that some captures take together: their numbers, without names and the like.
pub fn memory<'a>(captures: impl IntoIterator<Item = &'a Capture>) -> u64 {
    let mut memory = SharedMemory::default();
    captures.into_iter().for_each(|capture| memory.add(capture));
    memory.bytes()
}

/// Those that a layer has on the host. What is kept elsewhere counts as a whole, brought or not.
fn chunks(layer: &LayerCapture) -> impl Iterator<Item = &Arc<Vec<f32>>> {
    let LayerCapture { qkv, value_norms, log_sum_exp, sums, mean, heads, .. } = layer;
    let qkv = qkv
        .on_host()
        .into_iter()
        .flat_map(|Qkv { query, key, value }| query.chunks().chain(key.chunks()).chain(value.chunks()));
    let rows = [value_norms, log_sum_exp, sums.rows()].into_iter().flat_map(|rows| rows.chunks());
    let matrices = heads.iter().map(|head| &head.thumbnail).chain([mean]).flat_map(|matrix| matrix.chunks());
    qkv.chain(rows).chain(matrices)
}

fn bytes(chunk: &Arc<Vec<f32>>) -> usize {
    size_of::<f32>() * chunk.capacity()
}
