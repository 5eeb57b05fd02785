//! Numbers of the tokens of a prompt, in chunks of some tokens each. Prompts that begin alike hold the same chunks, so
//! that one that goes on from another takes memory for what is new only.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

/// Tokens of a chunk.
pub const CHUNK: usize = 32;

/// A row of `width` values for each token.
#[derive(Debug, Clone)]
pub struct TokenRows {
    width: usize,
    tokens: usize,
    /// \[[`CHUNK`], width\] each. The last one may hold fewer rows, or more than `tokens` needs.
    chunks: Vec<Arc<Vec<f32>>>,
}

impl TokenRows {
    /// Of no tokens yet.
    pub fn new(width: usize) -> Self {
        Self { width, tokens: 0, chunks: Vec::new() }
    }

    /// From `values` \[tokens, width\].
    pub fn from_values(width: usize, values: &[f32]) -> Self {
        let mut rows = Self::new(width);
        rows.extend(values.len() / width.max(1), |token, row| {
            row.copy_from_slice(&values[token * width..][..width])
        });
        rows
    }

    /// Number of rows.
    pub fn tokens(&self) -> usize {
        self.tokens
    }

    /// The row of a token.
    pub fn row(&self, token: usize) -> &[f32] {
        assert!(token < self.tokens, "row {token} of {}", self.tokens);
        &self.chunks[token / CHUNK][token % CHUNK * self.width..][..self.width]
    }

    /// All rows, in order.
    pub fn rows(&self) -> impl Iterator<Item = &[f32]> {
        (0..self.tokens).map(|token| self.row(token))
    }

    /// The memory that they are in.
    pub fn chunks(&self) -> impl Iterator<Item = &Arc<Vec<f32>>> {
        self.chunks.iter()
    }

    /// The first rows, which share their memory with these.
    #[must_use]
    pub fn prefix(&self, tokens: usize) -> Self {
        assert!(tokens <= self.tokens, "{tokens} of {} rows", self.tokens);
        Self { width: self.width, tokens, chunks: self.chunks[..tokens.div_ceil(CHUNK)].to_vec() }
    }

    /// Makes room for `count` rows behind these, so that appending them copies nothing.
    pub fn make_room(&mut self, count: usize) {
        let (kept, width) = (self.tokens % CHUNK, self.width);
        if let Some(chunk) = self.chunks.last_mut().filter(|_| kept > 0) {
            with_room(chunk, kept * width, (kept + count).min(CHUNK) * width);
        }
    }

    /// Appends `count` rows, which `fill` writes: the index among the new ones, and the row.
    pub fn extend(&mut self, count: usize, fill: impl Fn(usize, &mut [f32]) + Send + Sync) {
        let (width, before) = (self.width, self.tokens);
        self.tokens += count;
        self.chunks.resize_with(self.tokens.div_ceil(CHUNK), Arc::default);
        let first = before / CHUNK;
        self.chunks[first..].par_iter_mut().enumerate().for_each(|(at, chunk)| {
            let start = (first + at) * CHUNK;
            let kept = before.saturating_sub(start);
            let end = (before + count - start).min(CHUNK);
            let chunk = with_room(chunk, kept * width, end * width);
            for token in kept..end {
                fill(start + token - before, &mut chunk[token * width..][..width]);
            }
        });
    }
}

impl PartialEq for TokenRows {
    fn eq(&self, other: &Self) -> bool {
        (self.width, self.tokens) == (other.width, other.tokens) && self.rows().eq(other.rows())
    }
}

/// The keys or the values of a layer, of all its key/value heads, as the kernels of attention read them.
#[derive(Debug, Clone)]
pub struct Panels {
    order: Order,
    heads: usize,
    head_dim: usize,
    tokens: usize,
    /// A panel for each head: \[heads, head_dim, [`CHUNK`]\] or \[heads, [`CHUNK`], head_dim\]. Places beyond the last
    /// token hold anything finite.
    chunks: Vec<Arc<Vec<f32>>>,
}

/// How the numbers of a panel follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// \[head_dim, tokens\]: keys, of which a register holds the same place of several.
    ByPlace,
    /// \[tokens, head_dim\]: values, of which a register holds several places of the same.
    ByToken,
}

impl Panels {
    /// Of no tokens yet.
    pub fn new(order: Order, heads: usize, head_dim: usize) -> Self {
        Self { order, heads, head_dim, tokens: 0, chunks: Vec::new() }
    }

    /// From `values` \[heads, tokens, head_dim\].
    pub fn from_values(order: Order, heads: usize, head_dim: usize, values: &[f32]) -> Self {
        let mut panels = Self::new(order, heads, head_dim);
        panels.extend(values);
        panels
    }

    /// Number of tokens.
    pub fn tokens(&self) -> usize {
        self.tokens
    }

    /// Number of key/value heads.
    pub fn heads(&self) -> usize {
        self.heads
    }

    /// Values per head and token.
    pub fn head_dim(&self) -> usize {
        self.head_dim
    }

    /// The [`CHUNK`] tokens from `CHUNK · at` on of a head, in the panels' order.
    pub fn panel(&self, head: usize, at: usize) -> &[f32] {
        let size = CHUNK * self.head_dim;
        &self.chunks[at][head * size..][..size]
    }

    /// \[heads, tokens, head_dim\]: all of them, copied.
    pub fn to_values(&self) -> Vec<f32> {
        let mut values = Vec::with_capacity(self.heads * self.tokens * self.head_dim);
        for head in 0..self.heads {
            for token in 0..self.tokens {
                let panel = self.panel(head, token / CHUNK);
                values.extend((0..self.head_dim).map(|place| panel[self.index(token % CHUNK, place)]));
            }
        }
        values
    }

    /// How far some tokens of a head lie along a direction \[head_dim\]: the sum of products, in f64.
    pub fn along(&self, head: usize, tokens: Range<usize>, direction: &[f32]) -> Vec<f64> {
        let along = |token: usize| {
            let panel = self.panel(head, token / CHUNK);
            let product = |(place, x): (usize, &f32)| {
                f64::from(panel[self.index(token % CHUNK, place)]) * f64::from(*x)
            };
            direction.iter().enumerate().map(product).sum()
        };
        tokens.map(along).collect()
    }

    /// The memory that they are in.
    pub fn chunks(&self) -> impl Iterator<Item = &Arc<Vec<f32>>> {
        self.chunks.iter()
    }

    /// The first tokens, which share their memory with these.
    #[must_use]
    pub fn prefix(&self, tokens: usize) -> Self {
        assert!(tokens <= self.tokens, "{tokens} of {}", self.tokens);
        Self { tokens, chunks: self.chunks[..tokens.div_ceil(CHUNK)].to_vec(), ..*self }
    }

    /// Makes room for tokens behind these, so that appending them copies nothing.
    pub fn make_room(&mut self) {
        let size = self.heads * self.head_dim * CHUNK;
        if let Some(chunk) = self.chunks.last_mut().filter(|_| !self.tokens.is_multiple_of(CHUNK)) {
            with_room(chunk, size, size);
        }
    }

    /// Appends tokens: `values` \[heads, n, head_dim\].
    pub fn extend(&mut self, values: &[f32]) {
        let (heads, head_dim, before) = (self.heads, self.head_dim, self.tokens);
        let count = values.len() / (heads * head_dim).max(1);
        self.tokens += count;
        self.chunks.resize_with(self.tokens.div_ceil(CHUNK), Arc::default);
        let this = Self { chunks: Vec::new(), ..*self };
        let first = before / CHUNK;
        let size = CHUNK * head_dim;
        self.chunks[first..].par_iter_mut().enumerate().for_each(|(at, chunk)| {
            let start = (first + at) * CHUNK;
            let kept = before.saturating_sub(start);
            let end = (before + count - start).min(CHUNK);
            let chunk = with_room(chunk, heads * size, heads * size);
            for (panel, values) in chunk.chunks_exact_mut(size).zip(values.chunks_exact(count * head_dim)) {
                let values = &values[(start + kept - before) * head_dim..];
                for (token, value) in (kept..end).zip(values.chunks_exact(head_dim)) {
                    match this.order {
                        Order::ByToken => panel[token * head_dim..][..head_dim].copy_from_slice(value),
                        Order::ByPlace => {
                            let places = panel[token..].iter_mut().step_by(CHUNK);
                            places.zip(value).for_each(|(place, value)| *place = *value);
                        }
                    }
                }
            }
        });
    }

    /// Where in a panel a value stands.
    fn index(&self, token: usize, place: usize) -> usize {
        match self.order {
            Order::ByPlace => place * CHUNK + token,
            Order::ByToken => token * self.head_dim + place,
        }
    }
}

impl PartialEq for Panels {
    fn eq(&self, other: &Self) -> bool {
        (self.heads, self.head_dim, self.tokens) == (other.heads, other.head_dim, other.tokens)
            && self.to_values() == other.to_values()
    }
}

/// The values of a chunk, to write to: the first `kept` stay, and zeros follow up to `size`. Where others hold the chunk,
/// too, it becomes a copy.
fn with_room(chunk: &mut Arc<Vec<f32>>, kept: usize, size: usize) -> &mut [f32] {
    if Arc::get_mut(chunk).is_none() {
        let mut copy = Vec::with_capacity(size);
        copy.extend_from_slice(&chunk[..kept.min(chunk.len())]);
        *chunk = Arc::new(copy);
    }
    let values = Arc::make_mut(chunk);
    values.truncate(kept);
    values.resize(size, 0.0);
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_go_on_from_a_prefix_and_leave_it_as_it_is() {
        let values = |tokens: usize| -> Vec<f32> { (0..3 * tokens).map(|at| at as f32).collect() };
        for (all, kept, more) in [(70, 70, 1), (70, 40, 50), (64, 32, 1), (5, 0, 3), (31, 31, 2), (1, 1, 0)] {
            let whole = TokenRows::from_values(3, &values(all));
            let mut other = whole.prefix(kept);
            other.extend(more, |at, row| row.fill(-(at as f32)));
            assert_eq!((other.tokens(), whole.tokens()), (kept + more, all));
            assert_eq!(whole, TokenRows::from_values(3, &values(all)));
            assert!(other.rows().take(kept).eq(whole.rows().take(kept)));
            for at in 0..more {
                assert_eq!(other.row(kept + at), [-(at as f32); 3]);
            }
            let shared = kept / CHUNK;
            let same = |at: &usize| Arc::ptr_eq(&whole.chunks[*at], &other.chunks[*at]);
            assert_eq!((0..shared).filter(same).count(), shared, "what is alike is there once");
        }
    }

    #[test]
    fn panels_go_on_from_a_prefix_and_leave_it_as_it_is() {
        let (heads, head_dim) = (2, 3);
        let values = |tokens: usize, from: usize| -> Vec<f32> {
            let of = move |head: usize, token: usize, place: usize| {
                (100 * (from + token) + 10 * head + place) as f32
            };
            let of_head = |head: usize| {
                (0..tokens).flat_map(move |token| (0..head_dim).map(move |p| of(head, token, p)))
            };
            (0..heads).flat_map(of_head).collect()
        };
        for order in [Order::ByPlace, Order::ByToken] {
            for (all, kept, more) in [(70, 70, 1), (70, 40, 50), (64, 32, 1), (5, 0, 3), (31, 31, 2)] {
                let whole = Panels::from_values(order, heads, head_dim, &values(all, 0));
                assert_eq!(whole.to_values(), values(all, 0));
                let mut other = whole.prefix(kept);
                other.extend(&values(more, kept));
                assert_eq!(other.to_values(), values(kept + more, 0));
                assert_eq!(whole.to_values(), values(all, 0));
                assert!(Arc::ptr_eq(&whole.chunks[0], &other.chunks[0]) || kept < CHUNK);
            }
        }
    }
}
