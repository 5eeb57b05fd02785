//! A matrix as coloured cells, with the names of its rows and columns.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::axes;
use super::grid::Grid;
use super::pixels::pixel;
use super::text::{center, fit, put, right, width};
use super::values::Values;
use crate::app::{Column, Cursor, Scale, Side, State};
use crate::attention::Normalisation;
use crate::theme::Theme;
use crate::vocabulary::RowReading;

/// A cell of the future.
const FUTURE: &str = "·";
/// A cell that the normalisation leaves out, or of a row that has nothing left. Not a zero.
const LEFT_OUT: &str = "–";
/// In the place of a special token's name.
const NAMELESS: &str = "·";
/// Before the cells of a token that a model wrote.
pub const WRITTEN: &str = "+";
/// What a span's rows have before their cells, and its columns above them.
pub const IN_SPAN: (&str, &str) = ("┃", "━");

/// The cells of a matrix that are highlighted.
pub struct Highlights {
    /// The cell that is looked at.
    pub cursor: Cursor,
    /// The row and the column that the mouse lights.
    pub lit: Option<Cursor>,
    /// The tokens that are taken together.
    pub span: Range<usize>,
}

impl Highlights {
    /// The cells of a pane.
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

/// A column's name in full, and where it is on its line.
struct Flag {
    at: Range<u16>,
    name: String,
}

impl Flag {
    /// Whether it covers some of these columns.
    fn covers(&self, columns: Range<u16>) -> bool {
        columns.start < self.at.end && columns.end > self.at.start && !columns.is_empty()
    }

    /// Whether it does, or the blanks beside it do.
    fn touches(&self, columns: Range<u16>) -> bool {
        self.covers(columns.start.saturating_sub(1)..columns.end + 1)
    }
}

/// What is drawn, and how.
pub struct Drawing<'a> {
    /// What rows and columns stand for.
    pub names: &'a [String],
    /// What rows are named by, where that is something else.
    pub row_names: &'a [String],
    /// The first of them that a model wrote.
    pub written: usize,
    /// Which of them are special tokens; none where that is not known.
    pub special: &'a [bool],
    /// Whether these go without names.
    pub hides_special: bool,
    /// What is drawn.
    pub values: Values<'a>,
    /// Where its cells are.
    pub grid: &'a Grid,
    /// Its cells that are highlighted.
    pub highlights: Highlights,
    /// What its rows are divided by.
    pub normalisation: Normalisation,
    /// How high its values are on the colour scale.
    pub scale: Scale,
    /// The colours.
    pub theme: &'a Theme,
}

impl Drawing<'_> {
    /// Draws names and cells.
    pub fn draw(&self, buffer: &mut Buffer) {
        self.row_names(buffer);
        self.column_names(buffer);
        let across = self.values.across(self.normalisation, self.grid.keys());
        for query in self.grid.rows() {
            let row = self.values.row(self.normalisation, query, &across);
            for column in self.grid.columns() {
                let (at, area) = (Cursor { query, column }, self.grid.rect(query, column));
                let value = row.value(column);
                match across.get(query).filter(|_| column == Column::Key(query)) {
                    Some(other) => self.halves(at, area, [value, other.get(query)], buffer),
                    None => self.cell(at, area, value, buffer),
                }
            }
        }
        for key in self.grid.keys().filter(|_| self.grid.sink_row) {
            let at = Cursor { query: key, column: Column::Sink };
            let sink = across.get(key).and_then(|row| row.sink());
            self.cell(at, self.grid.sink_row_rect(key), sink, buffer);
        }
        self.dividers(buffer);
    }

    /// The lines between sinks and keys.
    fn dividers(&self, buffer: &mut Buffer) {
        let style = self.theme.chrome.border;
        if let Some(x) = self.grid.divider() {
            let bottom = self.grid.y(self.grid.rows().end).min(self.grid.area.bottom());
            for y in self.grid.area.y + 1..bottom {
                put(buffer, x, y, "┊", 1, style);
            }
        }
        if let Some(y) = self.grid.row_divider().filter(|y| *y < self.grid.area.bottom()) {
            let (left, cells) = (self.grid.x(Column::Key(self.grid.keys().start)), self.grid.keys().len());
            let line = "┈".repeat(cells * usize::from(self.grid.cell.0));
            put(buffer, left, y, &line, cells * usize::from(self.grid.cell.0), style);
        }
    }

    fn name(&self, column: Column) -> &str {
        match column {
            Column::Sink => "sink",
            Column::Key(key) if self.hides_special && self.is_special(key) => NAMELESS,
            Column::Key(key) => self.names.get(key).map_or("", String::as_str),
        }
    }

    fn is_special(&self, key: usize) -> bool {
        self.special.get(key).is_some_and(|special| *special)
    }

    /// The name of a row. A special token that is predicted is told apart by it.
    fn row_name(&self, query: usize) -> &str {
        match self.row_names.get(query) {
            Some(name) => name,
            None => self.name(Column::Key(query)),
        }
    }

    /// The style of a name: that of special tokens is slanted, that of tokens that a model wrote has its colour.
    fn styled(&self, key: usize, style: Style) -> Style {
        let is_plain = style == self.theme.chrome.text || style == self.theme.chrome.dim;
        let style = if key >= self.written && is_plain { self.theme.chrome.shares[3] } else { style };
        if self.is_special(key) { style.add_modifier(Modifier::ITALIC) } else { style }
    }

    fn row_names(&self, buffer: &mut Buffer) {
        let Grid { area, name: room, .. } = *self.grid;
        if self.grid.sink_row {
            let y = area.y + 1 + self.grid.middle();
            put(buffer, area.x, y, &right("sink", room.into()), room.into(), self.theme.chrome.dim);
        }
        for query in self.grid.rows() {
            let y = self.grid.y(query) + self.grid.middle();
            if y >= area.bottom() {
                continue;
            }
            let name = right(self.row_name(query), usize::from(room));
            let (sign, style) = self.highlights.of_row(query..query + 1, self.theme);
            let x = put(buffer, area.x, y, &name, usize::from(room), self.styled(query, style));
            let sign = if sign.is_empty() && query >= self.written { WRITTEN } else { sign };
            put(buffer, x, y, sign, 1, self.styled(query, style));
            if self.highlights.span.contains(&query) {
                put(buffer, x + 1, y, IN_SPAN.0, 1, self.theme.chrome.accent);
            }
        }
    }

    fn column_names(&self, buffer: &mut Buffer) {
        let Grid { area, cell: (cell, _), .. } = *self.grid;
        let cursor = self.flag(self.highlights.cursor.column, "▾");
        let lit = self.highlights.lit.and_then(|lit| self.flag(lit.column, "▿"));
        let lit = lit.filter(|lit| cursor.as_ref().is_none_or(|cursor| !lit.touches(cursor.at.clone())));
        let flags: Vec<&Flag> = cursor.iter().chain(&lit).collect();
        self.axes(&flags, buffer);
        for (at, column) in self.grid.columns().enumerate() {
            if matches!(column, Column::Key(key) if self.highlights.span.contains(&key)) {
                let line = IN_SPAN.1.repeat(usize::from(cell));
                put(buffer, self.grid.x(column), area.y, &line, usize::from(cell), self.theme.chrome.accent);
            }
            let (name, room, style) = match column {
                Column::Sink => ("sink", usize::from(cell).max(4), self.theme.chrome.dim),
                // Narrower than this a name says nothing; the cursor's is written in full.
                Column::Key(_) if cell < 3 => continue,
                // With no blank between them, every other one is dim.
                Column::Key(_) if cell == 3 && at % 2 == 1 => (self.name(column), 3, self.theme.chrome.dim),
                Column::Key(_) if cell == 3 => (self.name(column), 3, self.theme.chrome.text),
                Column::Key(_) => (self.name(column), usize::from(cell) - 1, self.theme.chrome.text),
            };
            let style = if let Column::Key(key) = column { self.styled(key, style) } else { style };
            let name = fit(name, room);
            let free = usize::from(cell).saturating_sub(width(&name));
            let x = self.grid.x(column) + free as u16 / 2;
            // Half of a name, or of a wide character, says nothing.
            let columns = x..x + width(&name) as u16;
            let is_sink = column == Column::Sink;
            if flags.iter().any(|flag| {
                // Names in narrow cells stand side by side; colours tell them apart.
                if is_sink || cell < 5 { flag.covers(columns.clone()) } else { flag.touches(columns.clone()) }
            }) {
                continue;
            }
            put(buffer, x, area.y, &name, room, style);
        }
        let chrome = &self.theme.chrome;
        for (flag, style) in
            lit.iter().map(|lit| (lit, chrome.strong)).chain(cursor.iter().map(|it| (it, chrome.accent)))
        {
            put(buffer, flag.at.start, area.y, &flag.name, width(&flag.name), style);
        }
    }

    /// What rows and columns are: before the columns' names, and after them.
    fn axes(&self, flags: &[&Flag], buffer: &mut Buffer) {
        // Of two sides in one square each has its own.
        if !self.values.has_future() {
            return;
        }
        let Grid { area, cell, .. } = *self.grid;
        let style = self.theme.chrome.dim;
        let mut write = |x: u16, text: &str| {
            if flags.iter().all(|flag| !flag.touches(x..x + width(text) as u16)) {
                put(buffer, x, area.y, text, width(text), style);
            }
        };
        let rows = match self.row_names.is_empty() {
            true => RowReading::Reading,
            false => RowReading::Predicting,
        };
        let corner = axes::corner(rows, usize::from(self.grid.left().saturating_sub(area.x + 1)));
        if let Some((text, _)) = corner {
            write(area.x, text);
        }
        let end = self.grid.x(Column::Key(self.grid.keys().end)) + u16::from(cell.0 < 5);
        if corner.is_none_or(|(_, has_keys)| !has_keys)
            && usize::from(end) + width(axes::KEYS) <= usize::from(area.right())
        {
            write(end, axes::KEYS);
        }
    }

    /// A column's name in full, with a sign where the name alone would not stand out.
    fn flag(&self, column: Column, sign: &str) -> Option<Flag> {
        let Grid { area, cell: (cell, _), .. } = *self.grid;
        self.grid.columns().find(|on_screen| *on_screen == column)?;
        let name = fit(self.name(column), usize::from(area.right().saturating_sub(self.grid.left())));
        let columns = width(&name) as u16;
        // A sign that leaves the cell would cost its neighbour the name.
        let is_marked = columns > cell || cell < 5 && columns < cell;
        let name = if is_marked { format!("{sign}{name}") } else { name };
        let columns = width(&name) as u16;
        let free = cell.saturating_sub(columns) / 2;
        let x = (self.grid.x(column) + free).min(area.right().saturating_sub(columns)).max(area.x);
        Some(Flag { at: x..x + columns, name })
    }

    fn cell(&self, at: Cursor, area: Rect, value: Option<f32>, buffer: &mut Buffer) {
        let style = self.paint(at, area, value, buffer);
        if self.is_marked(at) {
            self.mark(area, style, buffer);
        }
    }

    /// A cell of the diagonal that two sides share: the one from below has its left half, or its lower one.
    fn halves(&self, at: Cursor, area: Rect, values: [Option<f32>; 2], buffer: &mut Buffer) {
        let left = Rect { width: area.width / 2, ..area };
        let style = if left.width > 0 {
            self.paint(at, left, values[0], buffer);
            let right = Rect { x: left.right(), width: area.width - left.width, ..area };
            self.paint(at, right, values[1], buffer)
        } else {
            let [below, above] = values.map(|value| Some(self.scale.level(value?)));
            let (glyph, style) = pixel(above, below, &self.theme.values);
            put(buffer, area.x, area.y, glyph.encode_utf8(&mut [0; 4]), area.width.into(), style);
            self.theme.chrome.accent
        };
        if self.is_marked(at) {
            self.mark(area, style, buffer);
        }
    }

    /// Whether it is the cell that is looked at, or has its place on the other side of the diagonal.
    fn is_marked(&self, at: Cursor) -> bool {
        let mirrored = match at.column {
            Column::Key(key) if key > at.query => Cursor { query: key, column: Column::Key(at.query) },
            _ => at,
        };
        at == self.highlights.cursor || !self.values.has_future() && mirrored == self.highlights.cursor
    }

    /// Fills a cell with its colour and its number. Returns the style of the cursor on it.
    fn paint(&self, at: Cursor, area: Rect, value: Option<f32>, buffer: &mut Buffer) -> Style {
        let Some(value) = value else {
            let is_ahead = matches!(at.column, Column::Key(key) if key > at.query);
            let sign = if is_ahead && self.values.has_future() { FUTURE } else { LEFT_OUT };
            self.without_value(sign, area, buffer);
            return self.theme.chrome.accent;
        };
        let (palette, level) = self.values.color(value, self.scale, self.theme);
        let (style, fill) = (palette.cell(level), palette.glyph(level).unwrap_or(' '));
        let columns = usize::from(area.width);
        let line = fill.to_string().repeat(columns);
        let middle = (area.y + self.grid.middle()).min(area.bottom().saturating_sub(1));
        for y in area.top()..area.bottom() {
            put(buffer, area.x, y, &line, columns, style);
        }
        let is_lit = self.highlights.lit.is_some_and(|lit| lit.query == at.query || lit.column == at.column);
        let style = if is_lit { style.add_modifier(Modifier::UNDERLINED) } else { style };
        if is_lit {
            put(buffer, area.x, middle, &line, columns, style);
        }
        // Two numbers in a cell that two sides share would run into each other.
        let is_narrow_half = area.width < self.grid.cell.0 && area.width < 5;
        // So would one that fills its cell and begins with a digit, where no colours tell cells apart: its glyphs are better seen.
        let has_glyphs = palette.glyph(level).is_some();
        let runs_on = |number: &str| {
            has_glyphs && width(number) == columns && number.starts_with(|c: char| c.is_ascii_digit())
        };
        let number = self.values.number(value, area.width.min(self.grid.cell.0));
        if let Some(number) = number.filter(|number| !is_narrow_half && !runs_on(number)) {
            let free = columns.saturating_sub(width(&number));
            put(buffer, area.x + (free / 2) as u16, middle, &number, columns, style);
        }
        style.add_modifier(Modifier::BOLD)
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
            // Brackets would cover the number.
            (3..=4, 1 | 2) => {
                buffer
                    .set_style(area.intersection(buffer.area), Style::new().add_modifier(Modifier::REVERSED));
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
