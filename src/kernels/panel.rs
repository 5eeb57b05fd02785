//! Products with a weight that was packed once into panels of some columns. A panel is read from its start to its end
//! while a tile of results stays in registers.

use std::ops::Range;

use memmap2::MmapMut;
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::amx::parts::split_panel;
use super::amx::tile::{TILES, Tile};
use super::amx::weight::Tiled;
use super::amx::{self, product};
use super::cache::{LINE, fetch};
use super::elementwise::Function;
use super::ends::Ends;
use super::parallel::by_columns;

/// Columns of a panel: they fill registers of every width.
pub(super) const PANEL: usize = 48;
const _: () = assert!(PANEL == amx::tile::PANEL);
/// Rows of a panel that are multiplied at a time. So many rows of [`GROUP`] panels stay in a core's cache.
const DEPTH: usize = 384;
/// Panels that a thread takes at a time, at most.
const GROUP: usize = 8;
/// Batch rows that are multiplied at a time, and stay in a core's cache beside the panels.
const BATCH_ROWS: usize = 64;
/// Batch rows up to which reading a panel takes longer than multiplying it.
const FEW: usize = 8;
/// Panels that a thread takes at a time for so few: those that begin late take fewer of them, and all end together.
const FEW_GROUP: usize = 2;
/// Values that are asked for ahead of those that are multiplied, where a panel is read once.
const AHEAD: usize = 4 * 1024;
/// Batch rows from which on a matrix unit is faster: for fewer, cutting weights into parts takes longer.
const MANY_FOR_TILES: usize = 100;
/// Rows that are packed together: the number of streams that a core reads fastest.
const STREAMS: usize = 8;
/// Rows of a panel that are multiplied without a check in between.
const STEP: usize = 16;

/// A weight \[in, out\] as panels \[in, PANEL\], the last one filled up with zeros.
#[derive(Debug)]
pub struct Panels {
    values: MmapMut,
    in_features: usize,
    out_features: usize,
}

impl Panels {
    /// Packs a weight \[in, out\].
    ///
    /// # Errors
    /// If the system gives no memory.
    ///
    /// # Panics
    /// If the weight doesn't have whole rows.
    pub fn new(weight: &[f32], in_features: usize, out_features: usize) -> std::io::Result<Self> {
        assert_eq!(weight.len(), in_features * out_features, "the weight is [in, out]");
        let panel = in_features * PANEL;
        let mut values = MmapMut::map_anon(size_of::<f32>() * out_features.div_ceil(PANEL) * panel)?;
        #[cfg(target_os = "linux")]
        if let Err(error) = values.advise(memmap2::Advice::HugePage) {
            tracing::debug!(%error, "no huge pages");
        }
        bytemuck::cast_slice_mut::<u8, f32>(&mut values)
            .par_chunks_mut(GROUP * panel)
            .enumerate()
            .for_each(|(group, panels)| pack(weight, out_features, group * GROUP * PANEL, panels));
        Ok(Self { values, in_features, out_features })
    }

    /// \[in, out\]
    pub fn sizes(&self) -> [usize; 2] {
        [self.in_features, self.out_features]
    }

    /// Writes row `row` of the weight to `out` \[out\].
    pub fn read_row(&self, row: usize, out: &mut [f32]) {
        let panels = self.values().chunks_exact(self.in_features * PANEL);
        for (panel, out) in panels.zip(out.chunks_mut(PANEL)) {
            out.copy_from_slice(&panel[row * PANEL..][..out.len()]);
        }
    }

    /// `y` \[n, out\] += `x` \[n, in\] · W + `bias`.
    ///
    /// # Panics
    /// If the lengths don't belong together.
    pub fn add_product(&self, x: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
        self.multiply(x, Ends { keeps: true, bias, function: None }, y);
    }

    /// `y` \[n, out\] = the function of `x` \[n, in\] · W + `bias`.
    ///
    /// # Panics
    /// If the lengths don't belong together.
    pub fn product(&self, x: &[f32], bias: Option<&[f32]>, function: Option<Function>, y: &mut [f32]) {
        self.multiply(x, Ends { keeps: false, bias, function }, y);
    }

    fn multiply(&self, x: &[f32], ends: Ends<'_>, y: &mut [f32]) {
        let Self { in_features, out_features, .. } = *self;
        let count = x.len() / in_features;
        assert_eq!(
            (count * in_features, count * out_features),
            (x.len(), y.len()),
            "x is [n, in], y is [n, out]"
        );
        assert!(ends.bias.is_none_or(|bias| bias.len() == out_features), "a bias for each result");
        if count >= MANY_FOR_TILES
            && let Some(unit) = amx::unit()
        {
            return product::add_product(unit, [in_features, out_features], x, self, &ends, y);
        }
        let panel = in_features * PANEL;
        let most = if count <= FEW { FEW_GROUP } else { GROUP };
        let group = out_features.div_ceil(PANEL).div_ceil(2 * rayon::current_num_threads()).min(most);
        let arch = Arch::new();
        by_columns(group * PANEL, out_features, y, |columns, out| {
            let first = columns.start / PANEL;
            let panels = &self.values()[first * panel..];
            let ends = ends.of(columns.clone());
            arch.dispatch(TimesPanels { x, in_features, panels, width: columns.len(), ends, out });
        });
    }

    fn values(&self) -> &[f32] {
        bytemuck::cast_slice(&self.values)
    }
}

impl Tiled for Panels {
    const PARTS: usize = 3;

    fn decode_tiles(&self, outputs: Range<usize>, inputs: Range<usize>, tiles: &mut [[Tile; TILES]]) {
        let panel = &self.values()[outputs.start / PANEL * self.in_features * PANEL..];
        let panel = &panel[inputs.start * PANEL..inputs.end * PANEL];
        Arch::new().dispatch(SplitPanel { panel, tiles });
    }
}

struct SplitPanel<'a> {
    panel: &'a [f32],
    tiles: &'a mut [[Tile; TILES]],
}

impl WithSimd for SplitPanel<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        split_panel::<{ Panels::PARTS }>(self.panel, self.tiles);
    }
}

/// Columns `first` .. of a weight \[in, out\] as `panels`.
fn pack(weight: &[f32], out_features: usize, first: usize, panels: &mut [f32]) {
    let in_features = weight.len() / out_features;
    for (block, rows) in weight.chunks(STREAMS * out_features).enumerate() {
        for (at, panel) in panels.chunks_exact_mut(in_features * PANEL).enumerate() {
            let columns = first + at * PANEL..(first + (at + 1) * PANEL).min(out_features);
            let panel = &mut panel[block * STREAMS * PANEL..];
            for (row, out) in rows.chunks_exact(out_features).zip(panel.chunks_exact_mut(PANEL)) {
                out[..columns.len()].copy_from_slice(&row[columns.clone()]);
            }
        }
    }
}

/// `out` \[n\]\[width\] from x · some panels.
struct TimesPanels<'a, 'y> {
    /// \[n, in\]
    x: &'a [f32],
    in_features: usize,
    /// And what lies behind them.
    panels: &'a [f32],
    width: usize,
    ends: Ends<'a>,
    out: &'a mut [&'y mut [f32]],
}

impl WithSimd for TimesPanels<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { x, in_features, panels, width, ends, out } = self;
        let depth = if out.len() <= FEW { in_features } else { DEPTH };
        let (panel, count) = (in_features * PANEL, width.div_ceil(PANEL));
        let is_read_once = S::F32_LANES * registers::<S>() == PANEL;
        // All chunks are of about the same size, as tiles are.
        let chunks = out.len().div_ceil(BATCH_ROWS).max(1);
        let batch_rows = out.len().div_ceil(chunks).max(1);
        for first in (0..in_features).step_by(depth) {
            let rows = first..(first + depth).min(in_features);
            let last = rows.end == in_features;
            for (chunk, out) in out.chunks_mut(batch_rows).enumerate() {
                let x = &x[chunk * batch_rows * in_features..][..out.len() * in_features];
                for at in 0..count {
                    let columns = at * PANEL..((at + 1) * PANEL).min(width);
                    let next = match chunk {
                        0 if depth == in_features && is_read_once => part(panels, at * panel + AHEAD, panel),
                        0 => after(&panels[..count * panel], in_features, at, &rows),
                        // Later batch rows find the panels in the cache.
                        _ => &[],
                    };
                    let next = bytemuck::cast_slice(next);
                    let panel = &panels[at * panel..][rows.start * PANEL..rows.end * PANEL];
                    if rows.start == 0 {
                        ends.begin(simd, columns.clone(), out);
                    }
                    let (rows, columns_of_all) = (rows.clone(), columns.clone());
                    TimesPanel { x, in_features, rows, panel, next, columns, out }.with_simd(simd);
                    if last {
                        ends.finish(simd, columns_of_all, out);
                    }
                }
            }
        }
    }
}

/// `count` values from `start` on, or as many as there are.
fn part(values: &[f32], start: usize, count: usize) -> &[f32] {
    let rest = &values[start.min(values.len())..];
    &rest[..count.min(rest.len())]
}

/// Registers of results of a batch row that are added up side by side.
const fn registers<S: Simd>() -> usize {
    match S::REGISTER_COUNT {
        32 => 3,
        _ => 2,
    }
}

/// What is multiplied after some rows of panel `at`: the same rows of the next panel, or after the last panel the next
/// rows of the first one.
fn after<'a>(panels: &'a [f32], in_features: usize, at: usize, rows: &Range<usize>) -> &'a [f32] {
    let next = (at + 1) * in_features * PANEL;
    let (start, rows) = match next < panels.len() {
        true => (next + rows.start * PANEL, rows.len()),
        false => (rows.end * PANEL, rows.len().min(in_features - rows.end)),
    };
    &panels[start..start + rows * PANEL]
}

/// Some columns of `out` += x · one panel, over some of its rows.
pub(super) struct TimesPanel<'a, 'y> {
    /// \[n, in\]
    pub x: &'a [f32],
    /// Values of a batch row.
    pub in_features: usize,
    /// Rows of the weight that are multiplied.
    pub rows: Range<usize>,
    /// \[rows, PANEL\]
    pub panel: &'a [f32],
    /// What is brought into the cache meanwhile.
    pub next: &'a [u8],
    /// The columns of `out` that belong to the panel.
    pub columns: Range<usize>,
    /// One slice for each batch row.
    pub out: &'a mut [&'y mut [f32]],
}

impl WithSimd for TimesPanel<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        // As many results as there are registers for, of 32 or of 16.
        match S::REGISTER_COUNT {
            32 => self.tiles::<S, 8, 3>(simd),
            _ => self.tiles::<S, 6, 2>(simd),
        }
    }
}

impl TimesPanel<'_, '_> {
    /// All batch rows, in tiles of at most `BATCH_ROWS` batch rows and `REGISTERS` registers. Meanwhile `next` is
    /// brought into the cache.
    #[inline(always)]
    fn tiles<S: Simd, const BATCH_ROWS: usize, const REGISTERS: usize>(&mut self, simd: S) {
        let tiles = self.out.len().div_ceil(BATCH_ROWS);
        let part = self.next.len().div_ceil(tiles).next_multiple_of(LINE).max(LINE);
        let mut next = self.next.chunks(part);
        let mut done = 0;
        for left in (1..=tiles).rev() {
            let next = next.next().unwrap_or(&[]);
            macro_rules! tile {
                ($($batch_rows:literal)*) => {
                    // All tiles are of about the same size: a small one takes nearly as long.
                    match (self.out.len() - done).div_ceil(left) {
                        $($batch_rows if $batch_rows < BATCH_ROWS => {
                            self.tile::<S, $batch_rows, REGISTERS>(simd, done, next)
                        })*
                        _ => self.tile::<S, BATCH_ROWS, REGISTERS>(simd, done, next),
                    }
                };
            }
            done += tile!(1 2 3 4 5 6 7);
        }
    }

    /// `BATCH_ROWS` batch rows from `first` on; returns how many these are.
    #[inline(always)]
    fn tile<S: Simd, const BATCH_ROWS: usize, const REGISTERS: usize>(
        &mut self,
        simd: S,
        first: usize,
        next: &[u8],
    ) -> usize {
        let Self { x, in_features, panel, .. } = *self;
        let (rows, columns, out) = (&self.rows, &self.columns, &mut self.out[first..]);
        let x: [&[f32]; BATCH_ROWS] =
            std::array::from_fn(|at| &x[(first + at) * in_features..][rows.clone()]);
        let (steps, rest) = panel.as_chunks::<{ STEP * PANEL }>();
        let x_in_steps = x.map(|x| &x.as_chunks::<STEP>().0[..steps.len()]);
        // Not faster than the panel is read, or the processor would drop the requests.
        let times = PANEL / S::F32_LANES / REGISTERS;
        let lines_in_a_step = next.len().div_ceil(LINE * (times * steps.len()).max(1));
        let mut next = next.chunks((lines_in_a_step * LINE * steps.len()).max(1));
        for register in (0..PANEL / S::F32_LANES).step_by(REGISTERS) {
            let next = next.next().unwrap_or(&[]);
            let mut sums = [[simd.splat_f32s(0.0); REGISTERS]; BATCH_ROWS];
            for (at, step) in steps.iter().enumerate() {
                (0..lines_in_a_step).for_each(|line| fetch(next, (at * lines_in_a_step + line) * LINE));
                for row in 0..STEP {
                    let panel =
                        &S::as_simd_f32s(&step[row * PANEL..][..PANEL]).0[register..register + REGISTERS];
                    for (sums, x) in sums.iter_mut().zip(&x_in_steps) {
                        let x = simd.splat_f32s(x[at][row]);
                        for (sum, &weight) in sums.iter_mut().zip(panel) {
                            *sum = simd.mul_add_f32s(x, weight, *sum);
                        }
                    }
                }
            }
            for (row, panel) in rest.chunks_exact(PANEL).enumerate() {
                let panel = &S::as_simd_f32s(panel).0[register..register + REGISTERS];
                for (sums, x) in sums.iter_mut().zip(&x) {
                    let x = simd.splat_f32s(x[steps.len() * STEP + row]);
                    for (sum, &weight) in sums.iter_mut().zip(panel) {
                        *sum = simd.mul_add_f32s(x, weight, *sum);
                    }
                }
            }
            for (sums, out) in sums.into_iter().zip(out.iter_mut()) {
                let out = &mut out[columns.clone()];
                if out.len() == PANEL {
                    let out = &mut S::as_mut_simd_f32s(out).0[register..register + REGISTERS];
                    out.iter_mut().zip(sums).for_each(|(out, sum)| *out = simd.add_f32s(*out, sum));
                } else {
                    let mut all = [0.0; PANEL];
                    S::as_mut_simd_f32s(&mut all).0[register..register + REGISTERS].copy_from_slice(&sums);
                    out.iter_mut().zip(all).for_each(|(out, sum)| *out += sum);
                }
            }
        }
        BATCH_ROWS
    }
}
