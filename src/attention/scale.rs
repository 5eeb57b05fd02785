//! How high a value is on a colour scale.

use crate::vocabulary::{ColorScale, Normalisation};

/// A logarithmic scale spans no more than this: what is smaller is lost in an `f32` beside the top.
const WIDEST: f32 = 1e7;
/// What it spans where all values are the same.
const NARROWEST: f32 = 10.0;

/// What values a colour scale is to show.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Extent {
    /// The smallest above 0; infinite if there is none.
    pub bottom: f32,
    /// The largest; 0 if there is none.
    pub top: f32,
}

impl Extent {
    /// The extent of no values.
    pub const NONE: Self = Self { bottom: f32::INFINITY, top: 0.0 };

    /// The extent of some values. Values that are not above 0 don't count.
    pub fn of(values: impl IntoIterator<Item = f32>) -> Self {
        let above = values.into_iter().filter(|value| *value > 0.0);
        above.fold(Self::NONE, |Self { bottom, top }, value| Self {
            bottom: bottom.min(value),
            top: top.max(value),
        })
    }

    /// The extent of the values of both.
    pub fn and(self, other: Self) -> Self {
        Self { bottom: self.bottom.min(other.bottom), top: self.top.max(other.top) }
    }
}

/// What colour scales are to show of a matrix, for each normalisation.
pub type Extents = [Extent; Normalisation::ALL.len()];

/// What is shown of a row, for each normalisation: the smallest value above 0 and the largest, if there are such.
pub(super) type RowExtents = [[Option<f32>; 2]; Normalisation::ALL.len()];

/// What colour scales are to show, and what they follow from.
#[derive(Debug)]
pub(super) struct Measured {
    pub rows: Vec<RowExtents>,
    pub extents: Extents,
}

/// A colour scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// How a value becomes a height.
    pub curve: ColorScale,
    /// The value at the bottom; smaller ones have its colour. 0 of a linear scale.
    pub bottom: f32,
    /// The value at the top; larger ones have its colour.
    pub top: f32,
}

impl Scale {
    /// A scale for these values. A logarithmic one begins with the smallest above 0; it spans a decade where all are the
    /// same, and seven decades at most.
    pub fn new(curve: ColorScale, Extent { bottom, top }: Extent) -> Self {
        match curve {
            ColorScale::Linear => Self { curve, bottom: 0.0, top: top.max(f32::MIN_POSITIVE) },
            ColorScale::Log => {
                let top = top.max(f32::MIN_POSITIVE * WIDEST);
                let bottom = if bottom < top { bottom.max(top / WIDEST) } else { top / NARROWEST };
                Self { curve, bottom, top }
            }
        }
    }

    /// How high a value is on it, from 0 to 1.
    pub fn level(self, value: f32) -> f32 {
        let level = match self.curve {
            ColorScale::Linear => value / self.top,
            ColorScale::Log if value <= self.bottom => 0.0,
            ColorScale::Log => (value / self.bottom).log10() / (self.top / self.bottom).log10(),
        };
        level.clamp(0.0, 1.0)
    }

    /// How far a difference is from 0 on it, from −1 to 1.
    pub fn signed_level(self, difference: f32) -> f32 {
        self.level(difference.abs()).copysign(difference)
    }
}

/// The smallest value that a scale begins with: the smallest of each row's, but for one row in ten, those with the
/// smallest. The last rows of long prompts have keys that next to nothing goes to, and all other values would look the same.
pub(super) fn bottom_of(mut rows: Vec<f32>) -> f32 {
    let aside = rows.len() / 10;
    match rows.is_empty() {
        true => f32::INFINITY,
        false => *rows.select_nth_unstable_by(aside, f32::total_cmp).1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_go_from_nothing_to_the_top() {
        let linear = Scale::new(ColorScale::Linear, Extent { bottom: 0.1, top: 0.5 });
        assert_eq!([0.0, 0.25, 0.5, 1.0].map(|value| linear.level(value)), [0.0, 0.5, 1.0, 1.0]);
        let log = Scale::new(ColorScale::Log, Extent { bottom: 1e-4, top: 1.0 });
        let levels = [0.0, 1e-5, 1e-4, 1e-2, 1.0, 2.0].map(|value| log.level(value));
        for (level, expected) in levels.into_iter().zip([0.0, 0.0, 0.0, 0.5, 1.0, 1.0]) {
            assert!((level - expected).abs() < 1e-6, "{levels:?}");
        }
        assert_eq!([-1.0, -0.25, 0.0, 0.25].map(|value| linear.signed_level(value)), [-1.0, -0.5, 0.0, 0.5]);
        assert!((log.signed_level(-1e-2) + 0.5).abs() < 1e-6);
    }

    #[test]
    fn a_logarithmic_scale_spans_what_is_there() {
        for (least, most) in [(0.05, 0.7), (3.0, 12.0), (2e-9, 3e-6)] {
            let log = Scale::new(ColorScale::Log, Extent::of([0.0, most, least, least * 1.5]));
            assert_eq!([least, most].map(|value| log.level(value)), [0.0, 1.0]);
            assert!((log.level((least * most).sqrt()) - 0.5).abs() < 1e-5, "{least} {most}");
        }
        let wide = Scale::new(ColorScale::Log, Extent { bottom: 1e-30, top: 1.0 });
        assert!((wide.level(1e-7) - 0.0).abs() < 1e-6 && wide.level(1e-3) < 0.6, "no further than 7 decades");
    }

    #[test]
    fn a_scale_of_nothing_or_of_one_value_is_one_all_the_same() {
        for curve in ColorScale::ALL {
            for extent in [Extent::NONE, Extent::of([0.5, 0.5])] {
                let scale = Scale::new(curve, extent);
                assert_eq!((scale.level(0.0), scale.level(1.0)), (0.0, 1.0), "{curve:?}");
            }
        }
    }

    #[test]
    fn extents_add_up() {
        let both = Extent::of([0.2, 0.0, 0.1]).and(Extent::of([-0.5, 0.3]));
        assert_eq!((both, both.and(Extent::NONE)), (Extent { bottom: 0.1, top: 0.3 }, both));
        assert_eq!(bottom_of((1..=30).map(|row| row as f32).collect()), 4.0, "three rows are left aside");
        assert_eq!(bottom_of(vec![0.5, 0.25]), 0.25);
    }
}
