//! Bars: a row for each thing, and beside it one bar or several, each column with an end of its own.

use super::text::Ruler;
use crate::vocabulary::signed;

/// The size of the letters, and from one row to the next.
pub const SIZE: f32 = 11.0;
pub const ROW: f32 = 19.0;
/// Above the rows: what each column is, and what is said of it.
pub const HEADING: f32 = 34.0;
/// A column alone, and one among others, without what is between two.
const ALONE: f32 = 420.0;
const AMONG: f32 = 150.0;
pub const COLUMN_GAP: f32 = 22.0;
/// Of a column, what its numbers take.
pub const NUMBER: f32 = 52.0;
/// Width of a name, at most.
const LONGEST_NAME: f32 = 260.0;
/// Between a name and its bar.
pub const NAME_GAP: f32 = 10.0;

/// Rows of bars.
#[derive(Debug, Clone, PartialEq)]
pub struct Bars {
    /// What each row is.
    pub names: Vec<String>,
    /// From left to right.
    pub columns: Vec<BarColumn>,
}

/// A number of each row.
#[derive(Debug, Clone, PartialEq)]
pub struct BarColumn {
    /// What it is, in a word or two.
    pub heading: &'static str,
    /// What is said of all of them.
    pub note: String,
    /// Of each row; nothing where there is none.
    pub values: Vec<Option<f64>>,
    /// Whether values may be below 0: the bars then go both ways from the middle.
    pub is_signed: bool,
}

impl BarColumn {
    /// The largest magnitude, which is as long as there is room.
    pub fn largest(&self) -> f64 {
        self.values.iter().flatten().fold(0.0, |largest, value| value.abs().max(largest))
    }

    /// A value as it stands beside its bar.
    pub fn number(&self, value: f64) -> String {
        match self.is_signed {
            true => signed(value, 3),
            false => format!("{value:.3}"),
        }
    }
}

impl Bars {
    /// How wide a column is.
    pub fn column_width(&self) -> f32 {
        if self.columns.len() > 1 { AMONG } else { ALONE }
    }

    /// How wide and how high it is without its names.
    pub fn size(&self) -> (f32, f32) {
        let count = self.columns.len() as f32;
        let width = count * self.column_width() + (count - 1.0).max(0.0) * COLUMN_GAP;
        (width, HEADING + ROW * self.names.len() as f32)
    }

    /// Its names, cut where they are long.
    pub fn fitted_names(&self, ruler: &Ruler) -> Vec<(usize, String)> {
        self.names.iter().map(|name| ruler.fit(name, SIZE, LONGEST_NAME)).enumerate().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_sign_where_there_are_two() {
        let column = |is_signed| BarColumn {
            heading: "push",
            note: String::new(),
            values: vec![Some(0.5), None, Some(-2.0)],
            is_signed,
        };
        assert_eq!((column(true).number(0.5), column(true).number(-2.0)), ("+0.500".into(), "−2.000".into()));
        assert_eq!((column(false).number(0.25), column(true).largest()), ("0.250".into(), 2.0));
    }
}
