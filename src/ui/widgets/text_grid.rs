//! Where the lines of a text are on screen, and which token is under the mouse.

use std::sync::Arc;

use ratatui::layout::{Position, Rect};

use crate::app::TextViewport;
use crate::attention::text::TextLayout;

/// Where the lines of a text are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextGrid {
    /// The line above it, with what is said of the marked token; empty if there is no room.
    pub heading: Rect,
    /// The lines, without the margin before them.
    pub area: Rect,
    /// The text in lines.
    pub layout: Arc<TextLayout>,
    /// How it is laid out, and how many lines there is room for.
    pub viewport: TextViewport,
    /// The first line on screen.
    pub first: usize,
    /// Rows of the screen that a line takes.
    pub height: u16,
}

impl TextGrid {
    /// The lines on screen, each with its row of the screen.
    pub fn lines(&self) -> impl Iterator<Item = (usize, u16)> + '_ {
        let end = self.layout.count().min(self.first + self.viewport.lines);
        (self.first..end).map(|line| (line, self.area.y + (line - self.first) as u16 * self.height))
    }

    /// The token at a position of the screen, if there is one.
    pub fn hit(&self, at: Position) -> Option<usize> {
        if !self.area.contains(at) {
            return None;
        }
        let line = self.first + usize::from((at.y - self.area.y) / self.height.max(1));
        self.layout.token_at(line, usize::from(at.x - self.area.x))
    }
}
