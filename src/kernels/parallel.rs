//! How a product is shared out among threads: by the columns of its result, or by the rows of its weight.

use std::cell::RefCell;
use std::ops::Range;

use rayon::prelude::*;

use super::cache::LINE;

/// Rows of a weight that a thread multiplies together. Each thread gets a multiple of it.
pub(super) const DOT_ROWS: usize = 8;

thread_local! {
    /// Memory of each thread that is used again, because fresh memory is slow.
    pub(super) static SCRATCH: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Memory for `len` values that begins with a cache line: to fill a register from two lines takes twice as long.
pub(super) fn aligned(scratch: &mut Vec<f32>, len: usize) -> &mut [f32] {
    scratch.resize(scratch.len().max(len + LINE / size_of::<f32>()), 0.0);
    let skip = scratch.as_ptr().align_offset(LINE).min(LINE / size_of::<f32>());
    &mut scratch[skip..skip + len]
}

/// The same values in memory that begins with a cache line.
pub(super) fn aligned_copy<'a>(scratch: &'a mut Vec<f32>, values: &[f32]) -> &'a [f32] {
    let copy = aligned(scratch, values.len());
    copy.copy_from_slice(values);
    copy
}

/// Adds \[n, columns\] to a slice of that many columns for each batch row.
pub(super) fn add_sums(out: &mut [&mut [f32]], sums: &[f32]) {
    let columns = out.first().map_or(1, |out| out.len()).max(1);
    for (out, sums) in out.iter_mut().zip(sums.chunks_exact(columns)) {
        out.iter_mut().zip(sums).for_each(|(out, sum)| *out += *sum);
    }
}

/// Cuts `y` \[n, out\] into parts of `part` columns and hands each to `work`, which adds to it: a slice for each
/// batch row.
pub(super) fn by_columns(
    part: usize,
    out_features: usize,
    y: &mut [f32],
    work: impl Fn(Range<usize>, &mut [&mut [f32]]) + Sync,
) {
    let mut rows: Vec<_> = y.chunks_exact_mut(out_features).map(|row| row.chunks_mut(part)).collect();
    let parts: Vec<_> = (0..out_features)
        .step_by(part)
        .map(|start| {
            let out: Vec<&mut [f32]> = rows.iter_mut().filter_map(Iterator::next).collect();
            (start..(start + part).min(out_features), out)
        })
        .collect();
    parts.into_par_iter().with_max_len(1).for_each(|(columns, mut out)| work(columns, &mut out));
}

/// Cuts the rows of a weight, one for each output, into parts. `work` sums the products of a part with N batch rows;
/// the sums are added to `y` \[N, out\].
pub(super) fn by_rows<const N: usize>(
    out_features: usize,
    y: &mut [f32],
    work: impl Fn(Range<usize>, &mut [[f32; N]]) + Sync,
) {
    let mut sums = vec![[0.0; N]; out_features];
    let part = out_features.div_ceil(4 * rayon::current_num_threads()).next_multiple_of(DOT_ROWS);
    sums.par_chunks_mut(part).with_max_len(1).enumerate().for_each(|(at, sums)| {
        work(at * part..at * part + sums.len(), sums);
    });
    for (at, sums) in sums.iter().enumerate() {
        sums.iter().enumerate().for_each(|(batch_row, sum)| y[batch_row * out_features + at] += sum);
    }
}

pub(super) fn sizes(x: &[f32], weights: usize, in_features: usize, y: &[f32]) -> (usize, usize) {
    let (count, out_features) = (x.len() / in_features, weights / in_features);
    assert_eq!(
        (count * in_features, out_features * in_features, count * out_features),
        (x.len(), weights, y.len()),
        "x is [n, in], the weight from times to values, y is [n, out]"
    );
    (count, out_features)
}
