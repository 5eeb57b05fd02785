//! The memory of a pass: where everything is that a pass writes besides the rows of tokens. It is kept from pass to pass, and
//! grows with the longest prompt.

use super::copies::{Address, Buffer, HostBuffer};
use super::decoder::{Shape, padded};
use super::device::Device;
use super::rows::KeptRows;
use super::{GpuError, SUMS};

/// Tokens that there is room for, at least.
const FEWEST_TOKENS: usize = 64;

/// The memory of passes.
#[derive(Default)]
pub struct Arena {
    parts: Option<Parts>,
}

/// The memory of passes of up to so many tokens.
pub(super) struct Parts {
    pub work: Work,
    pub work_buffer: Buffer,
    /// What a pass leaves besides rows: it is read in one piece.
    pub results: Buffer,
    pub host: HostBuffer,
}

/// Places in the memory that layers use again. Rows start where they always do, so that the zeros behind them stay.
#[derive(Debug, Clone, Copy)]
pub(super) struct Work {
    capacity: usize,
    /// What a pass is given, in one piece: the residual stream first.
    pub inputs: usize,
    pub normed: usize,
    pub beside: usize,
    pub context: usize,
    pub intermediate: usize,
    pub outputs: usize,
    pub shares: usize,
    pub chosen: usize,
    pub order: usize,
    pub tiles: usize,
    end: usize,
}

/// What a pass leaves besides the rows of its tokens, in floats from the first on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Results {
    pub logits: usize,
    /// \[new, layers, heads, SUMS\], log-sum-exps among them.
    pub sums: usize,
    /// \[new, layers, heads\]
    pub lengths: usize,
    /// \[layers, packed rows\]
    pub means: usize,
    /// \[layers, queries from the first that is folded on\]
    pub first_keys: usize,
    /// \[layers, heads, packed rows\]
    pub thumbnails: usize,
    pub end: usize,
}

/// How much of a prompt there is, and how it is folded.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// Tokens.
    pub tokens: usize,
    /// Those at its start that are known.
    pub first: usize,
    /// The first query of rows of cells that are folded.
    pub fold_first: usize,
    /// Tokens of a cell of the means.
    pub bin: usize,
    /// Tokens of a cell of thumbnails.
    pub small_bin: usize,
}

/// Cells of the rows of a triangle before this one.
fn triangle(row: usize) -> usize {
    row * (row + 1) / 2
}

impl Extent {
    /// Cells of the rows that are folded, for cells of so many tokens.
    pub fn cells(&self, bin: usize) -> usize {
        triangle(self.tokens.div_ceil(bin)) - triangle(self.fold_first / bin)
    }

    /// Where the row of cells begins among them.
    pub fn row(&self, bin: usize, row: usize) -> usize {
        triangle(row) - triangle(self.fold_first / bin)
    }

    /// Tokens that are new.
    pub fn new_tokens(&self) -> usize {
        self.tokens - self.first
    }
}

impl Results {
    pub fn new(shape: &Shape, extent: &Extent) -> Self {
        let (layers, new) = (shape.layers, extent.new_tokens());
        let mut end = 0;
        let mut place = |count: usize| {
            let start = end;
            end += padded(count);
            start
        };
        Self {
            logits: place(shape.vocabulary),
            sums: place(new * layers * shape.heads * SUMS),
            lengths: place(new * layers * shape.heads),
            means: place(layers * extent.cells(extent.bin)),
            first_keys: place(layers * (extent.tokens - extent.fold_first)),
            thumbnails: place(layers * shape.heads * extent.cells(extent.small_bin)),
            end,
        }
    }
}

impl Work {
    fn new(shape: &Shape, capacity: usize) -> Self {
        let mut end = 0;
        let mut place = |count: usize| {
            let start = end;
            end += padded(count);
            start
        };
        let (hidden, context) = (padded(shape.hidden), padded(shape.heads * shape.head_dim));
        let turns: usize = shape.rotaries.iter().map(|rotary| rotary.width).sum();
        let heads = shape.layers * shape.heads * (1 + shape.head_dim);
        let visits = capacity * shape.active;
        Self {
            capacity,
            // x, tables of rotaries, heads that are on and what others give; ids and bits.
            inputs: place(capacity * (hidden + turns + 2) + heads),
            normed: place(capacity * hidden),
            beside: place(capacity * hidden),
            context: place(capacity * context),
            intermediate: place(visits * padded(shape.intermediate)),
            outputs: place(visits * hidden),
            shares: place(visits),
            chosen: place(visits),
            order: place(visits),
            tiles: place(3 * most_tiles(visits, shape.experts, 16)),
            end,
        }
    }
}

/// Tiles that visits of experts may need.
pub(super) fn most_tiles(visits: usize, experts: usize, tile: usize) -> usize {
    visits.div_ceil(tile) + experts.min(visits)
}

/// What there is room for in the memory for a pass: for some more tokens, so that it seldom grows.
fn sizes(shape: &Shape, extent: &Extent) -> (Work, usize) {
    let capacity = extent.tokens.next_power_of_two().max(FEWEST_TOKENS);
    let small_bin = capacity.div_ceil(32).next_power_of_two();
    let whole = Extent { tokens: capacity, first: 0, fold_first: 0, bin: extent.bin, small_bin };
    let end = Results::new(shape, &whole).end.max(Results::new(shape, extent).end);
    (Work::new(shape, capacity), end)
}

/// Bytes of a device that the pass of a prompt takes: its rows, and the memory of the pass.
pub fn bytes_of_pass(shape: &Shape, extent: &Extent) -> u64 {
    let (work, end) = sizes(shape, extent);
    KeptRows::bytes_for(shape, extent.tokens) + 4 * (work.end + end) as u64
}

impl Arena {
    /// The memory for a pass.
    pub(super) fn for_pass(
        &mut self,
        device: &Device,
        shape: &Shape,
        extent: &Extent,
    ) -> Result<&mut Parts, GpuError> {
        let end = Results::new(shape, extent).end;
        let fits = |parts: &Parts| parts.work.capacity >= extent.tokens && parts.results.len() >= 4 * end;
        if !self.parts.as_ref().is_some_and(fits) {
            // Before there are both.
            self.parts = None;
            let (work, end) = sizes(shape, extent);
            self.parts = Some(Parts {
                results: device.zeros(4 * end)?,
                work_buffer: device.zeros(4 * work.end)?,
                host: device.host(end)?,
                work,
            });
        }
        self.parts.as_mut().ok_or(GpuError::OutOfMemory)
    }
}

impl Parts {
    /// The address of a place in the memory that layers use again.
    pub fn at(&self, place: usize) -> Address {
        self.work_buffer.address() + 4 * place as u64
    }

    /// The address of a place among what a pass leaves.
    pub fn result_at(&self, place: usize) -> Address {
        self.results.address() + 4 * place as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GB: u64 = 1_000_000_000;

    fn gpt_oss_20b() -> Shape {
        Shape {
            layers: 24,
            hidden: 2880,
            intermediate: 2880,
            active: 4,
            experts: 32,
            heads: 64,
            kv_heads: 8,
            head_dim: 64,
            clip: None,
            rotaries: Vec::new(),
            vocabulary: 201_088,
            features: Default::default(),
        }
    }

    fn gpt2() -> Shape {
        Shape {
            layers: 12,
            hidden: 768,
            intermediate: 3072,
            active: 1,
            experts: 0,
            heads: 12,
            kv_heads: 12,
            vocabulary: 50_257,
            ..gpt_oss_20b()
        }
    }

    /// The packed experts and the other weights of gpt-oss-20b but its embedding, which stays on the host; GPT-2's in f32;
    /// what a driver takes; and prompts of both.
    #[test]
    fn both_models_of_the_article_fit_a_card_of_16_gb() {
        let experts = 24 * 32 * (5760 * 2880 + 2880 * 2880) * 17 / 32;
        let others = 2 * (24 * 2880 * (5120 + 4096) + 201_088 * 2880);
        let weights = experts + others + 4 * 124_439_808 + GB / 2;
        let free = (16 << 30) - weights;
        let pass = |shape: &Shape, tokens: usize| {
            let small_bin = tokens.div_ceil(32).next_power_of_two();
            let extent = Extent { tokens, first: 0, fold_first: 0, bin: tokens.div_ceil(2048), small_bin };
            bytes_of_pass(shape, &extent)
        };
        assert!((3 * GB..4 * GB).contains(&free), "{free}");
        for tokens in [128, 1000] {
            let both = pass(&gpt_oss_20b(), tokens) + pass(&gpt2(), tokens);
            assert!(both < free / 2, "{tokens} tokens: {both} of {free}");
        }
        // Rows of so many may stay where they are, of twice as many come to the host during the pass.
        assert!(KeptRows::bytes_for(&gpt_oss_20b(), 2048) < free / 2);
        assert!(KeptRows::bytes_for(&gpt_oss_20b(), 4096) > free / 2);
        assert!(pass(&gpt_oss_20b(), 4096) < free, "and they fit");
    }
}
