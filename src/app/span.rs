//! A span of tokens, marked at its two ends: the viewer sums what is given to it.

use std::ops::Range;

use super::update::NOTHING_SHOWN;
use super::{Column, Shown, State, link};
use crate::config::keys::Command;
use crate::worker::protocol::Side;

/// Tokens that are taken together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Their cells, along both axes of a matrix.
    pub cells: Range<usize>,
    /// Whether the other end is still to be marked.
    pub is_open: bool,
}

impl Span {
    /// Its first and its last token: `write…story`.
    pub fn name(&self, shown: &Shown) -> String {
        shown.passage(self.cells.clone())
    }
}

/// Marks the token of the cursor's key, or of its query where it is on the sink: one end of a span, then the
/// other. The third time takes the span away. The other side's span covers the same text.
pub(super) fn mark(state: &mut State) {
    let focus = state.focus;
    let pane = state.pane(focus);
    let Some(shown) = &pane.shown else {
        state.note = Some(NOTHING_SHOWN.to_owned());
        return;
    };
    let at = match pane.cursor.column {
        Column::Key(key) => key,
        Column::Sink => pane.cursor.query,
    };
    let span = match &pane.span {
        None => Some(Span { cells: at..at + 1, is_open: true }),
        Some(Span { cells, is_open: true }) => {
            Some(Span { cells: cells.start.min(at)..cells.end.max(at + 1), is_open: false })
        }
        Some(_) => None,
    };
    let note = span.as_ref().filter(|span| span.is_open).map(|span| {
        let key = |command| state.keys.hint(command);
        let name = span.name(shown);
        format!(
            "span from {name}: {} at its other end, {} clears",
            key(Command::MarkSpan),
            key(Command::Back)
        )
    });
    let other = state.pane(focus.other()).shown.as_ref().zip(span.as_ref()).and_then(|(to, span)| {
        let cells = link::same_cells(shown, &span.cells, to)?;
        Some(Span { cells, is_open: span.is_open })
    });
    state.note = note;
    state.pane_mut(focus).span = span;
    state.pane_mut(focus.other()).span = other;
}

/// Takes the span away; false if there is none.
pub(super) fn clear(state: &mut State) -> bool {
    let spans = Side::BOTH.map(|side| state.pane_mut(side).span.take());
    spans.iter().any(Option::is_some)
}
