//! All heads of both models in one list: sorted by a number, filtered, one of them chosen.

use std::sync::Arc;

use super::selection::step;
use super::update::NOTHING_SHOWN;
use super::{Effect, Mode, Scores, State, scores};
use crate::attention::similar::Similarities;
use crate::attention::{Capture, HeadEntry, HeadFilter, HeadOrder, LayerKind, View};
use crate::config::keys::Command;
use crate::worker::protocol::{Request, Side, SimilarJob};

/// Heads that a page goes up or down.
const PAGE: isize = 10;

/// A head that others are compared to, and what came of it.
#[derive(Debug, Clone)]
pub struct Likeness {
    /// Whose.
    pub side: Side,
    /// Which.
    pub head: View,
    /// Of the prompt that was asked for last: nothing yet, or each head's likeness, or why there is none.
    pub found: Option<Result<[Option<Similarities>; 2], String>>,
    /// The captures that were asked for last.
    asked: Option<[Option<Arc<Capture>>; 2]>,
}

/// How the list is sorted and filtered, and which head is chosen.
#[derive(Debug, Clone, Default)]
pub struct Leaderboard {
    /// What comes first.
    pub order: HeadOrder,
    /// What is left out.
    pub filter: HeadFilter,
    /// The head that others are compared to, if one is.
    pub like: Option<Likeness>,
    /// The number of the chosen head in the list.
    pub row: usize,
}

/// A head in the list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ListedHead {
    /// Whose.
    pub side: Side,
    /// Which, and what is known of it.
    pub entry: HeadEntry,
}

impl State {
    /// The heads that are listed, the first one first.
    pub fn listed_heads(&self) -> Vec<ListedHead> {
        let board = &self.leaderboard;
        let found = board.like.as_ref().and_then(|like| like.found.as_ref()?.as_ref().ok());
        let mut listed = Vec::new();
        for side in Side::BOTH {
            let pane = self.pane(side);
            let Some(shown) = &pane.shown else { continue };
            let alike = found.and_then(|found| found[side.index()].as_ref());
            let scores = self.scores_of(shown);
            for mut entry in HeadEntry::all(&shown.capture) {
                entry.similarity = alike.and_then(|alike| alike.get(entry.layer)?.get(entry.head).copied());
                if let Some(Scores::Known(scores)) = scores {
                    entry.repeated = scores.get(entry.layer).and_then(|layer| layer.get(entry.head)).copied();
                }
                if board.filter.takes(&entry) {
                    listed.push(ListedHead { side, entry });
                }
            }
        }
        board.order.sort(&mut listed, |head| &head.entry);
        listed
    }

    /// Whether something that the list shows is under way.
    pub(super) fn awaits_heads(&self) -> bool {
        let compares = self.leaderboard.like.as_ref();
        compares.is_some_and(|like| like.asked.is_some() && like.found.is_none())
            || Side::BOTH.into_iter().any(|side| self.resident(side).scores.is_running())
    }
}

impl Leaderboard {
    /// The orders one can go to: likeness only if there is a head to be like.
    fn orders(&self) -> impl Iterator<Item = HeadOrder> + '_ {
        HeadOrder::all().filter(|order| *order != HeadOrder::Similarity || self.like.is_some())
    }

    fn order_by(&mut self, by: isize) {
        let orders: Vec<HeadOrder> = self.orders().collect();
        let at = orders.iter().position(|order| *order == self.order).unwrap_or(0);
        (self.order, self.row) = (orders[step(at, by, orders.len())], 0);
    }
}

/// Opens the list.
pub(super) fn open(state: &mut State) {
    if state.panes.iter().all(|pane| pane.shown.is_none()) {
        state.note = Some(NOTHING_SHOWN.to_owned());
        return;
    }
    state.mode = Mode::Leaderboard;
    forget_failed(state);
}

/// What failed is asked for once more; whether there is any.
fn forget_failed(state: &mut State) -> bool {
    let mut failed = false;
    for side in Side::BOTH {
        failed |= state.resident_mut(side).scores.forget_failed();
    }
    failed
}

/// Lists all heads by how like they are to that which the focused pane shows.
pub(super) fn open_like_shown(state: &mut State) {
    let shown = state.focused().shown.as_ref();
    match shown.map(|shown| shown.view().attention()).filter(|view| view.head().is_some()) {
        Some(head) => {
            open(state);
            like(state, state.focus, head);
        }
        None => state.note = Some("go to a head first: then the heads like it are listed".to_owned()),
    }
}

fn like(state: &mut State, side: Side, head: View) {
    let board = &mut state.leaderboard;
    board.like = Some(Likeness { side, head, found: None, asked: None });
    (board.order, board.row) = (HeadOrder::Similarity, 0);
}

/// What a command does to the list; `None` if it is none of its commands.
pub(super) fn command(state: &mut State, command: Command) -> Option<Option<ListedHead>> {
    let listed = state.listed_heads();
    let board = &mut state.leaderboard;
    let rows = |by: isize| step(board.row, by, listed.len());
    match command {
        Command::CursorUp => board.row = rows(-1),
        Command::CursorDown => board.row = rows(1),
        Command::PageUp => board.row = rows(-PAGE),
        Command::PageDown => board.row = rows(PAGE),
        Command::RowStart => board.row = 0,
        Command::RowEnd => board.row = rows(isize::MAX),
        Command::CursorLeft => board.order_by(-1),
        Command::CursorRight => board.order_by(1),
        Command::LayerKinds => {
            let kind = match board.filter.kind {
                None => Some(LayerKind::Sliding),
                Some(LayerKind::Sliding) => Some(LayerKind::Full),
                Some(LayerKind::Full) => None,
            };
            (board.filter.kind, board.row) = (kind, 0);
        }
        Command::KvGroup => {
            let groups = state.panes.iter().filter_map(|pane| pane.shown.as_ref());
            let groups = groups.map(|shown| shown.capture.model.kv_heads).max().unwrap_or(0);
            let next = board.filter.group.map_or(0, |group| group + 1);
            (board.filter.group, board.row) = ((next < groups).then_some(next), 0);
        }
        Command::SimilarHeads => {
            if let Some(ListedHead { side, entry }) = listed.get(board.row) {
                like(state, *side, entry.view());
            }
        }
        Command::Open => {
            state.mode = Mode::Browse;
            return Some(listed.get(board.row).copied());
        }
        Command::Back | Command::Leaderboard => state.mode = Mode::Browse,
        _ => return None,
    }
    Some(None)
}

/// Scores that failed are asked for again, while the list is open; whether there are any.
pub(super) fn retry(state: &mut State) -> bool {
    state.mode == Mode::Leaderboard && forget_failed(state)
}

/// Asks for what the open list shows and nobody has asked for yet; keeps the chosen row inside.
pub(super) fn refresh(state: &mut State) -> Vec<Effect> {
    if state.mode != Mode::Leaderboard {
        return vec![];
    }
    let last = state.listed_heads().len().saturating_sub(1);
    state.leaderboard.row = state.leaderboard.row.min(last);
    let mut effects = scores::ask(state);
    effects.extend(ask_for_likeness(state).map(Effect::Send));
    effects
}

/// Compares heads anew if there are other captures than those that were compared. Only what has read the same
/// text is compared.
fn ask_for_likeness(state: &mut State) -> Option<Request> {
    let like = state.leaderboard.like.as_ref()?;
    let (side, head) = (like.side, like.head);
    let prompt = &state.pane(side).shown.as_ref()?.prompt;
    let captures = state.panes.each_ref().map(|pane| {
        let shown = pane.shown.as_ref().filter(|shown| shown.prompt == *prompt);
        shown.map(|shown| shown.capture.clone())
    });
    let like = state.leaderboard.like.as_mut()?;
    if like.asked.as_ref().is_some_and(|asked| are_same(asked, &captures)) {
        return None;
    }
    (like.asked, like.found) = (Some(captures.clone()), None);
    Some(Request::Similar(SimilarJob { captures, of: side.index(), head }))
}

/// Takes what was found of captures, unless something else was asked for since.
pub(super) fn found(
    state: &mut State,
    question: &SimilarJob,
    found: Result<[Option<Similarities>; 2], String>,
) {
    let is_asked = |like: &&mut Likeness| {
        let asked = like.asked.as_ref();
        (like.side.index(), like.head) == (question.of, question.head)
            && asked.is_some_and(|asked| are_same(asked, &question.captures))
    };
    if let Some(like) = state.leaderboard.like.as_mut().filter(is_asked) {
        like.found = Some(found);
    }
}

fn are_same(a: &[Option<Arc<Capture>>; 2], b: &[Option<Arc<Capture>>; 2]) -> bool {
    a.iter().zip(b).all(|pair| match pair {
        (Some(a), Some(b)) => Arc::ptr_eq(a, b),
        (None, None) => true,
        _ => false,
    })
}
