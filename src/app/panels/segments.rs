//! The segments of the prompt: how much each of them looks at each, in the view of the panes.

use std::sync::Arc;

use super::panel::{Panel, Reaction};
use super::panes::Panes;
use crate::app::action::Effect;
use crate::app::state::cursor::{Column, Cursor};
use crate::app::state::notes::NOTHING_SHOWN;
use crate::app::state::side::Side;
use crate::app::state::step::step;
use crate::attention::segments::{Cut, NamedSpans};
use crate::attention::{Capture, SegmentRule, View};
use crate::config::keys::Command;
use crate::worker::protocol::{Asker, Request, SegmentsFound, SegmentsJob, WorkerError};

/// Rows that a page goes up or down.
const PAGE: isize = 8;

/// What the cells show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SegmentCells {
    /// The share that the queries of a segment give to another.
    #[default]
    Shares,
    /// How many times what is expected by length that is.
    Ratios,
    /// What is expected by length.
    Expected,
}

/// How the answer to the newest question stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SegmentStage {
    /// It is asked for.
    Waiting,
    /// It is there.
    Known,
    /// It failed: what, where, what to do.
    Failed(WorkerError),
}

/// The segments of a side.
#[derive(Debug, Clone)]
pub struct SegmentSide {
    /// The pass that the pane shows.
    pub capture: Arc<Capture>,
    /// The view that is asked for.
    pub view: View,
    /// How the answer stands.
    pub stage: SegmentStage,
    /// The newest answer about this capture, which may be of another view.
    pub found: Option<Arc<SegmentsFound>>,
    cut: Cut,
}

/// The segments of both sides. What they are cut by, and what cells show, stays while the panel is closed.
#[derive(Debug, Clone, Default)]
pub struct SegmentMap {
    /// What cells show.
    pub cells: SegmentCells,
    /// Left and right; nothing where a pane shows nothing.
    pub sides: [Option<SegmentSide>; 2],
    cut: Cut,
    /// What a file names, if one was given.
    named: Option<Arc<NamedSpans>>,
    /// The row and the column that are chosen; at first the last row and the first column.
    chosen: [Option<(usize, Column)>; 2],
}

impl SegmentMap {
    /// Cut in this way at first.
    pub fn new(cut: Cut) -> Self {
        let named = if let Cut::Named(spans) = &cut { Some(spans.clone()) } else { None };
        Self { cut, named, ..Self::default() }
    }

    /// Looks at what the panes show.
    ///
    /// # Errors
    /// If no pane shows anything yet.
    pub(in crate::app) fn open(panes: &Panes) -> Result<(), &'static str> {
        if panes.shown().next().is_some() { Ok(()) } else { Err(NOTHING_SHOWN) }
    }

    /// What the prompt is cut by.
    pub fn cut(&self) -> &Cut {
        &self.cut
    }

    /// The rule that it is cut by; the automatic one where a file says it.
    pub fn rule(&self) -> SegmentRule {
        if let Cut::Rule(rule) = self.cut { rule } else { SegmentRule::Auto }
    }

    /// What the prompt is cut by: `sentences`.
    pub fn cut_by(&self) -> &'static str {
        match &self.cut {
            Cut::Rule(rule) => rule.name(),
            Cut::Named(_) => "a file",
        }
    }

    /// What is found of a side.
    pub fn found_of(&self, side: Side) -> Option<&Arc<SegmentsFound>> {
        self.sides[side.index()].as_ref()?.found.as_ref()
    }

    /// The segment that looks and the column it looks at that are chosen on a side; nothing before they are known.
    pub fn chosen(&self, side: Side) -> Option<(usize, Column)> {
        let shares = &self.found_of(side)?.shares;
        let last = shares.rows.len().checked_sub(1)?;
        let (row, column) = self.chosen[side.index()].unwrap_or((last, Column::Key(0)));
        let column = match column {
            Column::Sink if !shares.has_sinks => Column::Key(0),
            Column::Key(key) => Column::Key(key.min(last)),
            Column::Sink => Column::Sink,
        };
        Some((row.min(last), column))
    }

    /// Takes an answer, unless something else was asked since.
    pub(in crate::app) fn found(
        &mut self,
        question: &SegmentsJob,
        found: Result<Arc<SegmentsFound>, WorkerError>,
    ) {
        let Some(side) = self.sides.get_mut(question.asker.0).and_then(Option::as_mut) else { return };
        if !side.is_about(&question.capture, question.view, &question.cut) {
            return;
        }
        match found {
            Ok(found) => (side.found, side.stage) = (Some(found), SegmentStage::Known),
            Err(error) => side.stage = SegmentStage::Failed(error),
        }
    }

    /// Cuts by the next rule: by turns only where there are some, by a file only if one was given.
    fn next_cut(&mut self, panes: &Panes) {
        let has_chat = panes.shown().any(|shown| shown.capture.chat.is_some());
        let rules = SegmentRule::ALL.into_iter().filter(|rule| *rule != SegmentRule::Chat || has_chat);
        let cuts: Vec<Cut> = rules.map(Cut::Rule).chain(self.named.clone().map(Cut::Named)).collect();
        let at = cuts.iter().position(|cut| *cut == self.cut).map_or(0, |at| at + 1);
        self.cut = cuts[at % cuts.len()].clone();
        self.chosen = [None; 2];
    }

    /// Chooses a cell by so many rows and columns. The other side goes along while the sides are linked.
    fn choose_by(&mut self, panes: &Panes, side: Side, (rows, columns): (isize, isize)) {
        let Some((found, (row, column))) = self.found_of(side).zip(self.chosen(side)) else { return };
        let (count, has_sinks) = (found.shares.rows.len(), found.shares.has_sinks);
        let sinks = usize::from(has_sinks);
        let at = match column {
            Column::Sink => 0,
            Column::Key(key) => key + sinks,
        };
        let at = step(at, columns, count + sinks);
        let column = if at < sinks { Column::Sink } else { Column::Key(at - sinks) };
        let chosen = Some((step(row, rows, count), column));
        self.chosen[side.index()] = chosen;
        if panes.linked {
            self.chosen[side.other().index()] = chosen;
        }
    }

    /// Goes to the first cell of what is chosen, in the panes.
    fn open_chosen_cell(&self, panes: &mut Panes) -> Reaction {
        let side = panes.focus;
        if let (Some(found), Some((row, column)), Some(shown)) =
            (self.found_of(side), self.chosen(side), &panes.pane(side).shown)
        {
            let (segments, bin) = (&found.shares.segments, shown.matrix().bin());
            let first = |segment: usize| segments.tokens(segment).next().unwrap_or(0) / bin;
            let last = |segment: usize| segments.tokens(segment).last().unwrap_or(0) / bin;
            let column = match column {
                Column::Key(segment) => Column::Key(first(segment)),
                Column::Sink => Column::Sink,
            };
            panes.point(side, Cursor { query: last(row), column });
        }
        Reaction::ClosesToPanes(vec![])
    }

    fn ask(&mut self, side: Side, panes: &Panes) -> Option<Effect> {
        let pane = panes.pane(side);
        let shown = pane.shown.as_ref()?;
        let capture = &shown.capture;
        let view = pane.selection.within(&capture.model).view();
        let place = &mut self.sides[side.index()];
        if place.as_ref().is_some_and(|old| old.is_about(capture, view, &self.cut)) {
            return None;
        }
        let old = place.take().filter(|old| Arc::ptr_eq(&old.capture, capture) && old.cut == self.cut);
        let found = old.and_then(|old| old.found);
        let (capture, cut) = (capture.clone(), self.cut.clone());
        let (stage, known) = (SegmentStage::Waiting, found.clone());
        *place = Some(SegmentSide { capture: capture.clone(), view, stage, found, cut: cut.clone() });
        let (asker, prompt) = (Asker(side.index()), shown.prompt.as_str().into());
        Some(Effect::Send(Request::Segments(Box::new(SegmentsJob {
            asker,
            capture,
            prompt,
            cut,
            view,
            known,
        }))))
    }
}

impl SegmentSide {
    fn is_about(&self, capture: &Arc<Capture>, view: View, cut: &Cut) -> bool {
        Arc::ptr_eq(&self.capture, capture) && self.view == view && self.cut == *cut
    }
}

impl Panel for SegmentMap {
    fn command(&mut self, command: Command, panes: &mut Panes) -> Reaction {
        let side = panes.focus;
        let by = match command {
            Command::CursorUp => (-1, 0),
            Command::CursorDown => (1, 0),
            Command::CursorLeft => (0, -1),
            Command::CursorRight => (0, 1),
            Command::PageUp => (-PAGE, 0),
            Command::PageDown => (PAGE, 0),
            Command::RowStart => (0, isize::MIN),
            Command::RowEnd => (0, isize::MAX),
            Command::Normalisation => {
                self.cells = match self.cells {
                    SegmentCells::Shares => SegmentCells::Ratios,
                    SegmentCells::Ratios => SegmentCells::Expected,
                    SegmentCells::Expected => SegmentCells::Shares,
                };
                (0, 0)
            }
            Command::MarkSpan => {
                self.next_cut(panes);
                (0, 0)
            }
            Command::Cancel if self.is_busy() => {
                return Reaction::Stays(vec![Effect::Send(Request::StopSegments)]);
            }
            Command::Open => return self.open_chosen_cell(panes),
            Command::Back | Command::Segments => return Reaction::Closes(vec![]),
            Command::LayerKinds => return Reaction::Stays(panes.next_layer_kind()),
            _ => {
                let pane = panes.pane(side);
                return match pane.selection.changed(command, pane.info()) {
                    Some(selection) => Reaction::Stays(panes.select(side, selection)),
                    None => Reaction::Passes,
                };
            }
        };
        self.choose_by(panes, side, by);
        Reaction::Stays(vec![])
    }

    fn head(&self, panes: &Panes) -> Option<(Side, View)> {
        Some((panes.focus, panes.focused().selection.view()))
    }

    /// A click chooses a cell, and a click on the chosen one goes there.
    fn choose(&mut self, (side, row, column): (Side, usize, Column), panes: &mut Panes) -> Reaction {
        let is_chosen = panes.focus == side && self.chosen(side) == Some((row, column));
        panes.focus = side;
        if is_chosen {
            return self.open_chosen_cell(panes);
        }
        self.chosen[side.index()] = Some((row, column));
        self.choose_by(panes, side, (0, 0));
        Reaction::Stays(vec![])
    }

    fn scroll(&mut self, side: Side, by: (isize, isize), panes: &Panes) {
        self.choose_by(panes, side, by);
    }

    fn refresh(&mut self, panes: &mut Panes) -> Vec<Effect> {
        Side::BOTH.into_iter().filter_map(|side| self.ask(side, panes)).collect()
    }

    fn retry(&mut self, _: &mut Panes) -> bool {
        let has_failed = |side: &mut SegmentSide| matches!(side.stage, SegmentStage::Failed(_));
        self.sides.iter_mut().filter_map(|side| side.take_if(has_failed)).count() > 0
    }

    fn is_busy(&self) -> bool {
        self.sides.iter().flatten().any(|side| side.stage == SegmentStage::Waiting)
    }

    /// When it is closed, nobody waits for it, and no capture is kept for it.
    fn close(&mut self) -> Vec<Effect> {
        let was_busy = self.is_busy();
        (self.sides, self.chosen) = (Default::default(), [None; 2]);
        if was_busy { vec![Effect::Send(Request::StopSegments)] } else { vec![] }
    }
}
