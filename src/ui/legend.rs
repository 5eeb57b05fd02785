//! The colour scale with its numbers, always on screen, and the rules that are on.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::text::{fit, put, width};
use crate::app::State;
use crate::theme::Theme;

/// Columns of the scale.
const SCALE: u16 = 24;

/// Draws `0 ▇▇▇▇ 0.676` and what it means.
pub fn draw(state: &State, area: Rect, theme: &Theme, buffer: &mut Buffer) {
    if area.height == 0 || state.panes.iter().all(|pane| pane.shown.is_none()) {
        return;
    }
    let chrome = &theme.chrome;
    let mut x = put(buffer, area.x + 1, area.y, "0 ", 2, chrome.text);
    let columns = SCALE.min(area.width / 3);
    for column in 0..columns {
        let level = f32::from(column) / f32::from(columns.max(2) - 1);
        let glyph = theme.glyph(level).unwrap_or(' ');
        x = put(buffer, x, area.y, glyph.encode_utf8(&mut [0; 4]), 1, theme.cell(level));
    }
    x = put(buffer, x, area.y, &format!(" {:.3}", state.max()), 8, chrome.text);
    let rules = ["raw attention", "linear, one scale for both sides", "· the future, masked"];
    for rule in rules {
        let room = usize::from(area.right().saturating_sub(x + 1));
        let text = format!("   {rule}");
        if width(&text) > room {
            break;
        }
        x = put(buffer, x, area.y, &fit(&text, room), room, chrome.dim);
    }
}
