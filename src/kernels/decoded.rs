//! Products of many vectors with a weight of which each row belongs to an output: it is decoded into panels that stay in
//! a core's cache.

use std::ops::Range;

use pulp::Arch;

use super::panel::{PANEL, TimesPanel};
use super::parallel::{SCRATCH, aligned, by_columns};

/// Rows of a panel that are decoded at a time: few enough vectors pass that the nearest cache counts.
pub const DEPTH: usize = 320;

/// The rows of a weight, each of which belongs to an output.
pub trait Decoded: Sync {
    /// Writes what some of them hold for some inputs, of which the first is a multiple of [`DEPTH`], to a panel, in
    /// which each row belongs to an input. Columns beyond the rows may hold anything.
    fn decode(&self, outputs: Range<usize>, inputs: Range<usize>, panel: &mut [f32]);

    /// Where some of them lie.
    fn bytes(&self, outputs: Range<usize>) -> &[u8];
}

/// `y` \[n, to\] += `x` \[n, from\] · Wᵀ in the sizes \[from, to\].
pub fn by_panels([from, to]: [usize; 2], x: &[f32], weight: &impl Decoded, y: &mut [f32]) {
    let part = to.div_ceil(PANEL).div_ceil(4 * rayon::current_num_threads()) * PANEL;
    let arch = Arch::new();
    by_columns(part, to, y, |columns, out| {
        SCRATCH.with_borrow_mut(|scratch| {
            for first in columns.clone().step_by(PANEL) {
                let outputs = first..(first + PANEL).min(columns.end);
                let ahead = weight.bytes(outputs.end..(outputs.end + PANEL).min(columns.end));
                let mut next = ahead.chunks(ahead.len().div_ceil(from.div_ceil(DEPTH)).max(1));
                for start in (0..from).step_by(DEPTH) {
                    let rows = start..(start + DEPTH).min(from);
                    let panel = aligned(scratch, rows.len() * PANEL);
                    weight.decode(outputs.clone(), rows.clone(), panel);
                    let columns = outputs.start - columns.start..outputs.end - columns.start;
                    let next = next.next().unwrap_or(&[]);
                    arch.dispatch(TimesPanel { x, from, rows, panel, next, columns, out });
                }
            }
        });
    });
}
