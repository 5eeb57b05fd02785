//! All heads of both models in one list: sorted by a number, filtered, one of them chosen.

use std::sync::Arc;

use super::panel::{Panel, Reaction};
use super::panes::Panes;
use crate::app::action::Effect;
use crate::app::state::notes::NOTHING_SHOWN;
use crate::app::state::scores::Scores;
use crate::app::state::side::Side;
use crate::app::state::step::{row_after, step};
use crate::attention::ablation::Swept;
use crate::attention::push::Push;
use crate::attention::similar::Similarities;
use crate::attention::{Capture, HeadEntry, HeadFilter, HeadOrder, LayerKind, ScoresByHead, View};
use crate::config::keys::Command;
use crate::worker::protocol::{Asker, PushJob, Request, SimilarJob, Slot, WorkerError};

/// The captures of both panes, as far as they show one.
type Captures = [Option<Arc<Capture>>; 2];

/// Each head's similarity to another head, left and right.
type Found = Arc<[Option<Similarities>; 2]>;

/// A head that others are compared to, and what came of it.
#[derive(Debug, Clone)]
pub struct Similarity {
    /// The side of its model.
    pub side: Side,
    /// The head.
    pub head: View,
    /// Each head's similarity to it on the newest prompt, or why there is none; nothing until that is known.
    pub found: Option<Result<Found, WorkerError>>,
    /// The captures that were asked for last.
    asked: Option<Captures>,
}

/// A head in the list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ListedHead {
    /// The side of its model.
    pub side: Side,
    /// The head, and what is known of it.
    pub entry: HeadEntry,
}

/// How the list is sorted and filtered, and which head is chosen. It stays so while the list is closed.
#[derive(Debug, Clone, Default)]
pub struct HeadList {
    /// The number that the list is sorted by.
    pub order: HeadOrder,
    /// The heads that are left out.
    pub filter: HeadFilter,
    /// The head that others are compared to, if one is.
    pub similarity: Option<Similarity>,
    /// The index of the chosen head in the list.
    pub row: usize,
    /// What was asked last of what heads add to a logit, left and right, and what came of it.
    pushes: [Option<AskedPush>; 2],
    /// The list, and what it was made of.
    rows: Option<(Key, Vec<ListedHead>)>,
}

/// A question of what heads add to the logit of the likeliest next token.
#[derive(Debug, Clone)]
struct AskedPush {
    question: PushJob,
    /// Nothing until it is known; nothing either where it can't be said.
    found: Option<Arc<Push>>,
}

/// What a list is made of.
#[derive(Debug, Clone)]
struct Key {
    captures: Captures,
    scores: [Option<Arc<ScoresByHead>>; 2],
    swept: [Option<Arc<Swept>>; 2],
    pushes: [Option<Arc<Push>>; 2],
    similarity: Option<Found>,
    order: HeadOrder,
    filter: HeadFilter,
}

impl Key {
    fn is(&self, other: &Self) -> bool {
        are_same(&self.captures, &other.captures)
            && are_same(&self.scores, &other.scores)
            && are_same(&self.swept, &other.swept)
            && are_same(&self.pushes, &other.pushes)
            && are_same(std::slice::from_ref(&self.similarity), std::slice::from_ref(&other.similarity))
            && (self.order, self.filter) == (other.order, other.filter)
    }

    /// The heads that are listed, the first one first.
    fn list(&self, panes: &Panes) -> Vec<ListedHead> {
        let mut listed = Vec::new();
        for side in Side::BOTH {
            let Some(shown) = &panes.pane(side).shown else { continue };
            let similarities = self.similarity.as_ref().and_then(|found| found[side.index()].as_ref());
            let push = self.pushes[side.index()].as_deref();
            for mut entry in panes.entries(shown) {
                let similarity = similarities.and_then(|all| all.get(entry.layer)?.get(entry.head));
                entry.similarity = similarity.copied();
                entry = push.map_or(entry, |push| entry.pushing(push));
                if self.filter.takes(&entry) {
                    listed.push(ListedHead { side, entry });
                }
            }
        }
        self.order.sort(&mut listed, |head| &head.entry);
        listed
    }
}

impl HeadList {
    /// Opens the list: what failed is asked for once more.
    ///
    /// # Errors
    /// If no pane shows anything yet.
    pub(in crate::app) fn open(&mut self, panes: &mut Panes) -> Result<(), &'static str> {
        if panes.shown().next().is_none() {
            return Err(NOTHING_SHOWN);
        }
        self.retry(panes);
        Ok(())
    }

    /// Opens the list of all heads by their similarity to the one that the focused pane shows.
    ///
    /// # Errors
    /// If it shows none.
    pub(in crate::app) fn open_similar(&mut self, panes: &mut Panes) -> Result<(), &'static str> {
        let shown = panes.focused().shown.as_ref().map(|shown| shown.view().attention());
        let head = shown.filter(|view| view.head().is_some());
        let head = head.ok_or("go to a head first: then the heads like it are listed")?;
        self.open(panes)?;
        self.compare_to(panes.focus, head);
        Ok(())
    }

    /// The heads that are listed, the first one first.
    pub fn rows(&self) -> &[ListedHead] {
        self.rows.as_ref().map_or(&[], |(_, rows)| rows)
    }

    /// Whether heads are being compared.
    pub(in crate::app) fn is_comparing(&self) -> bool {
        self.similarity.as_ref().is_some_and(|to| to.asked.is_some() && to.found.is_none())
    }

    fn compare_to(&mut self, side: Side, head: View) {
        self.similarity = Some(Similarity { side, head, found: None, asked: None });
        (self.order, self.row) = (HeadOrder::Similarity, 0);
    }

    /// Sorts by another number: by similarity only if there is a head to be similar to.
    fn order_by(&mut self, by: isize) {
        let is_there = |order: &HeadOrder| *order != HeadOrder::Similarity || self.similarity.is_some();
        let orders: Vec<HeadOrder> = HeadOrder::all().filter(is_there).collect();
        let at = orders.iter().position(|order| *order == self.order).unwrap_or(0);
        (self.order, self.row) = (orders[step(at, by, orders.len())], 0);
    }

    fn filter_by(&mut self, filter: HeadFilter) {
        (self.filter, self.row) = (filter, 0);
    }

    /// Makes the list anew if it is made of something else now.
    fn sort(&mut self, panes: &Panes) {
        let scores = panes.both.each_ref().map(|pane| match panes.scores_of(pane.shown.as_ref()?)? {
            Scores::Known(scores) => Some(scores.clone()),
            _ => None,
        });
        let found = self.similarity.as_ref().and_then(|to| to.found.as_ref()?.as_ref().ok());
        let (order, filter, captures) = (self.order, self.filter, captures(panes, |_| true));
        let swept = panes.both.each_ref().map(|pane| pane.shown.as_ref()?.swept().cloned());
        let of_pane = |(asked, capture): (&Option<AskedPush>, &Option<Arc<Capture>>)| {
            let asked = asked.as_ref().zip(capture.as_ref());
            asked.filter(|(asked, capture)| Arc::ptr_eq(&asked.question.capture, capture))?.0.found.clone()
        };
        let pushes = [0, 1].map(|at| of_pane((&self.pushes[at], &captures[at])));
        let key = Key { captures, scores, swept, pushes, similarity: found.cloned(), order, filter };
        if !self.rows.as_ref().is_some_and(|(made_of, _)| made_of.is(&key)) {
            let rows = key.list(panes);
            self.rows = Some((key, rows));
        }
        self.row = self.row.min(self.rows().len().saturating_sub(1));
    }

    /// Asks what the heads of a pane add to the logit of the likeliest next token, where that is not known.
    fn ask_for_push(&mut self, side: Side, panes: &Panes) -> Option<Request> {
        let capture = &panes.pane(side).shown.as_ref()?.capture;
        let place = &mut self.pushes[side.index()];
        if place.as_ref().is_some_and(|asked| Arc::ptr_eq(&asked.question.capture, capture)) {
            return None;
        }
        let runs =
            |slot: &Slot| panes.resident(*slot).model.as_ref().is_some_and(|model| *model == capture.model);
        let slot = [side, side.other()].map(Side::slot).into_iter().find(runs)?;
        let query = capture.tokens.len().checked_sub(1).filter(|_| capture.model.has_output_head)?;
        let (asker, capture) = (Asker(side.index()), capture.clone());
        let question = PushJob { asker, slot, capture, query, target: None, versus: None };
        *place = Some(AskedPush { question: question.clone(), found: None });
        Some(Request::Push(question))
    }

    /// Takes what the heads of a pane add to a logit, unless something else was asked since.
    pub(in crate::app) fn pushed(&mut self, question: &PushJob, found: Result<Arc<Push>, WorkerError>) {
        let asked = self.pushes.get_mut(question.asker.0).and_then(Option::as_mut);
        if let Some(asked) = asked.filter(|asked| asked.question.is(question)) {
            asked.found = found.ok();
        }
    }

    /// Compares heads anew if there are other captures than those that were compared. Only what has read the same
    /// text is compared.
    fn ask(&mut self, panes: &Panes) -> Option<Request> {
        let to = self.similarity.as_mut()?;
        let (side, head) = (to.side, to.head);
        let text = panes.pane(side).shown.as_ref()?.text();
        let captures = captures(panes, |of| of == text);
        if to.asked.as_ref().is_some_and(|asked| are_same(asked, &captures)) {
            return None;
        }
        (to.asked, to.found) = (Some(captures.clone()), None);
        Some(Request::Similar(SimilarJob { captures, of: side.index(), head }))
    }

    /// Takes what was found of captures, unless something else was asked for since.
    pub(in crate::app) fn found(
        &mut self,
        question: &SimilarJob,
        found: Result<[Option<Similarities>; 2], WorkerError>,
    ) {
        let is_asked = |to: &&mut Similarity| {
            (to.side.index(), to.head) == (question.of, question.head)
                && to.asked.as_ref().is_some_and(|asked| are_same(asked, &question.captures))
        };
        if let Some(to) = self.similarity.as_mut().filter(is_asked) {
            to.found = Some(found.map(Arc::new));
        }
    }
}

impl Panel for HeadList {
    fn command(&mut self, command: Command, panes: &mut Panes) -> Reaction {
        let count = self.rows().len();
        if let Some(row) = row_after(command, self.row, count) {
            self.row = row;
            return Reaction::Stays(vec![]);
        }
        match command {
            Command::CursorLeft => self.order_by(-1),
            Command::CursorRight => self.order_by(1),
            Command::LayerKinds => {
                let kind = match self.filter.kind {
                    None => Some(LayerKind::Sliding),
                    Some(LayerKind::Sliding) => Some(LayerKind::Full),
                    Some(LayerKind::Full) => None,
                };
                self.filter_by(HeadFilter { kind, ..self.filter });
            }
            Command::KvGroup => {
                let groups = panes.shown().map(|shown| shown.capture.model.kv_heads).max().unwrap_or(0);
                let next = self.filter.group.map_or(0, |group| group + 1);
                self.filter_by(HeadFilter { group: (next < groups).then_some(next), ..self.filter });
            }
            Command::SimilarHeads => {
                if let Some((side, head)) = self.head(panes) {
                    self.compare_to(side, head);
                }
            }
            Command::Open => return self.open_chosen(panes),
            Command::Back | Command::Leaderboard => return Reaction::Closes(vec![]),
            _ => return Reaction::Passes,
        }
        Reaction::Stays(vec![])
    }

    fn head(&self, _: &Panes) -> Option<(Side, View)> {
        self.rows().get(self.row).map(|head| (head.side, head.entry.view()))
    }

    /// A head is looked at by itself: a comparison of both panes gives way to it.
    fn open_head(&mut self, (side, head): (Side, View), panes: &mut Panes) -> Reaction {
        Reaction::ClosesToPanes(panes.go_to(side, head))
    }

    fn scroll(&mut self, _: Side, (rows, _): (isize, isize), _: &Panes) {
        self.row = self.row.saturating_add_signed(rows);
    }

    fn refresh(&mut self, panes: &mut Panes) -> Vec<Effect> {
        self.sort(panes);
        let mut effects = panes.ask_for_scores();
        if let HeadOrder::By(statistic) = self.order {
            effects.extend(panes.ask_for(statistic));
        }
        let pushes = Side::BOTH.into_iter().filter_map(|side| self.ask_for_push(side, panes));
        effects.extend(pushes.map(Effect::Send));
        effects.extend(self.ask(panes).map(Effect::Send));
        effects
    }

    fn retry(&mut self, panes: &mut Panes) -> bool {
        panes.forget_failed_numbers()
    }

    /// No capture is kept for what it asked.
    fn close(&mut self) -> Vec<Effect> {
        self.pushes = [None, None];
        vec![]
    }
}

/// What both panes show of the texts that `takes` takes.
fn captures(panes: &Panes, takes: impl Fn(&str) -> bool) -> Captures {
    panes.both.each_ref().map(|pane| {
        let shown = pane.shown.as_ref().filter(|shown| takes(shown.text()));
        shown.map(|shown| shown.capture.clone())
    })
}

/// Whether these are the very same things, not only equal ones.
fn are_same<T>(a: &[Option<Arc<T>>], b: &[Option<Arc<T>>]) -> bool {
    a.iter().zip(b).all(|pair| match pair {
        (Some(a), Some(b)) => Arc::ptr_eq(a, b),
        (None, None) => true,
        _ => false,
    })
}
