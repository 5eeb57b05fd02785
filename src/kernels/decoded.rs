//! Products of large batches with a weight that must be decoded. It is decoded into panels, piece by piece, and each
//! panel stays in a core's cache; or into tiles, where there is a matrix unit.

use std::ops::Range;

use pulp::Arch;

use super::amx::{self, product, weight::Tiled};
use super::panel::{PANEL, TimesPanel};
use super::parallel::{SCRATCH, aligned, by_columns};

/// Rows of a panel that are decoded at a time, so that they fit the nearest cache.
pub const DEPTH: usize = 320;

/// A weight that is decoded when it is used. Each of its rows belongs to an output.
pub trait Decoded: Sync {
    /// Decodes some outputs and inputs into a panel. Each row of the panel belongs to an input. The first input is a
    /// multiple of [`DEPTH`]. Columns beyond the outputs may hold anything.
    fn decode(&self, outputs: Range<usize>, inputs: Range<usize>, panel: &mut [f32]);

    /// The bytes that hold some of the outputs.
    fn bytes(&self, outputs: Range<usize>) -> &[u8];
}

/// `y` \[n, out\] += `x` \[n, in\] · Wᵀ in the sizes \[in, out\], for large batches.
pub fn add_product(sizes: [usize; 2], x: &[f32], weight: &(impl Decoded + Tiled), y: &mut [f32]) {
    match amx::unit() {
        Some(unit) => product::add_product(unit, sizes, x, weight, &(), y),
        None => by_panels(sizes, x, weight, y),
    }
}

/// As [`add_product`], by panels.
fn by_panels([in_features, out_features]: [usize; 2], x: &[f32], weight: &impl Decoded, y: &mut [f32]) {
    let part = out_features.div_ceil(PANEL).div_ceil(4 * rayon::current_num_threads()) * PANEL;
    let arch = Arch::new();
    by_columns(part, out_features, y, |columns, out| {
        SCRATCH.with_borrow_mut(|scratch| {
            for first in columns.clone().step_by(PANEL) {
                let outputs = first..(first + PANEL).min(columns.end);
                let ahead = weight.bytes(outputs.end..(outputs.end + PANEL).min(columns.end));
                let mut next = ahead.chunks(ahead.len().div_ceil(in_features.div_ceil(DEPTH)).max(1));
                for start in (0..in_features).step_by(DEPTH) {
                    let rows = start..(start + DEPTH).min(in_features);
                    let panel = aligned(scratch, rows.len() * PANEL);
                    weight.decode(outputs.clone(), rows.clone(), panel);
                    let columns = outputs.start - columns.start..outputs.end - columns.start;
                    let next = next.next().unwrap_or(&[]);
                    arch.dispatch(TimesPanel { x, in_features, rows, panel, next, columns, out });
                }
            }
        });
    });
}
