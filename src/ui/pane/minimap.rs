//! Where the part of a matrix that is on screen lies: the outline of the triangle in dots, and that part
//! filled.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::theme::Theme;
use crate::ui::widgets::grid::Grid;
use crate::ui::widgets::text::{center, put};

/// Dots of a character, and of a braille character which bit is which.
const DOTS: (usize, usize) = (2, 4);
const BITS: [[u32; DOTS.0]; DOTS.1] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
/// What braille characters start with.
const BRAILLE: u32 = 0x2800;

/// At the end of a strip of thumbnails: as square as they are, and a blank after it.
pub fn place(strip: Rect) -> Rect {
    if strip.height < 3 {
        return Rect::default();
    }
    let width = ((strip.height - 2) * 2 + 1).min(strip.width);
    Rect { x: strip.right() - width, y: strip.y + 1, width, height: strip.height - 1 }
}

/// Draws the triangle and the part of it that `grid` shows.
pub fn draw(grid: &Grid, area: Rect, theme: &Theme, buffer: &mut Buffer) {
    if area.width < 2 || area.height < 2 {
        return;
    }
    let (columns, rows) = (usize::from(area.width) - 1, usize::from(area.height) - 1);
    put(buffer, area.x, area.y, &center("map", columns), columns, theme.chrome.dim);
    let (across, down) = (columns * DOTS.0, rows * DOTS.1);
    let (keys, queries) = (dots(grid.keys(), grid.size, across), dots(grid.rows(), grid.size, down));
    let is_part = |x: usize, y: usize| keys.contains(&x) && queries.contains(&y);
    // The outline keeps away from the part, which would be lost in it where there are no colours.
    let is_near = |x: usize, y: usize| {
        let reaches = |part: &Range<usize>, at: usize| (part.start..part.end + 2).contains(&(at + 1));
        reaches(&keys, x) && reaches(&queries, y)
    };
    let is_outline =
        |x: usize, y: usize| !is_near(x, y) && (x == 0 || y == down - 1 || x * down / across == y);
    for row in 0..rows {
        for column in 0..columns {
            let (mut bits, mut filled) = (0, false);
            for (dy, dx) in (0..DOTS.1).flat_map(|dy| (0..DOTS.0).map(move |dx| (dy, dx))) {
                let (x, y) = (column * DOTS.0 + dx, row * DOTS.1 + dy);
                filled |= is_part(x, y);
                if is_part(x, y) || is_outline(x, y) {
                    bits |= BITS[dy][dx];
                }
            }
            let style = if filled { theme.chrome.accent } else { theme.chrome.dim };
            let glyph = char::from_u32(BRAILLE + bits).filter(|_| bits > 0).unwrap_or(' ');
            let (x, y) = (area.x + column as u16, area.y + 1 + row as u16);
            put(buffer, x, y, glyph.encode_utf8(&mut [0; 4]), 1, style);
        }
    }
}

/// The dots that stand for some of `size` cells, two at least.
fn dots(cells: Range<usize>, size: usize, dots: usize) -> Range<usize> {
    let size = size.max(1);
    let first = (cells.start * dots / size).min(dots.saturating_sub(2));
    first..(cells.end * dots).div_ceil(size).max(first + 2).min(dots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_as_large_as_it_is_in_the_whole_and_never_nothing() {
        assert_eq!(dots(0..100, 100, 16), 0..16);
        assert_eq!(dots(50..100, 100, 16), 8..16);
        assert_eq!(dots(0..1, 1000, 16), 0..2);
        assert_eq!(dots(999..1000, 1000, 16), 14..16);
        assert_eq!(dots(0..0, 0, 16), 0..2);
    }
}
