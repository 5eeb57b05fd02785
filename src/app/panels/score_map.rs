//! The score map: a statistic of all heads of both models, a cell for each head; one head of each model is chosen.

use super::panel::{Panel, Reaction};
use super::panes::Panes;
use crate::app::action::Effect;
use crate::app::state::notes::NOTHING_SHOWN;
use crate::app::state::selection::Selection;
use crate::app::state::side::Side;
use crate::attention::{Statistic, View};
use crate::config::keys::Command;

/// A statistic of all heads of both models. The statistic stays while the map is closed.
#[derive(Debug, Clone, Default)]
pub struct ScoreMap {
    /// What cells show.
    pub statistic: Statistic,
    /// The head that is chosen, left and right, whether the model has it or not.
    chosen: [Selection; 2],
}

impl ScoreMap {
    /// Opens the map at the heads that the panes would go to. What failed is asked for once more.
    ///
    /// # Errors
    /// If no pane shows anything yet.
    pub(in crate::app) fn open(&mut self, panes: &mut Panes) -> Result<(), &'static str> {
        if panes.shown().next().is_none() {
            return Err(NOTHING_SHOWN);
        }
        self.chosen = panes.both.each_ref().map(|pane| pane.selection);
        panes.forget_failed_numbers();
        Ok(())
    }

    /// The head that is chosen on a side, of those that its model has; nothing if nothing is shown there.
    pub fn chosen(&self, panes: &Panes, side: Side) -> Option<View> {
        self.selection(panes, side).map(|chosen| chosen.view().attention())
    }

    fn selection(&self, panes: &Panes, side: Side) -> Option<Selection> {
        let model = &panes.pane(side).shown.as_ref()?.capture.model;
        Some(self.chosen[side.index()].within(model).moved_by(0, 0, model))
    }

    /// \[layers\]\[heads\]: the statistic of the heads of a side, where it is known and a head can have it; nothing if
    /// nothing is shown there.
    pub fn values(&self, panes: &Panes, side: Side) -> Option<Vec<Vec<Option<f32>>>> {
        let shown = panes.pane(side).shown.as_ref()?;
        let entries = panes.entries(shown);
        let values: Vec<Option<f32>> = entries.iter().map(|entry| entry.value(self.statistic)).collect();
        Some(values.chunks(shown.capture.model.heads.max(1)).map(<[_]>::to_vec).collect())
    }

    /// Chooses a head. The other side's goes along while the sides are linked.
    fn choose(&mut self, panes: &Panes, side: Side, chosen: Selection) {
        self.chosen[side.index()] = chosen;
        let other = side.other();
        if let Some(shown) = panes.pane(other).shown.as_ref().filter(|_| panes.linked) {
            let followed = self.chosen[other.index()].following(chosen, Some(&shown.capture.model));
            self.chosen[other.index()] = followed;
        }
    }

    /// Goes on to the next statistic that a model on screen has.
    fn next_statistic(&mut self, panes: &Panes) {
        let has_sinks = panes.shown().any(|shown| shown.capture.model.has_sinks);
        let is_there = |statistic: &Statistic| has_sinks || !statistic.needs_sinks();
        let mut after = Statistic::in_turn().cycle().skip_while(|it| *it != self.statistic).skip(1);
        self.statistic = after.find(is_there).unwrap_or_default();
    }
}

impl Panel for ScoreMap {
    fn command(&mut self, command: Command, panes: &mut Panes) -> Reaction {
        let side = panes.focus;
        match command {
            Command::Normalisation => self.next_statistic(panes),
            Command::Back | Command::ScoreMap => return Reaction::Closes(vec![]),
            _ => {
                let shown = panes.pane(side).shown.as_ref();
                let Some((shown, chosen)) = shown.zip(self.selection(panes, side)) else {
                    return Reaction::Passes;
                };
                if command == Command::Open {
                    return Reaction::ClosesToPanes(panes.go_to(side, chosen.view().attention()));
                }
                match chosen.moved(command, &shown.capture.model) {
                    Some(moved) => self.choose(panes, side, moved),
                    None => return Reaction::Passes,
                }
            }
        }
        Reaction::Stays(vec![])
    }

    fn head(&self, panes: &Panes) -> Option<(Side, View)> {
        self.chosen(panes, panes.focus).map(|head| (panes.focus, head))
    }

    /// A click chooses a head, and a click on the chosen one opens it.
    fn open_head(&mut self, (side, head): (Side, View), panes: &mut Panes) -> Reaction {
        if panes.focus == side && self.chosen(panes, side) == Some(head) {
            return Reaction::ClosesToPanes(panes.go_to(side, head));
        }
        panes.focus = side;
        if let Some(chosen) = self.selection(panes, side) {
            self.choose(panes, side, chosen.at(head));
        }
        Reaction::Stays(vec![])
    }

    fn scroll(&mut self, side: Side, (rows, columns): (isize, isize), panes: &Panes) {
        let shown = panes.pane(side).shown.as_ref();
        if let Some((shown, chosen)) = shown.zip(self.selection(panes, side)) {
            self.choose(panes, side, chosen.moved_by(rows, columns, &shown.capture.model));
        }
    }

    fn refresh(&mut self, panes: &mut Panes) -> Vec<Effect> {
        panes.ask_for(self.statistic)
    }

    fn retry(&mut self, panes: &mut Panes) -> bool {
        panes.forget_failed_numbers()
    }
}
