//! Push: what each part of both models adds to the logit of a next token, after the cursor's token.

use std::sync::Arc;

use super::panel::{Panel, Reaction};
use super::panes::Panes;
use crate::app::action::Effect;
use crate::app::state::cursor::{Column, Cursor};
use crate::app::state::notes::NOTHING_SHOWN;
use crate::app::state::pane::Pane;
use crate::app::state::side::Side;
use crate::app::state::step::{row_after, step};
use crate::attention::push::{HeadPush, Part, Push};
use crate::attention::{Capture, NO_OUTPUT_HEAD, View};
use crate::config::keys::Command;
use crate::worker::protocol::{Asker, PushJob, Request, Slot, WorkerError};

/// How the answer to the newest question stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushStage {
    /// Nothing was heard of it yet.
    Waiting,
    /// It is there.
    Known,
    /// It failed: what, where, what to do.
    Failed(WorkerError),
}

/// Push on a pane: what is asked of its model, and what is known.
#[derive(Debug, Clone)]
pub struct PushPanel {
    /// What was asked last; nothing if there is nobody to ask.
    question: PushJob,
    /// The state of the answer to the newest question.
    pub stage: PushStage,
    /// The newest answer about this capture, which may be to an older question.
    pub push: Option<Arc<Push>>,
    /// The place of the chosen part among all, or of the chosen key among those of a head.
    pub row: usize,
    /// The head whose keys are listed in place of the parts, and the row that it had.
    pub inside: Option<(Part, usize)>,
}

impl PushPanel {
    /// The pass that the pane shows.
    pub fn capture(&self) -> &Arc<Capture> {
        &self.question.capture
    }

    /// The index of the token that the next one is predicted after.
    pub fn query(&self) -> usize {
        self.question.query
    }

    /// The ids of the next token that is told apart, and of the one whose logit is taken off; nothing of those that the model
    /// chooses.
    pub fn logit_tokens(&self) -> (Option<u32>, Option<u32>) {
        (self.question.target, self.question.versus)
    }

    /// The part that is chosen, whether its keys are listed or not.
    pub fn part(&self) -> Option<Part> {
        let parts = self.push.as_ref()?.parts();
        self.inside.map(|(part, _)| part).or_else(|| Some(parts.get(self.row)?.0))
    }

    /// What the chosen head adds, if a head is chosen.
    pub fn head(&self) -> Option<&HeadPush> {
        match self.part()? {
            Part::Head { layer, head } => self.push.as_ref()?.head(layer, head),
            _ => None,
        }
    }

    /// Rows that are listed: parts, or keys of a head.
    fn rows(&self) -> usize {
        match (self.inside, &self.push) {
            (Some(_), _) => self.head().map_or(0, |head| head.keys.len()),
            (None, Some(push)) => push.parts().len(),
            (None, None) => 0,
        }
    }

    fn awaits(&self) -> bool {
        self.stage == PushStage::Waiting
    }

    /// Chooses the next token that is listed so many places further, as the one that is told apart.
    fn choose(&mut self, by: isize) -> Option<()> {
        let push = self.push.as_ref()?;
        let place = |id: u32| push.next.iter().position(|next| next.token.id == id);
        let at = self.question.target.and_then(place).unwrap_or(0);
        let chosen = push.next.get(step(at, by, push.next.len()))?.token.id;
        self.question.target = Some(chosen);
        self.question.versus = self.question.versus.filter(|versus| *versus != chosen);
        Some(())
    }

    /// Takes the logit of the next token off that is listed after the one whose logit was, or none after the last.
    fn contrast(&mut self) -> Option<()> {
        let push = self.push.as_ref()?;
        let own = self.question.target.or(push.next.first().map(|next| next.token.id));
        let mut others = push.next.iter().map(|next| next.token.id).filter(|id| Some(*id) != own);
        self.question.versus = match self.question.versus {
            None => others.next(),
            Some(versus) => others.skip_while(|id| *id != versus).nth(1),
        };
        Some(())
    }
}

/// Push on both panes.
#[derive(Debug, Clone, Default)]
pub struct Pushes {
    /// Left and right; nothing where a pane shows nothing.
    pub panes: [Option<PushPanel>; 2],
    /// What was sent last, left and right.
    sent: [Option<PushJob>; 2],
}

impl Pushes {
    /// Looks at what the panes show.
    ///
    /// # Errors
    /// If no pane shows anything yet.
    pub(in crate::app) fn open(panes: &Panes) -> Result<Self, &'static str> {
        if panes.shown().next().is_some() { Ok(Self::default()) } else { Err(NOTHING_SHOWN) }
    }

    /// Asks for what a pane shows now, unless that was asked last.
    fn ask(&mut self, side: Side, panes: &Panes) -> Option<Effect> {
        let (capture, query) = looked_at(panes.pane(side))?;
        let runs =
            |slot: &Slot| panes.resident(*slot).model.as_ref().is_some_and(|model| *model == capture.model);
        let slot = [side, side.other()].map(Side::slot).into_iter().find(runs);
        let place = &mut self.panes[side.index()];
        let is_here = |panel: &&mut PushPanel| {
            Arc::ptr_eq(&panel.question.capture, &capture) && panel.question.query == query
        };
        let Some(panel) = place.as_mut().filter(is_here) else {
            // The same token without some heads is asked about the same next tokens.
            let same = |old: &&PushPanel| old.query() == query && old.capture().tokens == capture.tokens;
            let (target, versus) = match place.as_ref().filter(same) {
                Some(old) => (old.question.target, old.question.versus),
                None => (chosen(panes.pane(side), &capture, query), None),
            };
            let (asker, slot_of) = (Asker(side.index()), slot.unwrap_or(side.slot()));
            let capture = capture.clone();
            let question = PushJob { asker, slot: slot_of, capture: capture.clone(), query, target, versus };
            let old = place.take().filter(|old| Arc::ptr_eq(old.capture(), &capture));
            let (push, row) =
                old.map_or((None, 0), |old| (old.push, old.inside.map_or(old.row, |(_, row)| row)));
            *place = Some(PushPanel { question, stage: PushStage::Waiting, push, row, inside: None });
            return self.send(side, slot);
        };
        let is_new = self.sent[side.index()].as_ref().is_none_or(|sent| !sent.is(&panel.question));
        if is_new { self.send(side, slot) } else { None }
    }

    /// Takes the next token that is marked in a pane for the one whose logit is asked about, where it is one of the last token's.
    pub(in crate::app) fn follow(&mut self, side: Side, panes: &Panes) {
        let Some(panel) = &mut self.panes[side.index()] else { return };
        let marked = chosen(panes.pane(side), &panel.question.capture, panel.question.query);
        if marked.is_some() && marked != panel.question.target {
            panel.question.target = marked;
            panel.question.versus = panel.question.versus.filter(|versus| Some(*versus) != marked);
        }
    }

    /// Sends what a pane asks, if there is somebody to ask.
    fn send(&mut self, side: Side, slot: Option<Slot>) -> Option<Effect> {
        let panel = self.panes[side.index()].as_mut()?;
        self.sent[side.index()] = Some(panel.question.clone());
        let model = &panel.question.capture.model;
        let refusal = match slot {
            _ if !model.has_output_head => {
                Some(WorkerError::Refused(format!("{}: {NO_OUTPUT_HEAD}: it predicts nothing", model.name)))
            }
            None => Some(WorkerError::ModelGone(model.name.clone())),
            Some(_) => None,
        };
        if let Some(refusal) = refusal {
            panel.stage = PushStage::Failed(refusal);
            return None;
        }
        panel.stage = PushStage::Waiting;
        Some(Effect::Send(Request::Push(panel.question.clone())))
    }

    /// Takes an answer, unless something else was asked since.
    pub(in crate::app) fn found(&mut self, question: &PushJob, found: Result<Arc<Push>, WorkerError>) {
        let asked_by = self.panes.get_mut(question.asker.0).and_then(Option::as_mut);
        let Some(panel) = asked_by.filter(|panel| panel.question.is(question)) else { return };
        match found {
            Ok(push) => {
                (panel.push, panel.stage) = (Some(push), PushStage::Known);
                panel.row = panel.row.min(panel.rows().saturating_sub(1));
            }
            Err(error) => panel.stage = PushStage::Failed(error),
        }
    }

    fn focused(&mut self, panes: &Panes) -> Option<&mut PushPanel> {
        self.panes[panes.focus.index()].as_mut()
    }

    /// Lists the keys of the chosen head; among these, goes to the head in the panes, at the chosen key.
    fn go_deeper(&mut self, panes: &mut Panes) -> Reaction {
        let Some(panel) = self.focused(panes) else { return Reaction::Stays(vec![]) };
        let Some(part) = panel.part() else { return Reaction::Stays(vec![]) };
        let Some(head) = panel.head() else {
            return Reaction::Refuses("only heads push through keys: choose one");
        };
        if panel.inside.is_none() {
            (panel.inside, panel.row) = (Some((part, panel.row)), 0);
            return Reaction::Stays(vec![]);
        }
        let key = head.ranked_keys().get(panel.row).map(|(key, _)| *key);
        let Some(view) = part.view() else { return Reaction::Stays(vec![]) };
        let effects = panes.go_to(panes.focus, view);
        let pane = panes.focused();
        let bin = pane.shown.as_ref().map_or(1, |shown| shown.matrix().bin());
        let column = key.map_or(pane.cursor.column, |key| Column::Key(key / bin));
        panes.point(panes.focus, Cursor { column, ..pane.cursor });
        Reaction::ClosesToPanes(effects)
    }
}

impl Panel for Pushes {
    fn command(&mut self, command: Command, panes: &mut Panes) -> Reaction {
        let by = match command {
            Command::CursorLeft => -1,
            Command::CursorRight => 1,
            Command::Open => return self.go_deeper(panes),
            Command::Push => return Reaction::Closes(vec![]),
            Command::Back => {
                let left = self.focused(panes).and_then(|panel| {
                    let (_, row) = panel.inside.take()?;
                    panel.row = row;
                    Some(())
                });
                return left.map_or(Reaction::Closes(vec![]), |()| Reaction::Stays(vec![]));
            }
            Command::LikelierToken | Command::UnlikelierToken => {
                let by = if command == Command::LikelierToken { -1 } else { 1 };
                self.focused(panes).and_then(|panel| panel.choose(by));
                return Reaction::Stays(vec![]);
            }
            Command::Contrast => {
                self.focused(panes).and_then(PushPanel::contrast);
                return Reaction::Stays(vec![]);
            }
            _ => {
                let Some(panel) = self.focused(panes) else { return Reaction::Passes };
                let Some(row) = row_after(command, panel.row, panel.rows()) else { return Reaction::Passes };
                panel.row = row;
                return Reaction::Stays(vec![]);
            }
        };
        let pane = panes.focused();
        if let Some(shown) = &pane.shown {
            let query = step(pane.cursor.query, by, shown.matrix().size());
            panes.point(panes.focus, Cursor { query, ..pane.cursor });
        }
        Reaction::Stays(vec![])
    }

    fn head(&self, panes: &Panes) -> Option<(Side, View)> {
        let panel = self.panes[panes.focus.index()].as_ref()?;
        Some((panes.focus, panel.part()?.view()?))
    }

    fn open_head(&mut self, (side, head): (Side, View), panes: &mut Panes) -> Reaction {
        Reaction::ClosesToPanes(panes.go_to(side, head))
    }

    fn scroll(&mut self, side: Side, (rows, _): (isize, isize), _: &Panes) {
        if let Some(panel) = &mut self.panes[side.index()] {
            panel.row = step(panel.row, rows, panel.rows());
        }
    }

    fn refresh(&mut self, panes: &mut Panes) -> Vec<Effect> {
        Side::BOTH.into_iter().filter_map(|side| self.ask(side, panes)).collect()
    }

    fn retry(&mut self, _: &mut Panes) -> bool {
        let mut any = false;
        for (panel, sent) in self.panes.iter().zip(&mut self.sent) {
            if panel.as_ref().is_some_and(|panel| matches!(panel.stage, PushStage::Failed(_))) {
                (*sent, any) = (None, true);
            }
        }
        any
    }

    fn is_busy(&self) -> bool {
        self.panes.iter().flatten().any(PushPanel::awaits)
    }
}

/// What a pane shows, and the token of its cursor.
fn looked_at(pane: &Pane) -> Option<(Arc<Capture>, usize)> {
    let shown = pane.shown.as_ref()?;
    Some((shown.capture.clone(), pane.token()))
}

/// The next token that is marked in a pane, after its last token.
fn chosen(pane: &Pane, capture: &Capture, query: usize) -> Option<u32> {
    let is_last = query + 1 == capture.tokens.len();
    let marked = pane.chosen.filter(|_| is_last)?;
    Some(capture.next.get(marked)?.token.id)
}
