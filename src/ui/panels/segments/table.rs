//! The matrix of segments: names, the sink, and a cell for each two segments.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::cells::value;
use crate::app::{Column, Scale, SegmentCells};
use crate::attention::segments::SegmentShares;
use crate::theme::Theme;
use crate::ui::widgets::text::{center, fit, put, right, width};
use crate::ui::widgets::values::number;
use crate::ui::widgets::window::window;

/// Columns and rows of a cell, the largest first.
const SIZES: [(u16, u16); 9] = [(8, 2), (7, 2), (6, 2), (6, 1), (5, 1), (4, 1), (3, 1), (2, 1), (1, 1)];
/// Columns and rows of a cell where not all fit.
const SMALL: (u16, u16) = (4, 1);
/// Columns of a cell from which each column has its number above it; of narrower ones, some have.
const NUMBERED: u16 = 3;
/// Columns of a name beside cells without numbers, at most.
const SHORT_NAME: usize = 6;
/// Columns of a name, at most; at least what its number takes.
const NAME: usize = 30;
/// How far ratios go up and down on their scale, in doublings.
const DOUBLINGS: f32 = 2.0;

/// What cells show, and what is chosen.
pub struct Look {
    pub cells: SegmentCells,
    pub scale: Scale,
    pub chosen: (usize, Column),
    pub has_focus: bool,
}

/// Where the cells are.
struct Cells {
    /// The corner of the first one, the sink's if there is one.
    at: (u16, u16),
    size: (u16, u16),
    has_sinks: bool,
    /// The segments that are on screen: the chosen ones among them.
    rows: Range<usize>,
    columns: Range<usize>,
}

impl Cells {
    /// The largest cells of which all columns fit beside names of up to so many columns, or else small ones around the
    /// chosen one.
    fn of(shares: &SegmentShares, (row, column): (usize, Column), area: Rect, names: usize) -> Self {
        let (count, sinks) = (shares.rows.len(), u16::from(shares.has_sinks));
        let names = |size: (u16, u16)| match size.0 < NUMBERED {
            true => names.min(SHORT_NAME) as u16,
            false => names as u16,
        };
        // A blank column sets the sink apart.
        let across = |size: (u16, u16)| {
            let room = area.width.saturating_sub(names(size) + 2 + sinks * (size.0 + 1));
            usize::from(room / size.0)
        };
        let down = |size: (u16, u16)| usize::from(area.height.saturating_sub(1) / size.1);
        let fits = |size: &(u16, u16)| across(*size) >= count && (down(*size) >= count || size.1 == 1);
        let size = SIZES.into_iter().find(fits).unwrap_or(SMALL);
        let at = (area.x + names(size) + 2, area.y + 1);
        let key = if let Column::Key(key) = column { key } else { 0 };
        let (rows, columns) = (window(row, down(size), count), window(key, across(size), count));
        Self { at, size, has_sinks: shares.has_sinks, rows, columns }
    }

    fn area(&self, row: usize, column: Column) -> Rect {
        let (width, height) = self.size;
        let sinks = if self.has_sinks { width + 1 } else { 0 };
        let x = match column {
            Column::Sink => self.at.0,
            Column::Key(key) => self.at.0 + sinks + (key - self.columns.start) as u16 * width,
        };
        Rect { x, y: self.at.1 + (row - self.rows.start) as u16 * height, width, height }
    }

    /// The column after the last one.
    fn right(&self) -> u16 {
        self.area(self.rows.start, Column::Key(self.columns.end)).x
    }

    fn all_columns(&self) -> impl Iterator<Item = Column> {
        let sink = self.has_sinks.then_some(Column::Sink);
        sink.into_iter().chain(self.columns.clone().map(Column::Key))
    }
}

/// The cells that there is room for, around the chosen one, beside names, and how many columns these take; nothing
/// where there is no room for a matrix.
fn arranged(
    shares: &SegmentShares,
    chosen: (usize, Column),
    area: Rect,
) -> Option<(Cells, Vec<String>, usize)> {
    if area.height < 2 || area.width < 8 {
        return None;
    }
    let names: Vec<String> = (0..shares.rows.len()).map(|at| shares.segments.label(at)).collect();
    let longest = names.iter().map(|name| width(name)).max().unwrap_or(0);
    let least = longest.min(usize::from(area.width) * 2 / 5).min(NAME);
    let cells = Cells::of(shares, chosen, area, least);
    // Where cells leave room, names take it.
    let before = usize::from(cells.at.0 - area.x - 2);
    let columns = longest.min(before + usize::from(area.right().saturating_sub(cells.right())));
    let cells = Cells { at: (area.x + columns as u16 + 2, cells.at.1), ..cells };
    Some((cells, names, columns))
}

/// Where the cells are: of each its row, its column, and its part of the screen.
pub fn places(shares: &SegmentShares, chosen: (usize, Column), area: Rect) -> Vec<(usize, Column, Rect)> {
    let Some((cells, ..)) = arranged(shares, chosen, area) else { return Vec::new() };
    let of_row = |row: usize| {
        let place = |column| (row, column, cells.area(row, column));
        cells.all_columns().map(place).collect::<Vec<_>>()
    };
    cells.rows.clone().flat_map(of_row).collect()
}

/// Draws as many cells as there is room for, around the chosen one.
pub fn draw(shares: &SegmentShares, look: &Look, area: Rect, theme: &Theme, buffer: &mut Buffer) {
    let Some((cells, names, columns)) = arranged(shares, look.chosen, area) else { return };
    let chrome = &theme.chrome;
    for column in cells.all_columns() {
        let is_chosen = column == look.chosen.1;
        let place = Rect { y: area.y, height: 1, ..cells.area(cells.rows.start, column) };
        let (text, style) = match column {
            Column::Sink => ("sink".to_owned(), chrome.shares[0]),
            Column::Key(key) => ((key + 1).to_string(), chrome.segments[key % chrome.segments.len()]),
        };
        let style = if is_chosen { style.add_modifier(Modifier::BOLD) } else { style };
        let room = usize::from(place.width);
        let text = match (is_chosen, column) {
            (true, _) if place.width < NUMBERED => "▾".to_owned(),
            (false, Column::Key(key)) if place.width < NUMBERED => match is_counted(key, look.chosen.1) {
                // It goes on over the column after it, which has none.
                true => {
                    put(buffer, place.x, place.y, &text, width(&text), style);
                    continue;
                }
                false => continue,
            },
            (false, Column::Sink) if place.width < NUMBERED => "s".to_owned(),
            (true, _) => format!("▾{text}"),
            (false, _) => text,
        };
        put(buffer, place.x, place.y, &center(&fit(&text, room), room), room, style);
    }
    for row in cells.rows.clone() {
        let is_chosen = row == look.chosen.0;
        let (mark, style) = if is_chosen { ("▸", chrome.accent) } else { (" ", chrome.text) };
        let y = cells.area(row, Column::Key(cells.columns.start)).y;
        put(buffer, area.x, y, mark, 1, chrome.accent);
        put(buffer, area.x + 1, y, &fit(&names[row], columns), columns, style);
        for column in cells.all_columns() {
            let place = cells.area(row, column);
            let style = draw_cell(shares, look, (row, column), place, theme, buffer);
            if (row, column) == look.chosen {
                if place.width == 1 {
                    put(buffer, place.x, place.y, "+", 1, style.add_modifier(Modifier::BOLD));
                    continue;
                }
                let modifier = if look.has_focus { Modifier::REVERSED } else { Modifier::UNDERLINED };
                buffer.set_style(place.intersection(area), style.add_modifier(modifier | Modifier::BOLD));
            }
        }
    }
    let hidden = shares.rows.len() - cells.rows.len().min(cells.columns.len());
    if hidden > 0 {
        let text = right(
            &format!("{} of {}", cells.rows.len().min(cells.columns.len()), shares.rows.len()),
            columns,
        );
        put(buffer, area.x + 1, area.y, &text, columns, chrome.dim);
    }
}

/// Whether a narrow column has its number above it: every fifth has, unless the chosen one is beside it.
fn is_counted(key: usize, chosen: Column) -> bool {
    let is_beside = matches!(chosen, Column::Key(chosen) if key.abs_diff(chosen) < 2);
    (key + 1).is_multiple_of(5) && !is_beside
}

/// Fills a cell with its colour, or its glyph, and writes its value into it if there is room; where there are two
/// lines, beside a share what is expected. Returns its style.
fn draw_cell(
    shares: &SegmentShares,
    look: &Look,
    (row, column): (usize, Column),
    area: Rect,
    theme: &Theme,
    buffer: &mut Buffer,
) -> Style {
    let (of, columns) = (&shares.rows[row], usize::from(area.width));
    let (shown, expected) = match column {
        Column::Sink => ((of.queries > 0 && look.cells == SegmentCells::Shares).then_some(of.sink), None),
        Column::Key(key) => (value(of, key, look.cells), value(of, key, SegmentCells::Expected)),
    };
    let Some(shown) = shown else {
        let sign = if column == Column::Sink { "–" } else { "·" };
        put(buffer, area.x, area.y, &center(sign, columns), columns, theme.chrome.masked);
        return theme.chrome.masked;
    };
    let (style, glyph) = match look.cells {
        SegmentCells::Ratios => {
            let level = (shown.max(f32::MIN_POSITIVE).log2() / DOUBLINGS).clamp(-1.0, 1.0);
            (theme.differences.cell(level), theme.differences.glyph(level))
        }
        SegmentCells::Shares | SegmentCells::Expected => {
            let level = look.scale.level(shown);
            (theme.values.cell(level), theme.values.glyph(level))
        }
    };
    let line = glyph.unwrap_or(' ').to_string().repeat(columns);
    for y in area.top()..area.bottom() {
        put(buffer, area.x, y, &line, columns, style);
    }
    let written = |value: f32| number(value, area.width).map(|number| center(&number, columns));
    if let Some(text) = written(shown) {
        put(buffer, area.x, area.y, &text, columns, style);
    }
    if let (Some(expected), SegmentCells::Shares, 2) = (expected, look.cells, area.height) {
        let text = number(expected, area.width - 1).map(|number| center(&format!("/{number}"), columns));
        put(buffer, area.x, area.y + 1, &text.unwrap_or_default(), columns, style);
    }
    style
}
