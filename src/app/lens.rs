//! The logit lens: what each layer of both models would predict after the cursor's token.

use std::sync::Arc;

use super::look::point;
use super::pane::Pane;
use super::selection::step;
use super::update::NOTHING_SHOWN;
use super::{Cursor, Effect, Mode, State};
use crate::attention::lens::Lens;
use crate::attention::{Capture, NO_OUTPUT_HEAD};
use crate::config::keys::Command;
use crate::worker::protocol::{Asker, LensJob, Request, Side};

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
    Failed(String),
}

/// What is asked of the model of a pane, and what is known.
#[derive(Debug, Clone)]
pub struct LensLook {
    /// What is looked at.
    pub capture: Arc<Capture>,
    /// The number of the token that is predicted after.
    pub query: usize,
    /// How the answer stands.
    pub stage: LensStage,
    /// The newest answer about this capture, which may be to an older question.
    pub lens: Option<Arc<Lens>>,
}

impl LensLook {
    fn is_about(&self, capture: &Arc<Capture>, query: usize) -> bool {
        Arc::ptr_eq(&self.capture, capture) && self.query == query
    }

    fn awaits(&self) -> bool {
        matches!(self.stage, LensStage::Waiting | LensStage::Running { .. })
    }
}

impl State {
    /// Whether something that the lens shows is under way.
    pub(super) fn awaits_lens(&self) -> bool {
        self.lens.iter().flatten().any(LensLook::awaits)
    }
}

/// Opens the lens, or closes it.
pub(super) fn toggle(state: &mut State) {
    state.mode = match state.mode {
        Mode::Lens => Mode::Browse,
        _ if state.panes.iter().all(|pane| pane.shown.is_none()) => {
            state.note = Some(NOTHING_SHOWN.to_owned());
            return;
        }
        _ => Mode::Lens,
    };
}

/// What a command does to the lens: goes to another token, or leaves. False if it is none of its commands.
pub(super) fn command(state: &mut State, command: Command) -> bool {
    let by = match command {
        Command::CursorUp | Command::CursorLeft => -1,
        Command::CursorDown | Command::CursorRight => 1,
        Command::PageUp => -PAGE,
        Command::PageDown => PAGE,
        Command::RowStart => isize::MIN,
        Command::RowEnd => isize::MAX,
        Command::Back => {
            state.mode = Mode::Browse;
            return true;
        }
        _ => return false,
    };
    let pane = state.focused();
    if let Some(shown) = &pane.shown {
        let query = step(pane.cursor.query, by, shown.matrix().size());
        point(state, state.focus, Cursor { query, ..pane.cursor });
    }
    true
}

/// Asks what nobody has asked for yet, while the lens is open; when it is closed, nothing is kept for it.
pub(super) fn refresh(state: &mut State) -> Vec<Effect> {
    if state.mode != Mode::Lens {
        let was_open = state.lens.iter_mut().any(|look| look.take().is_some());
        state.lens = [None, None];
        return if was_open { vec![Effect::Send(Request::ForgetLens)] } else { vec![] };
    }
    Side::BOTH.into_iter().filter_map(|pane| ask(state, pane)).collect()
}

fn ask(state: &mut State, pane: Side) -> Option<Effect> {
    let (capture, query) = looked_at(state.pane(pane))?;
    let old = state.lens[pane.index()].take();
    if let Some(old) = old.as_ref().filter(|old| old.is_about(&capture, query)) {
        state.lens[pane.index()] = Some(old.clone());
        return None;
    }
    let runs =
        |side: &Side| state.resident(*side).model.as_ref().is_some_and(|model| *model == capture.model);
    let side = [pane, pane.other()].into_iter().find(runs);
    let lens = old.filter(|old| Arc::ptr_eq(&old.capture, &capture)).and_then(|old| old.lens);
    let stage = match side {
        _ if !capture.model.has_output_head => {
            LensStage::Failed(format!("{}: {NO_OUTPUT_HEAD}: its layers predict nothing", capture.model.name))
        }
        Some(_) => LensStage::Waiting,
        None => LensStage::Failed(format!("{} is not here any more", capture.model.name)),
    };
    state.lens[pane.index()] = Some(LensLook { capture: capture.clone(), query, stage, lens });
    let side = side.filter(|_| capture.model.has_output_head)?;
    Some(Effect::Send(Request::Lens(LensJob { asker: Asker(pane.index()), side, capture, query })))
}

/// What a pane shows, and the token of its cursor: the last one of a row of several.
fn looked_at(pane: &Pane) -> Option<(Arc<Capture>, usize)> {
    let shown = pane.shown.as_ref()?;
    let last = (pane.cursor.query + 1) * shown.matrix().bin();
    Some((shown.capture.clone(), last.min(shown.capture.tokens.len()).saturating_sub(1)))
}

/// What a pane asked: the left one by the number 0, the right one by 1.
fn asked_by(state: &mut State, asker: Asker) -> Option<&mut LensLook> {
    state.lens.get_mut(asker.0)?.as_mut()
}

/// The pass that is needed for a pane has come further.
pub(super) fn running(state: &mut State, asker: Asker, layer: usize, layers: usize) {
    if let Some(look) = asked_by(state, asker).filter(|look| look.awaits()) {
        look.stage = LensStage::Running { layer, layers };
    }
}

/// Takes an answer, unless something else was asked since.
pub(super) fn found(state: &mut State, question: &LensJob, found: Result<Arc<Lens>, String>) {
    let look = asked_by(state, question.asker);
    let Some(look) = look.filter(|look| look.is_about(&question.capture, question.query)) else { return };
    match found {
        Ok(lens) => (look.lens, look.stage) = (Some(lens), LensStage::Known),
        Err(error) => look.stage = LensStage::Failed(error),
    }
}

/// What failed is asked for again; whether there is any.
pub(super) fn retry(state: &mut State) -> bool {
    let has_failed = |look: &LensLook| matches!(look.stage, LensStage::Failed(_));
    let mut failed = false;
    for look in state.lens.iter_mut().filter(|look| look.as_ref().is_some_and(has_failed)) {
        (*look, failed) = (None, true);
    }
    failed
}
