//! What the cells of a matrix show: the value of each, its colour and its number.

use std::ops::Range;

use crate::app::{Column, Scale};
use crate::attention::{CausalMatrix, Comparison, DifferenceRow, Normalisation, NormalisedRow};
use crate::theme::{Palette, Theme};

/// What the cells of a matrix show.
#[derive(Debug, Clone, Copy)]
pub enum Values<'a> {
    /// The attention of one side.
    Attention(&'a CausalMatrix),
    /// Left minus right.
    Difference(&'a Comparison),
    /// Left below the diagonal; right with its queries across and its keys down, in the place of the future.
    Split(&'a Comparison),
}

/// A row of them.
pub enum Row<'a> {
    Attention(NormalisedRow<'a>),
    Difference(DifferenceRow),
    Split { query: usize, left: NormalisedRow<'a>, across: &'a Across<'a> },
}

/// The rows that are drawn as columns.
#[derive(Default)]
pub struct Across<'a> {
    first: usize,
    rows: Vec<NormalisedRow<'a>>,
}

impl<'a> Across<'a> {
    /// The row in a column.
    pub fn get(&self, column: usize) -> Option<&NormalisedRow<'a>> {
        self.rows.get(column.checked_sub(self.first)?)
    }
}

impl<'a> Values<'a> {
    /// The rows that are drawn in these columns.
    pub fn across(self, normalisation: Normalisation, columns: Range<usize>) -> Across<'a> {
        let Values::Split(of) = self else { return Across::default() };
        let first = columns.start;
        Across { first, rows: columns.map(|query| normalisation.row(&of.sides()[1], query)).collect() }
    }

    /// A row as it is drawn.
    pub fn row<'b>(self, normalisation: Normalisation, query: usize, across: &'b Across<'a>) -> Row<'b>
    where
        'a: 'b,
    {
        match self {
            Values::Attention(matrix) => Row::Attention(normalisation.row(matrix, query)),
            Values::Difference(of) => Row::Difference(of.difference(normalisation, query)),
            Values::Split(of) => Row::Split { query, left: normalisation.row(&of.sides()[0], query), across },
        }
    }

    /// Whether cells after the query are those of keys that it doesn't see.
    pub fn has_future(self) -> bool {
        !matches!(self, Values::Split(_))
    }

    /// The colours of a value, and its height among them.
    pub fn color(self, value: f32, scale: Scale, theme: &Theme) -> (&Palette, f32) {
        match self {
            Values::Difference(_) => (&theme.differences, scale.signed_level(value)),
            Values::Attention(_) | Values::Split(_) => (&theme.values, scale.level(value)),
        }
    }

    /// A value as it is written into a cell of that many columns; nothing if the cell is too narrow.
    pub fn number(self, value: f32, columns: u16) -> Option<String> {
        match self {
            Values::Difference(_) => signed(value, columns),
            Values::Attention(_) | Values::Split(_) => number(value, columns),
        }
    }
}

impl Row<'_> {
    /// The value in a column; nothing where there is none.
    pub fn value(&self, column: Column) -> Option<f32> {
        match (self, column) {
            (Row::Attention(row), column) => column.value(row),
            (Row::Difference(row), Column::Sink) => row.sink,
            (Row::Difference(row), Column::Key(key)) => row.keys.get(key).copied().flatten(),
            (Row::Split { query, across, .. }, Column::Key(key)) if key > *query => {
                across.get(key)?.get(*query)
            }
            (Row::Split { left, .. }, column) => column.value(left),
        }
    }
}

/// The narrower the cell the shorter: `0.580`, `0.58`, `.58`. A blank sets it apart from the next one, unless the
/// cell has three columns. Nothing if the cell is too narrow.
pub fn number(value: f32, columns: u16) -> Option<String> {
    let (room, most) = match columns {
        0..3 => return None,
        3 => (3, 2),
        4..6 => (usize::from(columns) - 1, 2),
        _ => (usize::from(columns) - 1, 3),
    };
    if value == 0.0 {
        return Some("0".to_owned());
    }
    (0..=most).rev().find_map(|places: usize| {
        let number = format!("{value:.places$}");
        let short = number.strip_prefix('0').filter(|_| places == 2);
        [Some(number.as_str()), short]
            .into_iter()
            .flatten()
            .find(|text| text.len() <= room)
            .map(str::to_owned)
    })
}

/// A difference with its sign, for which a number leaves a column.
pub fn signed(value: f32, columns: u16) -> Option<String> {
    let number = number(value.abs(), columns.saturating_sub(1))?;
    let is_zero = number.chars().all(|c| matches!(c, '0' | '.'));
    let sign = if is_zero { "" } else { ["+", "−"][usize::from(value < 0.0)] };
    Some(format!("{sign}{number}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_have_a_sign_and_fit_their_cells() {
        let texts = |value| [3, 4, 5, 6, 7].map(|columns| signed(value, columns));
        let some = |texts: [&str; 4]| {
            let [a, b, c, d] = texts.map(|text| Some(text.to_owned()));
            [None, a, b, c, d]
        };
        assert_eq!(texts(0.599), some(["+.60", "+.60", "+0.60", "+0.599"]));
        assert_eq!(texts(-1.0), some(["−1.0", "−1.0", "−1.00", "−1.000"]));
        assert_eq!(texts(-0.0001), some([".00", ".00", "0.00", "0.000"]));
    }

    #[test]
    fn numbers_fit_their_cells() {
        let texts = |value| [2, 3, 4, 5, 6, 12].map(|columns| number(value, columns));
        let some = |texts: [&str; 5]| {
            let [a, b, c, d, e] = texts.map(|text| Some(text.to_owned()));
            [None, a, b, c, d, e]
        };
        assert_eq!(texts(0.6764), some([".68", ".68", "0.68", "0.676", "0.676"]));
        assert_eq!(texts(1.0), some(["1.0", "1.0", "1.00", "1.000", "1.000"]));
        assert_eq!(texts(0.0), some(["0", "0", "0", "0", "0"]));
        assert_eq!(texts(0.0001), some([".00", ".00", "0.00", "0.000", "0.000"]));
    }

    #[test]
    fn numbers_that_have_no_bound_are_rounded_and_not_cut() {
        let texts = |value| [3, 4, 5, 6, 7].map(|columns| number(value, columns).unwrap_or_default());
        assert_eq!(texts(12.345), ["12", "12", "12.3", "12.35", "12.345"].map(String::from));
        assert_eq!(texts(987.6), ["988", "988", "988", "987.6", "987.60"].map(String::from));
        assert_eq!(texts(12_345.6), ["", "", "", "12346", "12346"].map(String::from));
    }
}
