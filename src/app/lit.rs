//! Which row and column of each pane the mouse lights.

use super::state::State;
use super::state::cursor::{Column, Cursor};
use super::state::hover::Hover;
use super::state::link;
use crate::app::state::side::Side;

impl State {
    /// The row and the column that the mouse lights in a pane: of the cell under it or the one that stands
    /// for the same text, or of the token of the prompt under it.
    pub fn lit(&self, side: Side) -> Option<Cursor> {
        let panes = &self.panes;
        let pane = panes.pane(side);
        let shown = pane.shown.as_ref()?;
        let lit = match self.hover? {
            Hover::Cell { side: here, cell } if here == side => cell,
            Hover::Cell { side: other, cell } => {
                panes.linked.then(|| link::same_place(panes.pane(other), cell, pane))??
            }
            Hover::Token { side: here, token } => {
                let from = panes.pane(here).shown.as_ref()?;
                let token = match here == side {
                    true => token,
                    false => panes.linked.then(|| link::same_token(from, token, shown))??,
                };
                Cursor { query: pane.cursor.query, column: Column::Key(token / shown.matrix().bin()) }
            }
            Hover::Text(byte) => self.at_byte(side, byte).or_else(|| {
                let other = self.at_byte(side.other(), byte).filter(|_| panes.linked)?;
                link::same_place(panes.pane(side.other()), other, pane)
            })?,
        };
        let size = shown.matrix().size();
        let is_there = match lit.column {
            Column::Sink => shown.matrix().sinks().is_some(),
            Column::Key(key) => key < size,
        };
        (lit.query < size && is_there).then_some(lit)
    }

    /// The row and the column of the token that covers a byte of the prompt, if a pane shows that prompt.
    fn at_byte(&self, side: Side, byte: usize) -> Option<Cursor> {
        let shown = self.panes.pane(side).shown.as_ref()?;
        // What was written is each model's own.
        let is_same = byte < self.run.prompt.len() || side == self.panes.focus;
        let is_it = !self.is_edited() && shown.prompt.starts_with(&self.run.prompt) && is_same;
        let token = shown.token_at(byte).filter(|_| is_it)?;
        let cell = token / shown.matrix().bin();
        Some(Cursor { query: cell, column: Column::Key(cell) })
    }
}
