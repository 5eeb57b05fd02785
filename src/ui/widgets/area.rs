//! Areas that are cut off others, and the box around one.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::{Block, BorderType};

use super::text::{fit_ends, put, width};
use crate::theme::Theme;

/// The box that everything stands in.
pub fn boxed<'a>(border: Style) -> Block<'a> {
    Block::bordered().border_type(BorderType::Rounded).border_style(border)
}

/// Writes into the lower border of a box: the first of texts that say the same in fewer and fewer words for which there is room,
/// or the beginning and the end of the last; and at the right how many rows of a list are not on screen.
pub fn put_under(
    frame: Rect,
    (texts, style): (&[String], Style),
    more: &str,
    theme: &Theme,
    buffer: &mut Buffer,
) {
    let columns = usize::from(frame.width.saturating_sub(2));
    let (y, right) = (frame.bottom().saturating_sub(1), width(more).min(columns));
    put(buffer, frame.right().saturating_sub(1 + right as u16), y, more, right, theme.chrome.dim);
    let room = columns - right;
    let mut texts = texts.iter().filter(|text| !text.is_empty()).map(|text| format!(" {text} "));
    let fitting = texts.clone().find(|text| width(text) <= room);
    let text = fitting.or_else(|| Some(fit_ends(&texts.next_back()?, room))).unwrap_or_default();
    put(buffer, frame.x + 1, y, &text, room, style);
}

/// Cuts up to so many rows off the top of an area.
pub fn take_top(rest: &mut Rect, height: u16) -> Rect {
    let height = height.min(rest.height);
    let taken = Rect { height, ..*rest };
    *rest = Rect { y: rest.y + height, height: rest.height - height, ..*rest };
    taken
}

/// Cuts up to so many rows off the bottom of an area.
pub fn take_bottom(rest: &mut Rect, height: u16) -> Rect {
    let height = height.min(rest.height);
    rest.height -= height;
    Rect { y: rest.y + rest.height, height, ..*rest }
}

/// A line without its first and last column.
pub fn inset(line: Rect) -> Rect {
    Rect { x: line.x + 1, width: line.width.saturating_sub(2), ..line }
}
