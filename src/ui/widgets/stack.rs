//! Stacked bars: what a row is made of, in shares that sum to 1.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::text::put;
use crate::theme::{ColorDepth, Theme};

/// Steps of a cell, along a bar.
const STEPS: usize = 8;
/// A cell of a standing bar that is filled so far from below.
const FROM_BELOW: [&str; STEPS + 1] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
/// A cell of a lying bar that is filled so far from the left.
const FROM_LEFT: [&str; STEPS + 1] = [" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"];
/// What parts are drawn as where there are no colours.
const SIGNS: [&str; 4] = ["░", "▒", "▓", "█"];

/// The sign of a part beside its name.
pub fn sign(part: usize, theme: &Theme) -> &'static str {
    if theme.depth == ColorDepth::None { pattern(part) } else { "■" }
}

/// Of more parts than there are patterns, those after the second take turns.
fn pattern(part: usize) -> &'static str {
    SIGNS[if part < SIGNS.len() { part } else { 2 + part % 2 }]
}

/// A standing bar in an area, its first part at the bottom. `styles` are those of the parts.
pub fn standing(shares: &[f32], styles: &[Style], area: Rect, theme: &Theme, buffer: &mut Buffer) {
    let cells = cells(shares, usize::from(area.height));
    for (y, cell) in (area.top()..area.bottom()).rev().zip(cells) {
        let (glyph, style) = cell.draw(&FROM_BELOW, styles, theme);
        put(buffer, area.x, y, &glyph.repeat(area.width.into()), area.width.into(), style);
    }
}

/// A lying bar in a line, its first part at the left. `styles` are those of the parts.
pub fn lying(shares: &[f32], styles: &[Style], line: Rect, theme: &Theme, buffer: &mut Buffer) {
    for (x, cell) in (line.left()..line.right()).zip(cells(shares, usize::from(line.width))) {
        let (glyph, style) = cell.draw(&FROM_LEFT, styles, theme);
        put(buffer, x, line.y, glyph, 1, style);
    }
}

/// A cell of a bar: a part up to so many steps, and another one after them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cell {
    first: usize,
    steps: usize,
    rest: usize,
}

impl Cell {
    fn draw(
        self,
        glyphs: &[&'static str; STEPS + 1],
        styles: &[Style],
        theme: &Theme,
    ) -> (&'static str, Style) {
        let style = |part: usize| styles.get(part).copied().unwrap_or_default();
        if theme.depth == ColorDepth::None {
            let part = if self.steps * 2 >= STEPS { self.first } else { self.rest };
            return (pattern(part), style(part));
        }
        match (style(self.first).fg, style(self.rest).fg) {
            (Some(front), Some(back)) => (glyphs[self.steps], Style::new().fg(front).bg(back)),
            _ => (glyphs[self.steps], style(self.first)),
        }
    }
}

/// The cells of a bar of so many, from its beginning on. A cell shows two parts at most: the first one in it, and the one
/// that has most of the rest.
fn cells(shares: &[f32], count: usize) -> Vec<Cell> {
    let all = (count * STEPS) as f32;
    let mut end = 0.0;
    let place = |share: &f32| {
        end += share;
        ((end * all).round() as usize).min(count * STEPS)
    };
    let ends: Vec<usize> = shares.iter().map(place).collect();
    let part_at = |step: usize| ends.iter().position(|end| step < *end).unwrap_or(shares.len() - 1);
    let cell = |at: usize| {
        let parts: [usize; STEPS] = std::array::from_fn(|step| part_at(at * STEPS + step));
        let first = parts[0];
        let steps = parts.iter().filter(|part| **part == first).count();
        let most = |part: &usize| parts.iter().filter(|other| *other == part).count();
        let others = parts.iter().copied().filter(|part| *part != first);
        let rest = others.max_by_key(|part| (most(part), *part)).unwrap_or(first);
        Cell { first, steps, rest: if steps == STEPS { first } else { rest } }
    };
    (0..count).map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_fill_a_bar_in_their_order() {
        let whole = |part| Cell { first: part, steps: STEPS, rest: part };
        assert_eq!(cells(&[0.25, 0.25, 0.25, 0.25], 4), [0, 1, 2, 3].map(whole));
        assert_eq!(cells(&[0.0, 0.0, 1.0, 0.0], 2), [2, 2].map(whole));
        assert_eq!(cells(&[0.5, 0.25, 0.0, 0.25], 1), [Cell { first: 0, steps: 4, rest: 3 }]);
        assert_eq!(cells(&[0.1, 0.0, 0.0, 0.9], 2)[0], Cell { first: 0, steps: 2, rest: 3 });
        assert_eq!(cells(&[0.0; 4], 1), [whole(3)], "nothing is all of the last part");
    }
}
