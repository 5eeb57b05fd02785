//! Areas that are cut off others.

use ratatui::layout::Rect;

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
