//! A matrix as coloured cells, with the names of its rows and columns.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::grid::Grid;
use super::text::{center, fit, put, right, width};
use crate::app::{Column, Cursor, Scale, State};
use crate::attention::{CausalMatrix, Comparison, DifferenceRow, Normalisation, NormalisedRow};
use crate::theme::Theme;
use crate::worker::protocol::Side;

/// A cell that the normalisation leaves out, or of a row that has nothing left. Not a zero.
const LEFT_OUT: &str = "–";
/// What a span's rows have before their cells, and its columns above them.
pub const IN_SPAN: (&str, &str) = ("┃", "━");

/// What of a matrix is marked.
pub struct Marks {
    /// The cell that is looked at.
    pub cursor: Cursor,
    /// The row and the column that the mouse lights.
    pub lit: Option<Cursor>,
    /// The tokens that are taken together.
    pub span: Range<usize>,
}

impl Marks {
    /// Those of a pane.
    pub fn of(state: &State, side: Side) -> Self {
        let pane = state.pane(side);
        let span = pane.span.as_ref().map_or(0..0, |span| span.cells.clone());
        Self { cursor: pane.cursor, lit: state.lit(side), span }
    }

    /// The sign and the style of a row's name: of the cursor's, of a lit one, of others.
    pub fn of_row(&self, rows: Range<usize>, theme: &Theme) -> (&'static str, Style) {
        let chrome = &theme.chrome;
        if rows.contains(&self.cursor.query) {
            return ("▸", chrome.accent);
        }
        match self.lit {
            Some(lit) if rows.contains(&lit.query) => ("›", chrome.strong),
            _ => ("", chrome.text),
        }
    }
}

/// What the cells of a matrix show.
#[derive(Debug, Clone, Copy)]
pub enum Values<'a> {
    /// Attention.
    Attention(&'a CausalMatrix),
    /// Left minus right.
    Difference(&'a Comparison),
}

/// A row of them.
enum Row<'a> {
    Attention(NormalisedRow<'a>),
    Difference(DifferenceRow),
}

impl Row<'_> {
    fn value(&self, column: Column) -> Option<f32> {
        match (self, column) {
            (Row::Attention(row), column) => column.value(row),
            (Row::Difference(row), Column::Sink) => row.sink,
            (Row::Difference(row), Column::Key(key)) => row.keys.get(key).copied().flatten(),
        }
    }
}

/// What is drawn, and how.
pub struct Drawing<'a> {
    /// What rows and columns stand for.
    pub names: &'a [String],
    /// What is drawn.
    pub values: Values<'a>,
    /// Where.
    pub grid: &'a Grid,
    /// What of it is marked.
    pub marks: Marks,
    /// What its rows are divided by.
    pub normalisation: Normalisation,
    /// How high its values are on the colour scale.
    pub scale: Scale,
    /// In which colours.
    pub theme: &'a Theme,
}

impl Drawing<'_> {
    /// Draws names and cells.
    pub fn draw(&self, buffer: &mut Buffer) {
        self.row_names(buffer);
        self.column_names(buffer);
        for query in self.grid.rows() {
            let row = match self.values {
                Values::Attention(matrix) => Row::Attention(self.normalisation.row(matrix, query)),
                Values::Difference(of) => Row::Difference(of.difference(self.normalisation, query)),
            };
            for column in self.grid.columns() {
                self.cell(Cursor { query, column }, &row, buffer);
            }
        }
        if let Some(x) = self.grid.divider() {
            let bottom = self.grid.y(self.grid.rows().end).min(self.grid.area.bottom());
            for y in self.grid.area.y + 1..bottom {
                put(buffer, x, y, "┊", 1, self.theme.chrome.border);
            }
        }
    }

    fn name(&self, column: Column) -> &str {
        match column {
            Column::Sink => "sink",
            Column::Key(key) => self.names.get(key).map_or("", String::as_str),
        }
    }

    fn row_names(&self, buffer: &mut Buffer) {
        let Grid { area, name: room, .. } = *self.grid;
        for query in self.grid.rows() {
            let y = self.grid.y(query) + self.grid.middle();
            if y >= area.bottom() {
                continue;
            }
            let name = right(self.name(Column::Key(query)), usize::from(room));
            let (sign, style) = self.marks.of_row(query..query + 1, self.theme);
            let x = put(buffer, area.x, y, &name, usize::from(room), style);
            put(buffer, x, y, sign, 1, style);
            if self.marks.span.contains(&query) {
                put(buffer, x + 1, y, IN_SPAN.0, 1, self.theme.chrome.accent);
            }
        }
    }

    fn column_names(&self, buffer: &mut Buffer) {
        let Grid { area, cell: (cell, _), .. } = *self.grid;
        for column in self.grid.columns() {
            if matches!(column, Column::Key(key) if self.marks.span.contains(&key)) {
                let line = IN_SPAN.1.repeat(usize::from(cell));
                put(buffer, self.grid.x(column), area.y, &line, usize::from(cell), self.theme.chrome.accent);
            }
            let (name, room, style) = match column {
                Column::Sink => ("sink", usize::from(cell).max(4), self.theme.chrome.dim),
                // Narrower than this a name says nothing; the cursor's is written in full.
                Column::Key(_) if cell < 5 => continue,
                Column::Key(_) => (self.name(column), usize::from(cell) - 1, self.theme.chrome.text),
            };
            let name = fit(name, room);
            let free = usize::from(cell).saturating_sub(width(&name));
            put(buffer, self.grid.x(column) + free as u16 / 2, area.y, &name, room, style);
        }
        if let Some(lit) = self.marks.lit {
            self.flag(lit.column, "▿", self.theme.chrome.strong, buffer);
        }
        self.flag(self.marks.cursor.column, "▾", self.theme.chrome.accent, buffer);
    }

    /// A column's name in full, with a sign where the name alone would not stand out.
    fn flag(&self, column: Column, sign: &str, style: Style, buffer: &mut Buffer) {
        let Grid { area, cell: (cell, _), .. } = *self.grid;
        if self.grid.columns().any(|on_screen| on_screen == column) {
            let name = fit(self.name(column), usize::from(area.right().saturating_sub(self.grid.left())));
            let columns = width(&name) as u16;
            let name = if columns > cell || cell < 5 { format!("{sign}{name}") } else { name };
            let columns = width(&name) as u16;
            let free = cell.saturating_sub(columns) / 2;
            let x = (self.grid.x(column) + free).min(area.right().saturating_sub(columns)).max(area.x);
            // A name that is longer than its cell covers part of its neighbours: leave a blank after it.
            let end = put(buffer, x, area.y, &name, usize::from(columns), style);
            if columns > cell && end < area.right() {
                put(buffer, end, area.y, " ", 1, Style::new());
            }
        }
    }

    fn cell(&self, at: Cursor, row: &Row<'_>, buffer: &mut Buffer) {
        let area = self.grid.rect(at.query, at.column);
        let Some(value) = row.value(at.column) else {
            let future = matches!(at.column, Column::Key(key) if key > at.query);
            self.without_value(if future { "·" } else { LEFT_OUT }, area, buffer);
            if at == self.marks.cursor {
                self.mark(area, self.theme.chrome.accent, buffer);
            }
            return;
        };
        let (palette, level, number) = match self.values {
            Values::Attention(_) => {
                (&self.theme.values, self.scale.level(value), number(value, self.grid.cell.0))
            }
            Values::Difference(_) => {
                let number = signed(value, self.grid.cell.0);
                (&self.theme.differences, self.scale.signed_level(value), number)
            }
        };
        let (style, fill) = (palette.cell(level), palette.glyph(level).unwrap_or(' '));
        let columns = usize::from(area.width);
        let line = fill.to_string().repeat(columns);
        let middle = (area.y + self.grid.middle()).min(area.bottom().saturating_sub(1));
        for y in area.top()..area.bottom() {
            put(buffer, area.x, y, &line, columns, style);
        }
        let is_lit = self.marks.lit.is_some_and(|lit| lit.query == at.query || lit.column == at.column);
        let style = if is_lit { style.add_modifier(Modifier::UNDERLINED) } else { style };
        if is_lit {
            put(buffer, area.x, middle, &line, columns, style);
        }
        if let Some(number) = number {
            let free = columns.saturating_sub(width(&number));
            put(buffer, area.x + (free / 2) as u16, middle, &number, columns, style);
        }
        if at == self.marks.cursor {
            self.mark(area, style.add_modifier(Modifier::BOLD), buffer);
        }
    }

    fn without_value(&self, sign: &str, area: Rect, buffer: &mut Buffer) {
        let y = area.y + self.grid.middle();
        if y < area.bottom() {
            let columns = usize::from(area.width);
            put(buffer, area.x, y, &center(sign, columns), columns, self.theme.chrome.masked);
        }
    }

    /// The cursor: a frame where there is room for one, else brackets.
    fn mark(&self, area: Rect, style: Style, buffer: &mut Buffer) {
        if area.is_empty() {
            return;
        }
        let (right, bottom) = (area.right() - 1, area.bottom() - 1);
        match (area.width, area.height) {
            (1, _) => {
                put(buffer, area.x, area.y, "+", 1, style);
            }
            (columns, 2..) => {
                let line = "━".repeat(usize::from(columns) - 2);
                if area.height > 2 {
                    put(buffer, area.x, area.y, &format!("┏{line}┓"), columns.into(), style);
                } else {
                    put(buffer, area.x, area.y, "┏", 1, style);
                    put(buffer, right, area.y, "┓", 1, style);
                }
                put(buffer, area.x, bottom, &format!("┗{line}┛"), columns.into(), style);
                for y in area.y + 1..bottom {
                    put(buffer, area.x, y, "┃", 1, style);
                    put(buffer, right, y, "┃", 1, style);
                }
            }
            _ => {
                put(buffer, area.x, area.y, "[", 1, style);
                put(buffer, right, area.y, "]", 1, style);
            }
        }
    }
}

/// A value as it is written into a cell of that many columns; nothing if the cell is too narrow.
fn number(value: f32, columns: u16) -> Option<String> {
    let places = match columns {
        0..5 => return None,
        5 => 2,
        _ => 3,
    };
    if value == 0.0 {
        return Some("0".to_owned());
    }
    let number = format!("{value:.places$}");
    Some(match (columns, number.strip_prefix('0')) {
        (7.., _) => number,
        (_, Some(fraction)) => fraction.to_owned(),
        (_, None) => format!("{value:.*}", places - 1),
    })
}

/// A difference with its sign, which takes the room that [`number`] leaves.
fn signed(value: f32, columns: u16) -> Option<String> {
    let number = number(value.abs(), columns)?;
    let is_zero = number.chars().all(|c| matches!(c, '0' | '.'));
    let sign = if is_zero { "" } else { ["+", "−"][usize::from(value < 0.0)] };
    Some(format!("{sign}{number}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_have_a_sign_and_fit_their_cells() {
        let texts = |value| [4, 5, 6, 7].map(|columns| signed(value, columns));
        let some = |texts: [&str; 3]| {
            let [a, b, c] = texts.map(|text| Some(text.to_owned()));
            [None, a, b, c]
        };
        assert_eq!(texts(0.599), some(["+.60", "+.599", "+0.599"]));
        assert_eq!(texts(-1.0), some(["−1.0", "−1.00", "−1.000"]));
        assert_eq!(texts(-0.0001), some([".00", ".000", "0.000"]));
    }

    #[test]
    fn numbers_fit_their_cells() {
        let texts = |value| [4, 5, 6, 7, 12].map(|columns| number(value, columns));
        let some = |texts: [&str; 4]| {
            let [a, b, c, d] = texts.map(|text| Some(text.to_owned()));
            [None, a, b, c, d]
        };
        assert_eq!(texts(0.6764), some([".68", ".676", "0.676", "0.676"]));
        assert_eq!(texts(1.0), some(["1.0", "1.00", "1.000", "1.000"]));
        assert_eq!(texts(0.0), some(["0", "0", "0", "0"]));
        assert_eq!(texts(0.0001), some([".00", ".000", "0.000", "0.000"]));
    }
}
