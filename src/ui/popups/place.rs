//! Where the parts of a popup are, and how an entry of its list is written.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::Span;

use crate::app::Found;
use crate::theme::Theme;
use crate::ui::widgets::text::{fit, put, width};

/// Columns of the mark before the chosen row.
pub const MARK: u16 = 2;

/// Where the parts of a popup go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PopupLayout {
    /// With its border.
    pub frame: Rect,
    /// The line that is typed into, its mark included.
    pub line: Rect,
    /// The list.
    pub list: Rect,
    /// The rows of the list that are on screen.
    pub rows: Range<usize>,
    /// The headings of the list; empty without any, and if there is no room.
    pub heading: Rect,
    /// What is said of the chosen row, or how an export stands; empty if nothing is, and if there is no room.
    pub detail: Rect,
}

impl PopupLayout {
    /// The row of the list that is at a position.
    pub fn row(&self, at: Position) -> Option<usize> {
        let row = || self.rows.start + usize::from(at.y - self.list.y);
        self.list.contains(at).then(row).filter(|row| self.rows.contains(row))
    }
}

/// A part of an entry's text that starts at its grapheme `start`, cut to `room` columns, what was typed of it
/// marked. Returns the column after it.
pub fn put_found(
    buffer: &mut Buffer,
    (mut x, y): (u16, u16),
    (text, start): (&str, usize),
    found: &Found,
    room: usize,
    style: Style,
    theme: &Theme,
) -> u16 {
    // Underlined as well: colours may be all alike.
    let marked = theme.chrome.accent.add_modifier(Modifier::UNDERLINED);
    let fitted = fit(text, room);
    let shown: Vec<_> = Span::raw(fitted.as_str())
        .styled_graphemes(Style::new())
        .map(|grapheme| grapheme.symbol.to_owned())
        .collect();
    for (at, symbol) in shown.iter().enumerate() {
        let is_marked = symbol != "…" && found.match_indices.binary_search(&((start + at) as u32)).is_ok();
        x = put(buffer, x, y, symbol, width(symbol), if is_marked { marked } else { style });
    }
    x
}
