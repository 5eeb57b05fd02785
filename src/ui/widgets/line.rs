//! A line of text that is edited: as much of it as there is room for, the place where one types on screen.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::Span;
use tui_input::Input;

use super::text::{put, width};
use crate::attention::text::{is_sign, sign};
use crate::theme::Theme;

/// Draws the line into the first row of `area`, reversed if all of it is selected. Returns where the terminal's cursor
/// goes.
pub fn draw(input: &Input, is_selected: bool, area: Rect, theme: &Theme, buffer: &mut Buffer) -> Position {
    let room = usize::from(area.width).max(1);
    let at = input.value().char_indices().nth(input.cursor()).map_or(input.value().len(), |(byte, _)| byte);
    let before = end(&input.value()[..at], room);
    let value = [before, start(&input.value()[at..], room)].concat();
    let (shown, column) = (on_one_line(&value), width(&on_one_line(before)));
    let skip = (column + 1).saturating_sub(room);
    let (mut x, mut skipped) = (area.x, 0);
    for grapheme in Span::raw(shown.as_str()).styled_graphemes(Style::new()) {
        let columns = width(grapheme.symbol);
        if skipped < skip {
            skipped += columns;
            continue;
        }
        if usize::from(x - area.x) + columns > room {
            break;
        }
        let style = if is_sign(grapheme.symbol) { theme.chrome.dim } else { theme.chrome.text };
        let style = if is_selected { style.add_modifier(Modifier::REVERSED) } else { style };
        x = put(buffer, x, area.y, grapheme.symbol, columns, style);
    }
    let column = column.saturating_sub(skipped) as u16;
    Position::new((area.x + column).min(area.right().saturating_sub(1)), area.y)
}

/// Characters that fill a column, at most, with all that combine with them: more are not looked at.
const PER_COLUMN: usize = 16;

/// As much of a text's end as can fill so many columns, and more.
pub fn end(text: &str, columns: usize) -> &str {
    let characters = (columns + 1).saturating_mul(PER_COLUMN);
    text.char_indices().rev().nth(characters).map_or(text, |(byte, _)| &text[byte..])
}

/// As much of a text's start as can fill so many columns, and more.
fn start(text: &str, columns: usize) -> &str {
    let characters = (columns + 1).saturating_mul(PER_COLUMN);
    text.char_indices().nth(characters).map_or(text, |(byte, _)| &text[..byte])
}

/// A sign for each character: control characters have some of one column, and what hides or reorders text is `�`.
pub fn on_one_line(text: &str) -> String {
    text.chars().map(sign).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hides_in_a_line() {
        let hidden = "a\u{34f}b\u{202e}c\u{e0041}\u{1b}\n";
        assert_eq!(on_one_line(hidden), "a�b�c��⏎");
        let family = "👩\u{200d}👧 می\u{200c}خواهم";
        assert_eq!(on_one_line(family), family);
    }
}
