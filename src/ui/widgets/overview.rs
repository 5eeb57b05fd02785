//! All of a matrix that is too large for its pane: two rows of pixels in one row of the screen, each pixel
//! the largest of its cells, or their mean.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};

use super::axes;
use super::grid::Grid;
use super::matrix::{Highlights, IN_SPAN};
use super::pixels::put_pixel;
use super::text::{fit, put, right, width};
use crate::app::{Column, DisplayedCapture, Side, State};
use crate::theme::Theme;

/// Columns of a row's name, where that is words.
const WORDS: u16 = 12;
/// Columns between a row's name and its pixels: the cursor's mark and a blank.
const MARK: u16 = 2;
/// Columns of the sink and the line after it.
const SINK: u16 = 2;
/// Rows of the screen of which one is named.
const NAMED: usize = 4;

/// Where all of a matrix is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overview {
    /// Names, marks and pixels.
    pub area: Rect,
    /// Rows, and keys, of the matrix.
    pub size: usize,
    /// Rows, and keys, of a pixel.
    pub bin: usize,
    /// Whether there is a sink.
    pub sink: bool,
    /// Whether cells are named by their words: where each stands for several tokens, its number says nothing.
    pub words: bool,
    /// Columns of the longest name: `288–299`.
    name: u16,
}

impl Overview {
    /// In the place of a grid, with the smallest pixels that fit.
    pub fn of(grid: &Grid, words: bool) -> Self {
        let Grid { area, size, sink, .. } = *grid;
        let overview = Self::with_pixels(area, (size, 1), sink, words);
        let across = usize::from(area.right().saturating_sub(overview.x(Column::Key(0))));
        let down = usize::from(area.height.saturating_sub(1)) * 2;
        Self { bin: size.div_ceil(across.min(down).max(1)).max(1), ..overview }
    }

    /// Of a matrix of so many rows, and so many of them to a pixel.
    pub fn with_pixels(area: Rect, (size, bin): (usize, usize), sink: bool, words: bool) -> Self {
        let last = size.saturating_sub(1);
        let name = if words { WORDS } else { width(&format!("{last}–{last}")) as u16 };
        Self { area, size, bin, sink, words, name }
    }

    /// The cell at a position of the screen: of a pixel's, the first one.
    pub fn hit(&self, at: Position) -> Option<(usize, Column)> {
        let top = usize::from(at.y.checked_sub(self.area.y + 1)?) * 2;
        let query = top * self.bin;
        if !self.area.contains(at) || query >= self.size {
            return None;
        }
        if self.sink && at.x == self.x(Column::Sink) {
            return Some((query, Column::Sink));
        }
        let pixel = usize::from(at.x.checked_sub(self.x(Column::Key(0)))?);
        let key = pixel * self.bin;
        // In the future of the upper pixel, a cell may still be in the past of the lower one.
        (pixel <= top + 1 && key < self.size).then_some((query.max(key), Column::Key(key)))
    }

    /// The column of the screen that a column of the matrix is in.
    fn x(&self, column: Column) -> u16 {
        let left = self.area.x + self.name + MARK;
        match column {
            Column::Sink => left,
            Column::Key(key) => left + if self.sink { SINK } else { 0 } + (key / self.bin) as u16,
        }
    }

    /// The sink, and the first key of each pixel.
    fn columns(&self) -> impl Iterator<Item = Column> + use<> {
        let keys = (0..self.size).step_by(self.bin).map(Column::Key);
        self.sink.then_some(Column::Sink).into_iter().chain(keys)
    }

    /// Cells by their numbers, counted from zero: `12–14`, or `13`; where each is several tokens, by their words.
    fn name_of(&self, cells: Range<usize>, shown: &DisplayedCapture) -> String {
        let (first, last) = (cells.start, cells.end.saturating_sub(1).max(cells.start));
        match self.words {
            true => shown.passage(cells),
            false if first == last => first.to_string(),
            false => format!("{first}–{last}"),
        }
    }

    /// Rows that share a row of the screen, the one that is `y` rows below the first.
    fn rows(&self, y: usize) -> Range<usize> {
        2 * y * self.bin..(2 * (y + 1) * self.bin).min(self.size)
    }

    /// Draws names, pixels, and where the cursor is.
    pub fn draw(&self, state: &State, side: Side, theme: &Theme, buffer: &mut Buffer) {
        let pane = state.pane(side);
        let Some(shown) = &pane.shown else { return };
        let highlights = Highlights::of(state, side);
        let display = state.display;
        let pixels = shown.pooled(display.normalisation, display.pooling, self.bin);
        let scale = state.scale(side);
        let level = |row: usize, column: Column| {
            let value = match column {
                Column::Sink => pixels.sink(row),
                Column::Key(key) => pixels.get(row, key / self.bin),
            };
            value.map(|value| scale.level(value))
        };
        let (cursor, chrome) = (pane.cursor, &theme.chrome);
        let room = usize::from(self.area.height.saturating_sub(1));
        for y in 0..pixels.size().div_ceil(2).min(room) {
            let (rows, line) = (self.rows(y), self.area.y + 1 + y as u16);
            let has_cursor = rows.contains(&cursor.query);
            let (sign, style) = highlights.of_row(rows.clone(), theme);
            let is_in_span = rows.clone().any(|row| highlights.span.contains(&row));
            if !sign.is_empty() || y % NAMED == 0 {
                let style = if sign.is_empty() { chrome.dim } else { style };
                let name = right(&self.name_of(rows, shown), self.name.into()) + sign;
                put(buffer, self.area.x, line, &name, width(&name), style);
            }
            if is_in_span {
                put(buffer, self.area.x + self.name + 1, line, IN_SPAN.0, 1, chrome.accent);
            }
            for column in self.columns() {
                let levels = (level(2 * y, column), level(2 * y + 1, column));
                put_pixel(buffer, (self.x(column), line), levels, &theme.values);
            }
            if self.sink {
                put(buffer, self.x(Column::Sink) + 1, line, "┊", 1, chrome.border);
            }
            if has_cursor {
                let x = self.x(cursor.column);
                let style = match level(cursor.query / self.bin, cursor.column) {
                    Some(level) => theme.values.cell(level).add_modifier(Modifier::BOLD),
                    None => chrome.accent,
                };
                put(buffer, x, line, "+", 1, style);
            }
        }
        if self.area.height == 0 {
            return;
        }
        for key in (0..self.size).step_by(self.bin) {
            if (key..key + self.bin).any(|key| highlights.span.contains(&key)) {
                put(buffer, self.x(Column::Key(key)), self.area.y, IN_SPAN.1, 1, chrome.accent);
            }
        }
        let room =
            usize::from(self.x(Column::Key(0)).saturating_sub(self.area.x + if self.sink { 6 } else { 1 }));
        if let Some((text, _)) = axes::corner(state.display.rows, room) {
            put(buffer, self.area.x, self.area.y, text, room, chrome.dim);
        }
        if self.sink {
            let style = if cursor.column == Column::Sink { chrome.accent } else { chrome.dim };
            put(buffer, self.x(Column::Sink) - 3, self.area.y, "sink", 4, style);
        }
        if let Some(lit) = highlights.lit {
            self.flag(lit.column, "▿", shown, chrome.strong, buffer);
        }
        self.flag(cursor.column, "▾", shown, chrome.accent, buffer);
    }

    /// The keys that a column's pixels stand for.
    fn flag(&self, column: Column, sign: &str, shown: &DisplayedCapture, style: Style, buffer: &mut Buffer) {
        if let Column::Key(key) = column {
            let first = key - key % self.bin;
            let name = self.name_of(first..(first + self.bin).min(self.size), shown);
            let name = format!("{sign}{}", fit(&name, usize::from(self.area.width / 2)));
            let x = self.x(column).min(self.area.right().saturating_sub(width(&name) as u16));
            put(buffer, x, self.area.y, &name, width(&name), style);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mouse_finds_the_pixels_and_nothing_beside_them() {
        let overview = Overview::with_pixels(Rect::new(1, 1, 40, 10), (9, 2), true, false);
        let left = overview.x(Column::Key(0));
        assert_eq!(overview.hit(Position::new(left, 1)), None);
        assert_eq!(overview.hit(Position::new(left - 2, 2)), Some((0, Column::Sink)));
        assert_eq!(overview.hit(Position::new(left, 3)), Some((4, Column::Key(0))));
        assert_eq!(overview.hit(Position::new(left + 3, 3)), Some((6, Column::Key(6))));
        assert_eq!(overview.hit(Position::new(left + 4, 3)), None);
        assert_eq!(overview.hit(Position::new(left, 5)), None);
    }
}
