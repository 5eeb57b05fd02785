//! A map of layers: a row for each, a column per head or token, each cell in the colour of a value, one of them chosen.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Rect};
use ratatui::style::{Modifier, Style};

use super::text::{center, put, right, width};
use super::values::{number, signed};
use super::window::window;
use crate::app::Scale;
use crate::theme::Theme;

/// Columns and rows of a cell, the largest first.
const SIZES: [(u16, u16); 9] = [(7, 3), (7, 2), (6, 2), (5, 2), (5, 1), (4, 1), (3, 1), (2, 1), (1, 1)];
/// Columns before the cells: the mark of the chosen layer, its number, and a blank.
const LABEL: u16 = 5;

/// On which sides of 0 the values of a map are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// From 0 up.
    Above,
    /// On both.
    Both,
}

/// Where the cells of a map are.
pub struct Cells {
    /// The corner of the first one.
    at: (u16, u16),
    /// Columns and rows of each.
    size: (u16, u16),
    /// The layers, and the heads or tokens, that are on screen: the chosen one among them.
    layers: Range<usize>,
    heads: Range<usize>,
}

impl Cells {
    /// The largest cells of which all fit into a box, or the smallest ones around the chosen one: of so many layers and columns.
    pub fn of(frame: Rect, (all_layers, all_columns): (usize, usize), chosen: (usize, usize)) -> Self {
        let body = frame.inner(Margin::new(1, 1));
        let at = (body.x + LABEL, body.y + 1);
        let room = (body.right().saturating_sub(at.0), body.bottom().saturating_sub(at.1));
        let count = |size: (u16, u16)| (usize::from(room.0 / size.0), usize::from(room.1 / size.1));
        let fits = |size: &(u16, u16)| count(*size).0 >= all_columns && count(*size).1 >= all_layers;
        let size = SIZES.into_iter().find(fits).unwrap_or((1, 1));
        let (heads, layers) = count(size);
        let layers = window(chosen.0, layers, all_layers);
        let heads = window(chosen.1, heads, all_columns);
        Self { at, size, layers, heads }
    }

    fn x(&self, head: usize) -> u16 {
        self.at.0 + (head - self.heads.start) as u16 * self.size.0
    }

    fn y(&self, layer: usize) -> u16 {
        self.at.1 + (layer - self.layers.start) as u16 * self.size.1
    }

    /// Where a cell is.
    pub fn area(&self, layer: usize, head: usize) -> Rect {
        Rect { x: self.x(head), y: self.y(layer), width: self.size.0, height: self.size.1 }
    }

    /// The layers and columns of those on screen.
    pub fn all(&self) -> impl Iterator<Item = (usize, usize)> {
        let heads = self.heads.clone();
        self.layers.clone().flat_map(move |layer| heads.clone().map(move |head| (layer, head)))
    }
}

/// The columns' numbers above the cells, as many as there is room for, and the layers' before them.
pub fn draw_numbers(cells: &Cells, (layer, head): (usize, usize), theme: &Theme, buffer: &mut Buffer) {
    if cells.heads.is_empty() || cells.layers.is_empty() {
        return;
    }
    let style = |is_chosen: bool| if is_chosen { theme.chrome.accent } else { theme.chrome.dim };
    let end = cells.x(cells.heads.end - 1) + cells.size.0;
    let columns = usize::from(cells.size.0);
    let digits = width(&cells.heads.end.to_string());
    let every = (digits + 1).div_ceil(columns.max(1));
    // The chosen one's number comes last, over the others where they are close.
    let numbered = cells.heads.clone().filter(|at| at.is_multiple_of(every) && at.abs_diff(head) >= every);
    for at in numbered.chain([head]) {
        let text = if at == head { format!("▾{at}") } else { at.to_string() };
        let text = if columns > width(&text) { center(&text, columns) } else { text };
        let x = cells.x(at).min(end.saturating_sub(width(&text) as u16)).max(cells.at.0);
        put(buffer, x, cells.at.1 - 1, &text, width(&text), style(at == head));
    }
    for at in cells.layers.clone() {
        let text = format!("{}{}", if at == layer { "▸" } else { " " }, right(&at.to_string(), 3));
        let y = cells.y(at) + (cells.size.1 - 1) / 2;
        put(buffer, cells.at.0 - LABEL, y, &text, usize::from(LABEL), style(at == layer));
    }
}

/// Fills a cell with its colour, or its glyph, and writes its value into it if there is room. Returns its style.
pub fn draw_cell(
    area: Rect,
    value: Option<f32>,
    (scale, sign): (Option<Scale>, Sign),
    theme: &Theme,
    buffer: &mut Buffer,
) -> Style {
    let columns = usize::from(area.width);
    let middle = area.y + (area.height - 1) / 2;
    let Some((value, scale)) = value.zip(scale) else {
        put(buffer, area.x, middle, &center("–", columns), columns, theme.chrome.masked);
        return theme.chrome.masked;
    };
    let (palette, level, text) = match sign {
        Sign::Above => (&theme.values, scale.level(value), number(value, area.width)),
        Sign::Both => (&theme.differences, scale.signed_level(value), signed(value, area.width)),
    };
    let style = palette.cell(level);
    let line = palette.glyph(level).unwrap_or(' ').to_string().repeat(columns);
    for y in area.top()..area.bottom() {
        put(buffer, area.x, y, &line, columns, style);
    }
    if let Some(number) = text.filter(|_| area.width > 3) {
        let free = area.width.saturating_sub(width(&number) as u16);
        put(buffer, area.x + free / 2, middle, &number, columns, style);
    }
    style
}

/// The chosen cell: a cross where there is no more room, and else all of its cell.
pub fn mark(area: Rect, has_focus: bool, style: Style, buffer: &mut Buffer) {
    if area.width == 1 {
        put(buffer, area.x, area.y, "+", 1, style.add_modifier(Modifier::BOLD));
        return;
    }
    let modifier = if has_focus { Modifier::REVERSED } else { Modifier::UNDERLINED };
    buffer.set_style(area.intersection(buffer.area), Style::new().add_modifier(modifier | Modifier::BOLD));
}
