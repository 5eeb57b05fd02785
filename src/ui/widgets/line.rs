//! A line of text that is edited: as much of it as there is room for, the place where one types on screen.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::Span;
use tui_input::Input;

use super::text::{put, width};
use crate::attention::text::{is_sign, sign};
use crate::theme::Theme;

/// Draws the line into the first row of `area`, reversed if all of it is selected; `…` stands for what has no room at an end.
/// Returns where the terminal's cursor goes.
pub fn draw(input: &Input, is_selected: bool, area: Rect, theme: &Theme, buffer: &mut Buffer) -> Position {
    let room = usize::from(area.width).max(1);
    let at = input.value().char_indices().nth(input.cursor()).map_or(input.value().len(), |(byte, _)| byte);
    let before = end(&input.value()[..at], room);
    let value = [before, start(&input.value()[at..], room)].concat();
    let (shown, column) = (on_one_line(&value), width(&on_one_line(before)));
    let total = width(&shown);
    // The place where one types, and what stands for the rest behind it.
    let skip = (column + 1 + usize::from(total > column + 1)).saturating_sub(room);
    let (mut x, mut skipped, first) = (area.x, 0, usize::from(skip > 0));
    if skip > 0 {
        x = put(buffer, x, area.y, "…", 1, theme.chrome.dim);
    }
    for grapheme in Span::raw(shown.as_str()).styled_graphemes(Style::new()) {
        let columns = width(grapheme.symbol);
        if skipped < skip + first {
            skipped += columns;
            continue;
        }
        let taken = usize::from(x - area.x) + columns;
        if taken > room || taken == room && total > skip + room {
            put(buffer, x, area.y, "…", 1, theme.chrome.dim);
            break;
        }
        let style = if is_sign(grapheme.symbol) { theme.chrome.dim } else { theme.chrome.text };
        let style = if is_selected { style.add_modifier(Modifier::REVERSED) } else { style };
        x = put(buffer, x, area.y, grapheme.symbol, columns, style);
    }
    let column = (column.saturating_sub(skipped) + first) as u16;
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
    use crate::vocabulary::{Background, ColorDepth, ColorMap};

    /// The line in so many columns, with the place where one types after so many characters, and where that is.
    fn line(text: &str, at: usize, room: u16) -> (String, u16) {
        let area = Rect::new(0, 0, room, 1);
        let mut buffer = Buffer::empty(area);
        let input = Input::new(text.to_owned()).with_cursor(at);
        let theme = Theme::new(ColorMap::default(), ColorDepth::None, Background::Dark);
        let cursor = draw(&input, false, area, &theme, &mut buffer);
        ((0..room).map(|x| buffer[(x, 0)].symbol()).collect(), cursor.x)
    }

    #[test]
    fn what_has_no_room_has_a_sign() {
        assert_eq!(line("abcdefgh", 8, 9), ("abcdefgh ".to_owned(), 8));
        assert_eq!(line("abcdefgh", 8, 6), ("…efgh ".to_owned(), 5));
        assert_eq!(line("abcdefgh", 0, 6), ("abcde…".to_owned(), 0));
        assert_eq!(line("abcdefgh", 5, 6), ("…cdef…".to_owned(), 4));
        assert_eq!(line("abcdefgh", 7, 6), ("…defgh".to_owned(), 5));
    }

    #[test]
    fn nothing_hides_in_a_line() {
        let hidden = "a\u{34f}b\u{202e}c\u{e0041}\u{1b}\n";
        assert_eq!(on_one_line(hidden), "a�b�c��⏎");
        let family = "👩\u{200d}👧 می\u{200c}خواهم";
        assert_eq!(on_one_line(family), family);
    }
}
