//! What every panel can do.

use super::panes::Panes;
use crate::app::action::Effect;
use crate::app::state::cursor::Column;
use crate::app::state::side::Side;
use crate::attention::View;
use crate::config::keys::Command;

/// What a panel does about a command.
#[must_use]
#[derive(Debug)]
pub enum Reaction {
    /// It did what there was to do, and stays.
    Stays(Vec<Effect>),
    /// It did what there was to do, and gives way to what was there before it.
    Closes(Vec<Effect>),
    /// It did what there was to do, and gives way to both panes.
    ClosesToPanes(Vec<Effect>),
    /// It can't do it: why.
    Refuses(&'static str),
    /// The command is none of its own. If it is about a view or a cursor, the panel gives way to the panes.
    Passes,
}

/// A panel in the place of both panes. Everything but [`command`](Self::command) and [`head`](Self::head) has a
/// default: a panel that asks the worker for nothing and does not scroll needs no more.
pub trait Panel {
    /// Takes a command of the key table, before anything else does.
    fn command(&mut self, command: Command, panes: &mut Panes) -> Reaction;

    /// The head that stands for what commands about a head mean, if there is one: a side, and a view of its model.
    fn head(&self, panes: &Panes) -> Option<(Side, View)>;

    /// Goes to a head that was clicked.
    fn open_head(&mut self, (side, head): (Side, View), panes: &mut Panes) -> Reaction {
        Reaction::Closes(panes.go_to(side, head))
    }

    /// Chooses a cell that was clicked: a row, and a column.
    fn choose(&mut self, (side, _row, _column): (Side, usize, Column), panes: &mut Panes) -> Reaction {
        panes.focus = side;
        Reaction::Stays(vec![])
    }

    /// Goes to the head that stands for it, and closes where there is none.
    fn open_chosen(&mut self, panes: &mut Panes) -> Reaction {
        match self.head(panes) {
            Some(head) => self.open_head(head, panes),
            None => Reaction::Closes(vec![]),
        }
    }

    /// Turns to the other pane, which keys go to now.
    ///
    /// # Errors
    /// If there is nothing to show of it: the panel is closed then.
    fn refocus(&mut self, _panes: &Panes) -> Result<(), &'static str> {
        Ok(())
    }

    /// Scrolls by so many rows and columns, as the wheel does.
    fn scroll(&mut self, _side: Side, (_rows, _columns): (isize, isize), _panes: &Panes) {}

    /// Brings it to what the panes show now, and asks for what is missing. Called after every action.
    fn refresh(&mut self, _panes: &mut Panes) -> Vec<Effect> {
        vec![]
    }

    /// Asks for what failed once more; whether there is any.
    fn retry(&mut self, _panes: &mut Panes) -> bool {
        false
    }

    /// Whether something that it shows is under way.
    fn is_busy(&self) -> bool {
        false
    }

    /// What the worker is to forget when the panel is closed.
    fn close(&mut self) -> Vec<Effect> {
        vec![]
    }
}
