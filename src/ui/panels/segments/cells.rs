//! What cells of segments show, and the one scale of both models.

use crate::app::{Extent, Scale, SegmentCells, Side, State};
use crate::attention::segments::SegmentRow;

/// A share that a row can't help giving.
const ALL: f32 = 0.999_999;

/// The one scale of both models, up to the largest value that a row might also not have given, and whether a value goes beyond
/// that; nothing while none is known.
pub fn scale(state: &State) -> Option<(Scale, bool)> {
    let map = &state.screen.segments;
    let found = || Side::BOTH.into_iter().filter_map(|side| map.found_of(side));
    let of_row = |row: &SegmentRow| {
        let values = (0..row.shares.len()).filter_map(|to| value(row, to, map.cells)).chain([row.sink]);
        values.collect::<Vec<f32>>()
    };
    let values: Vec<f32> = found().flat_map(|found| found.shares.rows.iter().flat_map(of_row)).collect();
    let open = values.iter().copied().filter(|value| *value < ALL);
    let extent = match Extent::of(open) {
        Extent::NONE => Extent::of(values.iter().copied()),
        extent => extent,
    };
    let scale = found().next().map(|_| Scale::new(state.display.color_scale, extent))?;
    Some((scale, values.iter().any(|value| *value > scale.top)))
}

/// What a cell shows; nothing where the queries can't see any of the segment.
pub fn value(row: &SegmentRow, to: usize, cells: SegmentCells) -> Option<f32> {
    let expected = row.expected.as_ref().map(|expected| expected[to]);
    if row.queries == 0 || expected == Some(0.0) {
        return None;
    }
    match cells {
        SegmentCells::Shares => Some(row.shares[to]),
        SegmentCells::Ratios => expected.map(|expected| row.shares[to] / expected),
        SegmentCells::Expected => expected,
    }
}
