//! The part of a pane's text that is on screen, and its token that is looked at.

use std::sync::Arc;

use super::cursor::Column;
use super::pane::Pane;
use super::text_viewport::TextViewport;
use crate::attention::text::TextLayout;
use crate::vocabulary::RowReading;

/// Lines around a place that is just off the screen.
const NEAR: usize = 3;

impl Pane {
    /// The token of the cursor's row: the one that was pointed to, where the row stands for several.
    pub fn token(&self) -> usize {
        let Some(shown) = &self.shown else { return 0 };
        let (bin, query) = (shown.matrix().bin(), self.cursor.query);
        if self.text.token / bin == query {
            return self.text.token;
        }
        ((query + 1) * bin).min(shown.capture.tokens.len()).saturating_sub(1)
    }

    /// The token that is marked in the text: the one that is read at the cursor's row, or that is predicted from it, which
    /// is not there after the last one.
    pub fn marked_token(&self, rows: RowReading) -> usize {
        self.token() + usize::from(rows == RowReading::Predicting)
    }

    /// The text in lines, as it is on screen; nothing before it was.
    pub(in crate::app) fn text_layout(&self) -> Option<Arc<TextLayout>> {
        let TextViewport { columns, hides_special, .. } = self.text.viewport;
        Some(self.shown.as_ref().filter(|_| columns > 0)?.text_layout(columns, hides_special))
    }

    /// The first line on screen where there is room for so many: what was moved last comes in sight, the marked token or
    /// else the cursor's key, and stays until one scrolls.
    pub fn text_scroll_in(&self, viewport: TextViewport) -> usize {
        let Some(shown) = &self.shown else { return 0 };
        let layout = shown.text_layout(viewport.columns, viewport.hides_special);
        let last = layout.count().saturating_sub(viewport.lines.max(1));
        let scroll = self.text.scroll.min(last);
        let marked = self.marked_token(viewport.rows);
        let token = match (self.text.revealed, self.cursor.column) {
            (Some(revealed), column) if revealed == (marked, column, viewport) => return scroll,
            (Some((before, _, there)), Column::Key(key)) if (before, there) == (marked, viewport) => {
                key * shown.matrix().bin()
            }
            _ => marked,
        };
        revealing(scroll, layout.place(token).0, viewport.lines).min(last)
    }

    /// Takes how a text is laid out.
    pub(in crate::app) fn fit_text(&mut self, viewport: TextViewport) {
        self.text.scroll = self.text_scroll_in(viewport);
        self.text.viewport = viewport;
        self.text.revealed = Some((self.marked_token(viewport.rows), self.cursor.column, viewport));
    }

    /// Scrolls the text by so many lines.
    pub(in crate::app) fn scroll_text_by(&mut self, lines: isize) {
        let count = self.text_layout().map_or(0, |layout| layout.count());
        let last = count.saturating_sub(self.text.viewport.lines.max(1));
        self.text.scroll = self.text.scroll.saturating_add_signed(lines).min(last);
    }
}

/// Moved so that a line is on screen: no further than needed where it is near, else with the line in the middle.
fn revealing(first: usize, line: usize, room: usize) -> usize {
    let (end, near) = (first + room, NEAR.min(room / 3));
    match line {
        line if line < first && first - line <= NEAR => line.saturating_sub(near),
        line if line >= end && line - end < NEAR => (line + 1 + near).saturating_sub(room),
        line if (first..end).contains(&line) => first,
        line => line.saturating_sub(room / 2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_comes_in_sight_and_no_further_than_needed() {
        assert_eq!([10, 15, 19].map(|line| revealing(10, line, 10)), [10; 3]);
        assert_eq!((revealing(10, 9, 10), revealing(10, 20, 10)), (6, 14));
        assert_eq!((revealing(10, 0, 10), revealing(10, 40, 10)), (0, 35));
        assert_eq!((revealing(0, 3, 1), revealing(5, 3, 0)), (3, 3));
    }
}
