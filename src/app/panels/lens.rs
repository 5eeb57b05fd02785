//! The logit lens: what each layer of both models would predict after the cursor's token.

use std::sync::Arc;

use super::panel::{Panel, Reaction};
use super::panes::Panes;
use crate::app::action::Effect;
use crate::app::state::cursor::Cursor;
use crate::app::state::notes::NOTHING_SHOWN;
use crate::app::state::pane::Pane;
use crate::app::state::side::Side;
use crate::app::state::step::step;
use crate::attention::lens::Lens;
use crate::attention::{Capture, NO_OUTPUT_HEAD, View};
use crate::config::keys::Command;
use crate::worker::protocol::{Asker, LensJob, Request, Slot, WorkerError};

/// Tokens that a page goes up or down.
const PAGE: isize = 8;

/// How the answer to the newest question stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LensStage {
    /// Nothing was heard of it yet.
    Waiting,
    /// The pass that is needed for it is under way.
    Running {
        /// Layers that are done.
        layer: usize,
        /// Layers of the model.
        layers: usize,
    },
    /// It is there.
    Known,
    /// It failed: what, where, what to do.
    Failed(WorkerError),
}

/// The lens on a pane: what is asked of its model, and what is known.
#[derive(Debug, Clone)]
pub struct LensPanel {
    /// The pass that the pane shows.
    pub capture: Arc<Capture>,
    /// The index of the token that is predicted after.
    pub query: usize,
    /// The state of the answer to the newest question.
    pub stage: LensStage,
    /// The newest answer about this capture, which may be to an older question.
    pub lens: Option<Arc<Lens>>,
}

impl LensPanel {
    fn is_about(&self, capture: &Arc<Capture>, query: usize) -> bool {
        Arc::ptr_eq(&self.capture, capture) && self.query == query
    }

    fn awaits(&self) -> bool {
        matches!(self.stage, LensStage::Waiting | LensStage::Running { .. })
    }
}

/// The lens on both panes.
#[derive(Debug, Clone, Default)]
pub struct LogitLens {
    /// Left and right; nothing where a pane shows nothing.
    pub panes: [Option<LensPanel>; 2],
}

impl LogitLens {
    /// Looks at what the panes show.
    ///
    /// # Errors
    /// If no pane shows anything yet.
    pub(in crate::app) fn open(panes: &Panes) -> Result<Self, &'static str> {
        if panes.shown().next().is_some() { Ok(Self::default()) } else { Err(NOTHING_SHOWN) }
    }

    fn ask(&mut self, side: Side, panes: &Panes) -> Option<Effect> {
        let (capture, query) = query(panes.pane(side))?;
        let place = &mut self.panes[side.index()];
        if place.as_ref().is_some_and(|old| old.is_about(&capture, query)) {
            return None;
        }
        let old = place.take();
        let runs =
            |slot: &Slot| panes.resident(*slot).model.as_ref().is_some_and(|model| *model == capture.model);
        let slot = [side, side.other()].map(Side::slot).into_iter().find(runs);
        let lens = old.filter(|old| Arc::ptr_eq(&old.capture, &capture)).and_then(|old| old.lens);
        let name = &capture.model.name;
        let stage = match slot {
            _ if !capture.model.has_output_head => {
                let why = format!("{name}: {NO_OUTPUT_HEAD}: its layers predict nothing");
                LensStage::Failed(WorkerError::Refused(why))
            }
            Some(_) => LensStage::Waiting,
            None => LensStage::Failed(WorkerError::ModelGone(name.clone())),
        };
        *place = Some(LensPanel { capture: capture.clone(), query, stage, lens });
        let slot = slot.filter(|_| capture.model.has_output_head)?;
        Some(Effect::Send(Request::Lens(LensJob { asker: Asker(side.index()), slot, capture, query })))
    }

    /// The lens that asked: of the left pane by the number 0, of the right one by 1.
    fn asked_by(&mut self, asker: Asker) -> Option<&mut LensPanel> {
        self.panes.get_mut(asker.0)?.as_mut()
    }

    /// The pass that is needed for a pane has come further.
    pub(in crate::app) fn running(&mut self, asker: Asker, layer: usize, layers: usize) {
        if let Some(lens) = self.asked_by(asker).filter(|lens| lens.awaits()) {
            lens.stage = LensStage::Running { layer, layers };
        }
    }

    /// Takes an answer, unless something else was asked since.
    pub(in crate::app) fn found(&mut self, question: &LensJob, found: Result<Arc<Lens>, WorkerError>) {
        let is_asked = |lens: &&mut LensPanel| lens.is_about(&question.capture, question.query);
        let Some(panel) = self.asked_by(question.asker).filter(is_asked) else { return };
        match found {
            Ok(lens) => (panel.lens, panel.stage) = (Some(lens), LensStage::Known),
            Err(error) => panel.stage = LensStage::Failed(error),
        }
    }
}

impl Panel for LogitLens {
    /// Goes to another token, or leaves.
    fn command(&mut self, command: Command, panes: &mut Panes) -> Reaction {
        let by = match command {
            Command::CursorUp | Command::CursorLeft => -1,
            Command::CursorDown | Command::CursorRight => 1,
            Command::PageUp => -PAGE,
            Command::PageDown => PAGE,
            Command::RowStart => isize::MIN,
            Command::RowEnd => isize::MAX,
            Command::Back | Command::Lens => return Reaction::Closes(vec![]),
            _ => return Reaction::Passes,
        };
        let pane = panes.focused();
        if let Some(shown) = &pane.shown {
            let query = step(pane.cursor.query, by, shown.matrix().size());
            panes.point(panes.focus, Cursor { query, ..pane.cursor });
        }
        Reaction::Stays(vec![])
    }

    fn head(&self, panes: &Panes) -> Option<(Side, View)> {
        Some((panes.focus, panes.focused().selection.view()))
    }

    fn refresh(&mut self, panes: &mut Panes) -> Vec<Effect> {
        Side::BOTH.into_iter().filter_map(|side| self.ask(side, panes)).collect()
    }

    fn retry(&mut self, _: &mut Panes) -> bool {
        let has_failed = |lens: &mut LensPanel| matches!(lens.stage, LensStage::Failed(_));
        let failed = self.panes.iter_mut().filter_map(|lens| lens.take_if(has_failed)).count();
        failed > 0
    }

    fn is_busy(&self) -> bool {
        self.panes.iter().flatten().any(LensPanel::awaits)
    }

    /// When it is closed, nothing is kept for it.
    fn close(&mut self) -> Vec<Effect> {
        let was_asked = self.panes.iter_mut().filter_map(Option::take).count() > 0;
        if was_asked { vec![Effect::Send(Request::ForgetLens)] } else { vec![] }
    }
}

/// What a pane shows, and the token of its cursor: the last one of a row of several.
fn query(pane: &Pane) -> Option<(Arc<Capture>, usize)> {
    let shown = pane.shown.as_ref()?;
    let last = (pane.cursor.query + 1) * shown.matrix().bin();
    Some((shown.capture.clone(), last.min(shown.capture.tokens.len()).saturating_sub(1)))
}
