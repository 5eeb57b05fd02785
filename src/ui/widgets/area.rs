//! Areas that are cut off others, and the box around one.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::{Block, BorderType};

/// The box that everything stands in.
pub fn boxed<'a>(border: Style) -> Block<'a> {
    Block::bordered().border_type(BorderType::Rounded).border_style(border)
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
