//! Products of large batches with a weight that must be decoded.

use pulp::Arch;

use super::amx;
use super::decoded::{DEPTH, Decoded};
use super::panel::{PANEL, TimesPanel};
use super::parallel::{SCRATCH, aligned, by_columns};

/// `y` \[n, out\] += `x` \[n, in\] · Wᵀ in the sizes \[in, out\].
pub fn add_product([in_features, out_features]: [usize; 2], x: &[f32], weight: &impl Decoded, y: &mut [f32]) {
    match amx::unit() {
        Some(unit) => amx::product::add_product(unit, [in_features, out_features], x, weight, y),
        None => by_panels([in_features, out_features], x, weight, y),
    }
}

/// As [`add_product`], by panels of f32.
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
