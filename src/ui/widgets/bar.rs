//! Bars of text.

use ratatui::buffer::Buffer;
use ratatui::style::Style;

use super::text::put;
use crate::theme::Theme;

/// A line of `value` × `columns`, in halves of a column.
pub fn bar(value: f32, columns: usize) -> String {
    let halves = (value.clamp(0.0, 1.0) * columns as f32 * 2.0).round() as usize;
    format!("{}{}", "━".repeat(halves / 2), if halves % 2 == 1 { "╸" } else { "" })
}

/// A line from an axis in the middle of `columns`, to the left of it for values below 0: what stands before the axis, the
/// axis, and what stands behind it, all in `columns` together.
fn signed_bar(value: f32, columns: usize) -> [String; 3] {
    let half = columns.saturating_sub(1) / 2;
    let halves = (value.abs().clamp(0.0, 1.0) * half as f32 * 2.0).round() as usize;
    let (whole, is_odd) = (halves / 2, halves % 2 == 1);
    let axis = "│".to_owned();
    if value < 0.0 {
        let bar = format!("{}{}", if is_odd { "╺" } else { "" }, "━".repeat(whole));
        return [format!("{}{bar}", " ".repeat(half - whole - usize::from(is_odd))), axis, " ".repeat(half)];
    }
    let bar = format!("{}{}", "━".repeat(whole), if is_odd { "╸" } else { "" });
    [" ".repeat(half), axis, format!("{bar}{}", " ".repeat(half - whole - usize::from(is_odd)))]
}

/// Draws a [`signed_bar`] in the colour of its value.
pub fn put_signed_bar(buffer: &mut Buffer, (x, y): (u16, u16), level: f32, columns: usize, theme: &Theme) {
    // Small ones recede on a scale of colours, but are told apart from nothing.
    let colored = Style::new().fg(theme.differences.color(level.signum() * (0.4 + 0.6 * level.abs())));
    let [before, axis, behind] = signed_bar(level, columns);
    let x = put(buffer, x, y, &before, columns, colored);
    let x = put(buffer, x, y, &axis, 1, theme.chrome.border);
    put(buffer, x, y, &behind, columns, colored);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_grow_to_both_sides() {
        let line = |value| signed_bar(value, 5).concat();
        assert_eq!([1.0, 0.5, 0.25, 0.0].map(line), ["  │━━", "  │━ ", "  │╸ ", "  │  "]);
        assert_eq!([-1.0, -0.5, -0.25, -9.0].map(line), ["━━│  ", " ━│  ", " ╺│  ", "━━│  "]);
        assert_eq!([signed_bar(f32::NAN, 5).concat(), signed_bar(1.0, 0).concat()], ["  │  ", "│"]);
    }

    #[test]
    fn bars_grow_by_halves() {
        assert_eq!([0.0, 0.1, 0.25, 0.5, 1.0].map(|value| bar(value, 2)), ["", "", "╸", "━", "━━"]);
        assert_eq!(bar(f32::NAN, 4), "");
    }
}
