//! How a product is cut into tiles, and shared out among threads.

use std::cell::Cell;
use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::parts::split_rows;
use super::tile::{COLUMNS, PANEL, Parts, ROWS, STEP, Sums, TILES, Tile};
use super::unit::{Ready, Unit};
use super::weight::Tiled;
use crate::kernels::cache::{LINE, fetch};
use crate::kernels::parallel::{SCRATCH, aligned, by_columns};

/// Rows of panels come in multiples of this, so that blocks of every type are decoded whole.
pub const GRAIN: usize = 1280;
/// Batch rows that are cut into parts at a time.
const TOGETHER: usize = 2048;
/// Bytes of tiles of a weight that stay in a core's cache while all batch rows are multiplied by them.
const CACHED: usize = 3 << 18;

thread_local! {
    /// Room for the parts of batch rows that is used again, because fresh memory is slow. It is taken while a
    /// product runs: a thread that waits for others may begin another one.
    static ROOM: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
}

/// What is done to some columns of `y`, a slice for each batch row, before a product is added and after.
pub trait Ends: Sync {
    /// Before.
    fn begin(&self, columns: Range<usize>, out: &mut [&mut [f32]]);
    /// After.
    fn finish(&self, columns: Range<usize>, out: &mut [&mut [f32]]);
}

/// Nothing is done.
impl Ends for () {
    fn begin(&self, _: Range<usize>, _: &mut [&mut [f32]]) {}

    fn finish(&self, _: Range<usize>, _: &mut [&mut [f32]]) {}
}

/// `y` \[n, out\] += `x` \[n, in\] · Wᵀ in the sizes \[in, out\], and what `ends` do.
pub fn add_product<U: Unit, W: Tiled>(
    unit: U,
    [in_features, out_features]: [usize; 2],
    x: &[f32],
    weight: &W,
    ends: &impl Ends,
    y: &mut [f32],
) {
    let shape = Shape::new::<W>(in_features, out_features, x.len() / in_features);
    let mut room = ROOM.take();
    let together = x.chunks(TOGETHER * in_features).zip(y.chunks_mut(TOGETHER * out_features));
    for (x, y) in together {
        let count = x.len() / in_features;
        // All tiles are of about the same size.
        let rows = count.div_ceil(count.div_ceil(ROWS));
        let tiles = count.div_ceil(rows);
        for start in (0..in_features).step_by(shape.depth) {
            let inputs = start..(start + shape.depth).min(in_features);
            let steps = inputs.len().div_ceil(STEP);
            let parts = aligned(&mut room, tiles * steps * size_of::<Parts>() / size_of::<f32>());
            let parts = bytemuck::cast_slice_mut::<f32, Parts>(parts);
            x.par_chunks(rows * in_features).zip(parts.par_chunks_mut(steps)).for_each(|(x, parts)| {
                Arch::new().dispatch(SplitRows { x, in_features, inputs: inputs.clone(), parts })
            });
            let all = Columns { unit, weight, inputs: inputs.clone(), parts, rows, group: shape.group };
            by_columns(shape.part, out_features, y, |columns, out| {
                if inputs.start == 0 {
                    ends.begin(columns.clone(), out);
                }
                SCRATCH.with_borrow_mut(|scratch| all.add_product(columns.clone(), scratch, out));
                if inputs.end == in_features {
                    ends.finish(columns, out);
                }
            });
        }
    }
    ROOM.set(room);
}

/// What all columns of `y` are multiplied from.
struct Columns<'a, U, W> {
    unit: U,
    weight: &'a W,
    inputs: Range<usize>,
    /// \[tiles of batch rows, steps\]
    parts: &'a [Parts],
    /// Batch rows of a tile.
    rows: usize,
    /// Panels that are decoded at a time.
    group: usize,
}

impl<U: Unit, W: Tiled> Columns<'_, U, W> {
    /// Adds to some columns, a slice for each batch row.
    fn add_product(&self, columns: Range<usize>, scratch: &mut Vec<f32>, out: &mut [&mut [f32]]) {
        let Self { weight, ref inputs, parts, rows, group, .. } = *self;
        let ready = self.unit.ready(rows);
        let steps = inputs.len().div_ceil(STEP);
        let panel = steps * W::PARTS;
        let size = panel * size_of::<[Tile; TILES]>() / size_of::<f32>();
        for first in columns.clone().step_by(group * PANEL) {
            let outputs = first..(first + group * PANEL).min(columns.end);
            let panels = aligned(scratch, outputs.len().div_ceil(PANEL) * size);
            let panels = bytemuck::cast_slice_mut::<f32, [Tile; TILES]>(panels);
            for (first, tiles) in outputs.clone().step_by(PANEL).zip(panels.chunks_exact_mut(panel)) {
                weight.decode_tiles(first..(first + PANEL).min(outputs.end), inputs.clone(), tiles);
            }
            let column = first - columns.start;
            let work = Multiply { ready: &ready, x: parts, steps, panels, panel, rows, column, out };
            Arch::new().dispatch(work);
        }
    }
}

struct SplitRows<'a> {
    x: &'a [f32],
    in_features: usize,
    inputs: Range<usize>,
    parts: &'a mut [Parts],
}

impl WithSimd for SplitRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        split_rows(self.x, self.in_features, self.inputs, self.parts);
    }
}

/// How much of a weight is decoded at a time.
struct Shape {
    /// Columns of `y` that a thread takes.
    part: usize,
    /// Rows of a panel.
    depth: usize,
    /// Panels.
    group: usize,
}

impl Shape {
    fn new<W: Tiled>(in_features: usize, out_features: usize, count: usize) -> Self {
        let panels = out_features.div_ceil(PANEL).div_ceil(4 * rayon::current_num_threads());
        let step = W::PARTS * size_of::<[Tile; TILES]>();
        let depth = match count * in_features * size_of::<Parts>() / (ROWS * STEP) <= CACHED {
            true => (CACHED / step * STEP).next_multiple_of(GRAIN),
            false => GRAIN,
        };
        let depth = depth.min(in_features);
        let group = match count <= ROWS {
            true => 1,
            false => (CACHED / (step * depth.div_ceil(STEP))).clamp(1, panels),
        };
        Self { part: panels * PANEL, depth, group }
    }
}

/// Adds the products of all batch rows with some rows of some panels.
struct Multiply<'a, 'y, R> {
    ready: &'a R,
    /// \[tiles of batch rows, steps\]
    x: &'a [Parts],
    steps: usize,
    /// One after the other.
    panels: &'a [[Tile; TILES]],
    /// The length of one.
    panel: usize,
    /// Batch rows of a tile.
    rows: usize,
    /// The column of `out` that is the first of the panels.
    column: usize,
    out: &'a mut [&'y mut [f32]],
}

impl<R: Ready> WithSimd for Multiply<'_, '_, R> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { ready, x, steps, panels, panel, rows, column, out } = self;
        let mut sums: Sums = [[0.0; ROWS * COLUMNS]; TILES];
        for (x, out) in x.chunks_exact(steps).zip(out.chunks_mut(rows)) {
            for (at, panel) in panels.chunks_exact(panel).enumerate() {
                let column = column + at * PANEL;
                for out in out.iter() {
                    let out: &[u8] = bytemuck::cast_slice(&out[column..]);
                    (0..PANEL * size_of::<f32>()).step_by(LINE).for_each(|line| fetch(out, line));
                }
                ready.multiply(x, panel, &mut sums);
                for (row, out) in out.iter_mut().enumerate() {
                    let out = &mut out[column..];
                    match out.first_chunk_mut::<PANEL>() {
                        Some(out) => add_row(out, row, &sums),
                        None => {
                            let mut all = [0.0; PANEL];
                            add_row(&mut all, row, &sums);
                            out.iter_mut().zip(all).for_each(|(out, sum)| *out += sum);
                        }
                    }
                }
            }
        }
    }
}

/// Adds a row of sums.
#[inline(always)]
fn add_row(out: &mut [f32; PANEL], row: usize, sums: &Sums) {
    for (out, sums) in out.as_chunks_mut::<COLUMNS>().0.iter_mut().zip(sums) {
        let sums = &sums.as_chunks::<COLUMNS>().0[row];
        out.iter_mut().zip(sums).for_each(|(out, sum)| *out += sum);
    }
}
