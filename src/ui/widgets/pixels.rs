//! Pixels: two rows of them in one row of the screen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::text::put;
use crate::app::Scale;
use crate::attention::CausalMatrix;
use crate::theme::{Palette, Theme};

/// Two rows of pixels in each row of `area`.
pub fn draw_pixels(matrix: &CausalMatrix, scale: Scale, area: Rect, theme: &Theme, buffer: &mut Buffer) {
    let room = usize::from(area.width.min(area.height * 2));
    let size = matrix.size();
    if size == 0 || room == 0 {
        return;
    }
    // Small matrices are drawn larger by whole numbers, large ones pooled by their maximum.
    let (zoom, bin) = if size <= room { (room / size, 1) } else { (1, size.div_ceil(room)) };
    let pixels = size.div_ceil(bin) * zoom;
    let left = area.x + (usize::from(area.width).saturating_sub(pixels) / 2) as u16;
    let level = |x: usize, y: usize| {
        let (query, key) = (y / zoom * bin, x / zoom * bin);
        let queries = query..(query + bin).min(size);
        let cells = queries.flat_map(|query| matrix.row(query).iter().skip(key).take(bin));
        let in_range = y < pixels && key < query + bin;
        in_range.then(|| scale.level(cells.copied().fold(0.0, f32::max)))
    };
    for y in 0..pixels.div_ceil(2) {
        for x in 0..pixels {
            let levels = (level(x, 2 * y), level(x, 2 * y + 1));
            put_pixel(buffer, (left + x as u16, area.y + y as u16), levels, &theme.values);
        }
    }
}

/// Writes two pixels, one above the other, into a cell.
pub fn put_pixel(
    buffer: &mut Buffer,
    at: (u16, u16),
    (upper, lower): (Option<f32>, Option<f32>),
    palette: &Palette,
) {
    // There are thousands in a frame: nothing of them is measured as text is.
    if let Some(cell) = buffer.cell_mut(at) {
        let (glyph, style) = pixel(upper, lower, palette);
        cell.set_char(glyph).set_style(style);
    }
}

/// Two pixels, one above the other, as a character.
pub fn pixel(upper: Option<f32>, lower: Option<f32>, palette: &Palette) -> (char, Style) {
    let further = match (upper, lower) {
        (None, None) => return (' ', Style::new()),
        (Some(a), Some(b)) if a.abs() >= b.abs() => a,
        (a, b) => b.or(a).unwrap_or(0.0),
    };
    if let Some(glyph) = palette.glyph(further) {
        return (if glyph == ' ' { '·' } else { glyph }, Style::new());
    }
    match (upper, lower) {
        (Some(a), Some(b)) => ('▀', Style::new().fg(palette.color(a)).bg(palette.color(b))),
        (Some(a), None) => ('▀', Style::new().fg(palette.color(a))),
        (None, b) => ('▄', Style::new().fg(palette.color(b.unwrap_or(0.0)))),
    }
}

/// Marks the place of a picture that is still being computed.
pub fn draw_awaited(area: Rect, theme: &Theme, buffer: &mut Buffer) {
    put(buffer, area.x + area.width / 2, area.y + area.height / 2, "…", 1, theme.chrome.dim);
}
