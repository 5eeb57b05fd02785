//! Products with a weight that was packed once: in panels of some columns, each of which is read from its start
//! to its end, while a tile of results stays in registers.

use std::ops::Range;

use memmap2::MmapMut;
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::cache::{LINE, fetch};
use super::elementwise::{AddScaled, Each, Function};
use super::parallel::by_columns;

/// Columns of a panel: whole registers of every width.
pub(super) const PANEL: usize = 48;
/// Rows of a panel that are multiplied at a time: of these, [`GROUP`] panels stay in a core's cache.
const DEPTH: usize = 384;
/// Panels that a thread takes at a time, at most.
const GROUP: usize = 8;
/// Vectors that are multiplied at a time, and stay in a core's cache beside the panels.
const VECTORS: usize = 64;
/// Vectors up to which reading a panel takes longer than multiplying it.
const FEW: usize = 8;
/// Rows that are packed side by side: so many streams a core reads from memory at its best.
const STREAMS: usize = 8;
/// Rows of a panel between which nothing else is done.
const STEP: usize = 16;

/// A weight \[from, to\] as panels \[from, PANEL\], the last one filled up with zeros.
#[derive(Debug)]
pub struct Panels {
    values: MmapMut,
    from: usize,
    to: usize,
}

impl Panels {
    /// Packs a weight \[from, to\].
    ///
    /// # Errors
    /// If the system gives no memory.
    ///
    /// # Panics
    /// If the weight doesn't have whole rows.
    pub fn new(weight: &[f32], from: usize, to: usize) -> std::io::Result<Self> {
        assert_eq!(weight.len(), from * to, "the weight is [from, to]");
        let panel = from * PANEL;
        let mut values = MmapMut::map_anon(size_of::<f32>() * to.div_ceil(PANEL) * panel)?;
        #[cfg(target_os = "linux")]
        if let Err(error) = values.advise(memmap2::Advice::HugePage) {
            tracing::debug!(%error, "no huge pages");
        }
        bytemuck::cast_slice_mut::<u8, f32>(&mut values)
            .par_chunks_mut(GROUP * panel)
            .enumerate()
            .for_each(|(group, panels)| pack(weight, to, group * GROUP * PANEL, panels));
        Ok(Self { values, from, to })
    }

    /// Values of a vector, and of a result.
    pub fn sizes(&self) -> [usize; 2] {
        [self.from, self.to]
    }

    /// Writes what belongs to one place of a vector to `out` \[to\].
    pub fn read_row(&self, row: usize, out: &mut [f32]) {
        let panels = self.values().chunks_exact(self.from * PANEL);
        for (panel, out) in panels.zip(out.chunks_mut(PANEL)) {
            out.copy_from_slice(&panel[row * PANEL..][..out.len()]);
        }
    }

    /// `y` \[n, to\] += `x` \[n, from\] · W + `bias`.
    ///
    /// # Panics
    /// If the lengths don't belong together.
    pub fn add_product(&self, x: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
        self.multiply(x, Ends { keeps: true, bias, function: None }, y);
    }

    /// `y` \[n, to\] = the function of `x` \[n, from\] · W + `bias`.
    ///
    /// # Panics
    /// If the lengths don't belong together.
    pub fn product(&self, x: &[f32], bias: Option<&[f32]>, function: Option<Function>, y: &mut [f32]) {
        self.multiply(x, Ends { keeps: false, bias, function }, y);
    }

    fn multiply(&self, x: &[f32], ends: Ends<'_>, y: &mut [f32]) {
        let Self { from, to, .. } = *self;
        let count = x.len() / from;
        assert_eq!((count * from, count * to), (x.len(), y.len()), "x is [n, from], y is [n, to]");
        assert!(ends.bias.is_none_or(|bias| bias.len() == to), "a bias for each result");
        let panel = from * PANEL;
        let group = to.div_ceil(PANEL).div_ceil(2 * rayon::current_num_threads()).min(GROUP);
        let arch = Arch::new();
        by_columns(group * PANEL, to, y, |columns, out| {
            let first = columns.start / PANEL;
            let panels = &self.values()[first * panel..columns.end.div_ceil(PANEL) * panel];
            let ends = ends.of(columns.clone());
            arch.dispatch(TimesPanels { x, from, panels, width: columns.len(), ends, out });
        });
    }

    fn values(&self) -> &[f32] {
        bytemuck::cast_slice(&self.values)
    }
}

/// Columns `first` .. of a weight \[from, to\] as `panels`.
fn pack(weight: &[f32], to: usize, first: usize, panels: &mut [f32]) {
    let from = weight.len() / to;
    for (block, rows) in weight.chunks(STREAMS * to).enumerate() {
        for (at, panel) in panels.chunks_exact_mut(from * PANEL).enumerate() {
            let columns = first + at * PANEL..(first + (at + 1) * PANEL).min(to);
            let panel = &mut panel[block * STREAMS * PANEL..];
            for (row, out) in rows.chunks_exact(to).zip(panel.chunks_exact_mut(PANEL)) {
                out[..columns.len()].copy_from_slice(&row[columns.clone()]);
            }
        }
    }
}

/// What a result begins with, and what becomes of it, while it is in a core's cache.
#[derive(Clone, Copy)]
struct Ends<'a> {
    /// It is added to what is there.
    keeps: bool,
    /// Added to every row, \[to\].
    bias: Option<&'a [f32]>,
    function: Option<Function>,
}

impl Ends<'_> {
    /// Those of some columns.
    fn of(&self, columns: Range<usize>) -> Self {
        Self { bias: self.bias.map(|bias| &bias[columns]), ..*self }
    }

    #[inline(always)]
    fn begin<S: Simd>(&self, simd: S, columns: Range<usize>, out: &mut [&mut [f32]]) {
        let bias = self.bias.map(|bias| &bias[columns.clone()]);
        for out in out.iter_mut().map(|out| &mut out[columns.clone()]) {
            match (self.keeps, bias) {
                (false, Some(bias)) => out.copy_from_slice(bias),
                (false, None) => out.fill(0.0),
                (true, Some(from)) => AddScaled { to: out, from, scale: 1.0 }.with_simd(simd),
                (true, None) => {}
            }
        }
    }

    #[inline(always)]
    fn finish<S: Simd>(&self, simd: S, columns: Range<usize>, out: &mut [&mut [f32]]) {
        let Some(function) = self.function else { return };
        for out in out.iter_mut() {
            Each { values: &mut out[columns.clone()], function }.with_simd(simd);
        }
    }
}

/// `out` \[n\]\[width\] from x · some panels.
struct TimesPanels<'a, 'y> {
    /// \[n, from\]
    x: &'a [f32],
    from: usize,
    panels: &'a [f32],
    width: usize,
    ends: Ends<'a>,
    out: &'a mut [&'y mut [f32]],
}

impl WithSimd for TimesPanels<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { x, from, panels, width, ends, out } = self;
        let depth = if out.len() <= FEW { from } else { DEPTH };
        // As for tiles: all of about the same size.
        let chunks = out.len().div_ceil(VECTORS).max(1);
        let vectors = out.len().div_ceil(chunks).max(1);
        for first in (0..from).step_by(depth) {
            let rows = first..(first + depth).min(from);
            let last = rows.end == from;
            for (chunk, out) in out.chunks_mut(vectors).enumerate() {
                let x = &x[chunk * vectors * from..][..out.len() * from];
                for (at, panel) in panels.chunks_exact(from * PANEL).enumerate() {
                    let columns = at * PANEL..((at + 1) * PANEL).min(width);
                    // Later vectors find the panels in the cache.
                    let next = match chunk {
                        0 => after(panels, from, at, &rows),
                        _ => &[],
                    };
                    let next = bytemuck::cast_slice(next);
                    let panel = &panel[rows.start * PANEL..rows.end * PANEL];
                    if rows.start == 0 {
                        ends.begin(simd, columns.clone(), out);
                    }
                    let (rows, columns_of_all) = (rows.clone(), columns.clone());
                    TimesPanel { x, from, rows, panel, next, columns, out }.with_simd(simd);
                    if last {
                        ends.finish(simd, columns_of_all, out);
                    }
                }
            }
        }
    }
}

/// What is multiplied after some rows of the panel number `at`: the same rows of the next one, or after the last one the
/// next rows of the first.
fn after<'a>(panels: &'a [f32], from: usize, at: usize, rows: &Range<usize>) -> &'a [f32] {
    let next = (at + 1) * from * PANEL;
    let (start, rows) = match next < panels.len() {
        true => (next + rows.start * PANEL, rows.len()),
        false => (rows.end * PANEL, rows.len().min(from - rows.end)),
    };
    &panels[start..start + rows * PANEL]
}

/// Some columns of `out` += x · one panel, over some of its rows.
pub(super) struct TimesPanel<'a, 'y> {
    /// \[n, from\]
    pub x: &'a [f32],
    /// Values of a vector.
    pub from: usize,
    /// Which of them.
    pub rows: Range<usize>,
    /// \[rows, PANEL\]
    pub panel: &'a [f32],
    /// What is to be brought into the cache on the way.
    pub next: &'a [u8],
    /// Which columns these are.
    pub columns: Range<usize>,
    /// One row per vector.
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
    /// All vectors, in tiles of at most `VECTORS` vectors and `REGISTERS` registers. On the way `next` is brought into
    /// the cache.
    #[inline(always)]
    fn tiles<S: Simd, const VECTORS: usize, const REGISTERS: usize>(&mut self, simd: S) {
        let tiles = self.out.len().div_ceil(VECTORS);
        let part = self.next.len().div_ceil(tiles).next_multiple_of(LINE).max(LINE);
        let mut next = self.next.chunks(part);
        let mut done = 0;
        for left in (1..=tiles).rev() {
            let next = next.next().unwrap_or(&[]);
            macro_rules! tile {
                ($($vectors:literal)*) => {
                    // All of about the same size: one of few vectors takes nearly as long.
                    match (self.out.len() - done).div_ceil(left) {
                        $($vectors if $vectors < VECTORS => {
                            self.tile::<S, $vectors, REGISTERS>(simd, done, next)
                        })*
                        _ => self.tile::<S, VECTORS, REGISTERS>(simd, done, next),
                    }
                };
            }
            done += tile!(1 2 3 4 5 6 7);
        }
    }

    /// `VECTORS` vectors from `first` on; returns how many these are.
    #[inline(always)]
    fn tile<S: Simd, const VECTORS: usize, const REGISTERS: usize>(
        &mut self,
        simd: S,
        first: usize,
        next: &[u8],
    ) -> usize {
        let Self { x, from, panel, .. } = *self;
        let (rows, columns, out) = (&self.rows, &self.columns, &mut self.out[first..]);
        let x: [&[f32]; VECTORS] = std::array::from_fn(|at| &x[(first + at) * from..][rows.clone()]);
        let (steps, rest) = panel.as_chunks::<{ STEP * PANEL }>();
        let x_in_steps = x.map(|x| &x.as_chunks::<STEP>().0[..steps.len()]);
        // No faster than the panel is read, or the machine would forget what it was asked for.
        let times = PANEL / S::F32_LANES / REGISTERS;
        let lines_in_a_step = next.len().div_ceil(LINE * (times * steps.len()).max(1));
        let mut next = next.chunks((lines_in_a_step * LINE * steps.len()).max(1));
        for register in (0..PANEL / S::F32_LANES).step_by(REGISTERS) {
            let next = next.next().unwrap_or(&[]);
            let mut sums = [[simd.splat_f32s(0.0); REGISTERS]; VECTORS];
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
        VECTORS
    }
}
