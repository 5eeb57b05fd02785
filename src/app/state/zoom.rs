//! How large cells are on screen: all of a matrix at once, a character each, or with room for numbers.

/// How large cells are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Zoom {
    /// As large as lets all columns fit, and a character at least.
    Fit,
    /// All of a matrix on screen: as large as fits, and several cells share a pixel where they don't fit otherwise.
    #[default]
    Whole,
    /// Of so many columns and rows of the screen, whatever fits.
    Cells(u16, u16),
}

/// Columns and rows of the cells that one zooms through: without numbers, then with them, then square.
const CELLS: [(u16, u16); 7] = [(1, 1), (2, 1), (3, 1), (5, 1), (7, 2), (10, 3), (14, 5)];

/// Characters that a cell takes.
fn characters((columns, rows): (u16, u16)) -> u32 {
    u32::from(columns) * u32::from(rows)
}

impl Zoom {
    /// The size of a cell, if those of size `fit` are the largest that fit; `shows_all` says whether all of
    /// a matrix is on screen with cells of a size. Cells don't shrink where that would show no more.
    pub fn cell(self, fit: (u16, u16), shows_all: impl Fn((u16, u16)) -> bool) -> (u16, u16) {
        match self {
            Zoom::Cells(columns, rows)
                if characters((columns, rows)) > characters(fit) || !shows_all((columns, rows)) =>
            {
                (columns, rows)
            }
            _ => fit,
        }
    }
}

/// The next larger size of cells.
pub(in crate::app) fn larger(cell: (u16, u16)) -> Option<Zoom> {
    let larger = CELLS.into_iter().find(|size| characters(*size) > characters(cell));
    larger.map(|(columns, rows)| Zoom::Cells(columns, rows))
}

/// The next smaller size of cells.
pub(in crate::app) fn smaller(cell: (u16, u16)) -> Option<Zoom> {
    let smaller = CELLS.into_iter().rev().find(|size| characters(*size) < characters(cell));
    smaller.map(|(columns, rows)| Zoom::Cells(columns, rows))
}
