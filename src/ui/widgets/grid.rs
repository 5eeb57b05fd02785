//! Where the cells of a matrix are: their size, the part that is on screen, and which is under the mouse.

use ratatui::layout::{Position, Rect};

use crate::app::{Column, Scroll, Viewport};

/// Columns and rows of a cell. Where one fits, cells look square; a single row with a number is the
/// least before numbers, and then names, have to go.
const SIZES: [(u16, u16); 24] = [
    (16, 7),
    (14, 7),
    (14, 5),
    (12, 5),
    (11, 5),
    (10, 5),
    (10, 3),
    (9, 3),
    (8, 3),
    (7, 3),
    (6, 3),
    (8, 2),
    (7, 2),
    (6, 2),
    (8, 1),
    (7, 1),
    (6, 1),
    (5, 2),
    (5, 1),
    (4, 2),
    (4, 1),
    (3, 2),
    (3, 1),
    (2, 1),
];
/// Columns of cells that have a short number, and names in whose favour those of rows are cut.
const NARROW: std::ops::RangeInclusive<u16> = 3..=4;
/// Columns that a row's name keeps then.
const LEAST_NAME: u16 = 5;
/// The cell of a matrix that is too large for anything else.
const SMALLEST: (u16, u16) = (1, 1);
/// Columns between a row's name and its cells: the cursor's mark and a blank.
const MARK: u16 = 2;

/// What is to be placed.
#[derive(Debug, Clone, Copy)]
pub struct Needs {
    /// The area that there is for it.
    pub area: Rect,
    /// Rows, and keys, of the matrix.
    pub size: usize,
    /// Whether it has a column for the sink.
    pub sink: bool,
    /// Whether it has a row for the sink of those that are drawn as columns.
    pub sink_row: bool,
    /// Columns of the longest name.
    pub name: usize,
}

/// Where the cells of a matrix are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// Names, marks and cells.
    pub area: Rect,
    /// Columns of the rows' names, before the mark.
    pub name: u16,
    /// Columns and rows of a cell.
    pub cell: (u16, u16),
    /// Rows, and keys, of the matrix.
    pub size: usize,
    /// The first cell on screen.
    pub first: Scroll,
    /// How many cells there is room for.
    pub viewport: Viewport,
    /// Whether there is a column for the sink.
    pub sink: bool,
    /// Whether there is a row for the sink of those that are drawn as columns.
    pub sink_row: bool,
}

impl Needs {
    fn name_room(&self, cell: (u16, u16)) -> u16 {
        let most = (self.area.width / 4).clamp(3, 18);
        let name = (self.name as u16).min(most);
        if !NARROW.contains(&cell.0) {
            return name;
        }
        let cells = usize::from(MARK + self.sink_room(cell)) + self.size * usize::from(cell.0);
        let left = usize::from(self.area.width).saturating_sub(cells) as u16;
        name.min(left.max(LEAST_NAME))
    }

    /// Columns of the sink and of what sets it apart.
    fn sink_room(&self, cell: (u16, u16)) -> u16 {
        if self.sink { cell.0 + sink_gap(cell) } else { 0 }
    }

    /// Columns and rows for keys and queries of that size.
    fn room(&self, cell: (u16, u16)) -> (u16, u16) {
        let above = 1 + if self.sink_row { cell.1 + 1 } else { 0 };
        let beside = self.name_room(cell) + MARK + self.sink_room(cell);
        (self.area.width.saturating_sub(beside), self.area.height.saturating_sub(above))
    }

    /// Whether all columns fit, and all rows too if cells are more than one row high.
    fn fits(&self, cell: (u16, u16)) -> bool {
        let (width, height) = self.room(cell);
        self.size * usize::from(cell.0) <= usize::from(width)
            && (cell.1 == 1 || self.size * usize::from(cell.1) <= usize::from(height))
    }

    /// The largest cell with which everything that is to be compared fits.
    pub fn cell(all: &[Needs]) -> (u16, u16) {
        SIZES.into_iter().find(|cell| all.iter().all(|needs| needs.fits(*cell))).unwrap_or(SMALLEST)
    }

    /// Whether all of the matrix is on screen with cells of a given size.
    pub fn shows_all(&self, cell: (u16, u16)) -> bool {
        !self.place(cell, |_| Scroll::default()).is_cut()
    }

    /// The grid, with cells of a given size; `scroll` says which is the first where there is room for so many.
    pub fn place(&self, cell: (u16, u16), scroll: impl Fn(Viewport) -> Scroll) -> Grid {
        let (width, height) = self.room(cell);
        let viewport =
            Viewport { rows: usize::from(height / cell.1), keys: usize::from(width / cell.0), cell };
        let Needs { area, size, sink, sink_row, .. } = *self;
        let (name, first) = (self.name_room(cell), scroll(viewport).within(size, viewport));
        Grid { area, name, cell, size, first, viewport, sink, sink_row }
    }
}

impl Grid {
    /// Whether there are more cells than there is room for.
    pub fn is_cut(&self) -> bool {
        self.size > self.viewport.rows.min(self.viewport.keys)
    }

    /// Rows on screen.
    pub fn rows(&self) -> std::ops::Range<usize> {
        self.first.row..self.size.min(self.first.row + self.viewport.rows)
    }

    /// Keys on screen.
    pub fn keys(&self) -> std::ops::Range<usize> {
        self.first.key..self.size.min(self.first.key + self.viewport.keys)
    }

    /// Columns on screen, the sink first.
    pub fn columns(&self) -> impl Iterator<Item = Column> + use<> {
        self.sink.then_some(Column::Sink).into_iter().chain(self.keys().map(Column::Key))
    }

    /// The first screen column of a column that is on screen.
    pub fn x(&self, column: Column) -> u16 {
        match column {
            Column::Sink => self.left(),
            Column::Key(key) => self.keys_left() + (key.saturating_sub(self.first.key)) as u16 * self.cell.0,
        }
    }

    /// The first screen row of a row that is on screen.
    pub fn y(&self, query: usize) -> u16 {
        let above = if self.sink_row { self.cell.1 + 1 } else { 0 };
        self.area.y + 1 + above + query.saturating_sub(self.first.row) as u16 * self.cell.1
    }

    /// Of a cell's rows on screen, the one with its number and its row's name.
    pub fn middle(&self) -> u16 {
        (self.cell.1 - 1) / 2
    }

    /// Where a cell on screen is, cut to what there is room for.
    pub fn rect(&self, query: usize, column: Column) -> Rect {
        Rect::new(self.x(column), self.y(query), self.cell.0, self.cell.1).intersection(self.area)
    }

    /// Where the sink of a column on screen is, in the row for sinks.
    pub fn sink_row_rect(&self, key: usize) -> Rect {
        let (x, y) = (self.x(Column::Key(key)), self.area.y + 1);
        Rect::new(x, y, self.cell.0, self.cell.1).intersection(self.area)
    }

    /// The screen row of the line between the row for sinks and the queries.
    pub fn row_divider(&self) -> Option<u16> {
        self.sink_row.then(|| self.area.y + 1 + self.cell.1)
    }

    /// The screen column of the line between sink and keys.
    pub fn divider(&self) -> Option<u16> {
        self.sink.then(|| self.left() + self.cell.0 + sink_gap(self.cell) / 2)
    }

    /// The first column of the cells.
    pub fn left(&self) -> u16 {
        self.area.x + self.name + MARK
    }

    /// The cell at a position of the screen.
    pub fn hit(&self, at: Position) -> Option<(usize, Column)> {
        if self.sink_row
            && let Some(query) = self.keys().find(|key| self.sink_row_rect(*key).contains(at))
        {
            return Some((query, Column::Sink));
        }
        let query = self.rows().find(|query| (0..self.cell.1).any(|row| self.y(*query) + row == at.y))?;
        let column = self.columns().find(|column| self.rect(query, *column).contains(at))?;
        Some((query, column))
    }

    fn keys_left(&self) -> u16 {
        self.left() + if self.sink { self.cell.0 + sink_gap(self.cell) } else { 0 }
    }
}

/// Columns between the sink and the first key: a line, with blanks beside it unless that would cost the
/// numbers. Narrow cells need them for the word `sink` above.
fn sink_gap(cell: (u16, u16)) -> u16 {
    if (3..=6).contains(&cell.0) { 1 } else { 3 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(width: u16, height: u16, size: usize, sink: bool) -> Needs {
        Needs { area: Rect::new(1, 1, width, height), size, sink, sink_row: false, name: 5 }
    }

    #[test]
    fn cells_shrink_until_all_columns_fit() {
        let cell = |width, height, size| Needs::cell(&[needs(width, height, size, true)]);
        assert_eq!(cell(200, 60, 5), (16, 7));
        assert_eq!(cell(56, 30, 5), (7, 3));
        assert_eq!(cell(56, 12, 5), (7, 2));
        assert_eq!(cell(56, 10, 5), (7, 1));
        assert_eq!(cell(49, 16, 7), (5, 2));
        assert_eq!(cell(56, 16, 11), (4, 1), "eleven tokens at 120 columns have numbers");
        assert_eq!(cell(56, 24, 11), (4, 2));
        assert_eq!(cell(56, 10, 12), (3, 1));
        assert_eq!(cell(56, 10, 20), (2, 1));
        assert_eq!(cell(56, 10, 500), (1, 1));
    }

    #[test]
    fn names_of_rows_are_cut_where_that_saves_numbers() {
        let needs = Needs { name: 12, ..needs(56, 16, 11, true) };
        let grid = needs.place(Needs::cell(&[needs]), |_| Scroll::default());
        assert_eq!((grid.cell, grid.name), ((4, 1), 5));
        let fewer = Needs { size: 10, ..needs };
        let grid = fewer.place((4, 1), |_| Scroll::default());
        assert_eq!(grid.name, 9, "no more than that takes");
    }

    #[test]
    fn both_sides_get_the_same_cells() {
        let (narrow, wide) = (needs(30, 20, 4, true), needs(90, 20, 4, false));
        assert_eq!(Needs::cell(&[narrow, wide]), Needs::cell(&[narrow]));
    }

    #[test]
    fn the_mouse_finds_every_cell_on_screen() {
        for size in [1, 5, 300] {
            let needs = needs(56, 20, size, true);
            let grid = needs.place(Needs::cell(&[needs]), |_| Scroll { row: 3, key: 2 });
            for query in grid.rows() {
                for column in grid.columns() {
                    let at = grid.rect(query, column).as_position();
                    assert_eq!(grid.hit(at), Some((query, column)));
                }
            }
            assert_eq!(grid.hit(Position::new(0, 0)), None);
        }
    }

    #[test]
    fn a_row_for_sinks_lies_above_the_queries_and_is_found_by_the_mouse() {
        let needs = Needs { sink_row: true, ..needs(56, 30, 5, false) };
        assert_eq!(Needs::cell(&[needs]), (9, 3), "a row of cells and a line less");
        let grid = needs.place((9, 3), |_| Scroll::default());
        assert_eq!((grid.row_divider(), grid.y(0)), (Some(5), 6));
        for key in grid.keys() {
            let at = grid.sink_row_rect(key).as_position();
            assert_eq!(grid.hit(at), Some((key, Column::Sink)));
        }
        assert_eq!(grid.hit(Position::new(grid.x(Column::Key(0)), 5)), None, "the line is no cell");
    }

    #[test]
    fn nothing_fits_into_nothing() {
        let needs = Needs { area: Rect::ZERO, size: 5, sink: true, sink_row: true, name: 5 };
        let grid = needs.place(Needs::cell(&[needs]), |_| Scroll::default());
        assert!(grid.rows().is_empty() && grid.keys().is_empty());
    }
}
