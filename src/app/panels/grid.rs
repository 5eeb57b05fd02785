//! All heads of the focused model as small pictures, one of which is chosen.

use super::panel::{Panel, Reaction};
use super::panes::Panes;
use crate::app::state::notes::NOTHING_SHOWN;
use crate::app::state::selection::Selection;
use crate::app::state::side::Side;
use crate::attention::View;
use crate::config::keys::Command;

/// All heads of the focused model as small pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadGrid {
    /// The head that is chosen.
    pub chosen: Selection,
}

impl HeadGrid {
    /// Chooses the head that the focused pane would go to.
    ///
    /// # Errors
    /// If the focused pane shows nothing yet.
    pub(in crate::app) fn open(panes: &Panes) -> Result<Self, &'static str> {
        let pane = panes.focused();
        let shown = pane.shown.as_ref().ok_or(NOTHING_SHOWN)?;
        Ok(Self { chosen: pane.selection.moved_by(0, 0, &shown.capture.model) })
    }
}

impl Panel for HeadGrid {
    fn command(&mut self, command: Command, panes: &mut Panes) -> Reaction {
        let Some(shown) = &panes.focused().shown else { return Reaction::Closes(vec![]) };
        let model = &shown.capture.model;
        let chosen = self.chosen.within(model);
        if let Some(chosen) = chosen.moved(command, model) {
            self.chosen = chosen;
            return Reaction::Stays(vec![]);
        }
        match command {
            Command::ValueWeighted => {
                let selection = panes.focused().selection;
                let changed = selection.changed(command, None);
                let effects = changed.map(|changed| panes.select(panes.focus, changed)).unwrap_or_default();
                let is_value_weighted = panes.focused().selection.is_value_weighted;
                self.chosen = Selection { is_value_weighted, ..chosen };
                Reaction::Stays(effects)
            }
            Command::Open => Reaction::Closes(panes.select(panes.focus, chosen)),
            Command::Back | Command::HeadGrid => Reaction::Closes(vec![]),
            _ => Reaction::Passes,
        }
    }

    fn head(&self, panes: &Panes) -> Option<(Side, View)> {
        Some((panes.focus, self.chosen.view()))
    }

    fn refocus(&mut self, panes: &Panes) -> Result<(), &'static str> {
        *self = Self::open(panes)?;
        Ok(())
    }

    fn scroll(&mut self, side: Side, (rows, columns): (isize, isize), panes: &Panes) {
        if let Some(shown) = &panes.pane(side).shown {
            self.chosen = self.chosen.moved_by(rows, columns, &shown.capture.model);
        }
    }
}
