//! Patching: parts of the pass over the pinned prompt are put into the pass over the prompt beside it, one at a time, and a map
//! says how far each brings the next token.

use std::sync::Arc;

use super::panel::{Panel, Reaction};
use super::panes::Panes;
use crate::app::action::Effect;
use crate::app::state::cursor::{Column, Cursor};
use crate::app::state::side::Side;
use crate::app::state::step::step;
use crate::attention::patching::{Patched, Patching, check_pair};
use crate::attention::{Capture, NO_OUTPUT_HEAD, View};
use crate::config::keys::Command;
use crate::worker::protocol::{Asker, PatchJob, Request, WorkerError};

/// How far a map is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PatchStage {
    /// It is asked for, and more of it is to come.
    Running,
    /// All of it is there.
    Known,
    /// It failed, or was stopped: what, where, what to do.
    Failed(WorkerError),
}

/// The map of a pinned prompt and the one beside it.
#[derive(Debug, Clone)]
pub struct PatchMap {
    question: PatchJob,
    /// How far it is.
    pub stage: PatchStage,
    is_sent: bool,
    /// What is known of it; nothing before the first place is.
    pub found: Option<Arc<Patching>>,
    /// The place that is chosen: layer, and head or token.
    pub chosen: (usize, usize),
}

impl PatchMap {
    /// Begins with the pinned prompt and the one beside it.
    ///
    /// # Errors
    /// If nothing is pinned, or nothing is shown beside it.
    pub(in crate::app) fn open(panes: &Panes) -> Result<Self, &'static str> {
        Self::of(panes, Patched::default())
            .ok_or("pin this prompt first, then run another one of equal length")
    }

    fn of(panes: &Panes, what: Patched) -> Option<Self> {
        let captures = captures(panes)?;
        let to = changed(panes)?;
        let slot = panes.slot_of(panes.pane(to).shown.as_ref()?);
        let model = &captures[1].model;
        let stage = match (check_pair(&captures[0], &captures[1]), slot) {
            (Err(why), _) => PatchStage::Failed(WorkerError::Refused(why.to_string())),
            (Ok(()), None) => PatchStage::Failed(WorkerError::ModelGone(model.name.clone())),
            _ if !model.has_output_head => PatchStage::Failed(WorkerError::Refused(format!(
                "{}: {NO_OUTPUT_HEAD}: it predicts nothing",
                model.name
            ))),
            _ => PatchStage::Running,
        };
        let (asker, slot) = (Asker(to.index()), slot.unwrap_or(to.slot()));
        let question = PatchJob { asker, slot, captures, what, patch: None };
        Some(Self { question, stage, is_sent: false, found: None, chosen: (0, 0) })
    }

    /// Whether these two can't be patched, whatever is put into the pass: of other lengths, by other models.
    pub fn is_refused(&self) -> bool {
        matches!(&self.stage, PatchStage::Failed(error) if error.is_final()) && self.found.is_none()
    }

    /// What is put into the pass.
    pub fn what(&self) -> Patched {
        self.question.what
    }

    /// The pass that is taken from, and the one that is changed.
    pub fn captures(&self) -> &[Arc<Capture>; 2] {
        &self.question.captures
    }

    /// Layers, and heads or tokens of each.
    pub fn shape(&self) -> (usize, usize) {
        let capture = &self.question.captures[1];
        let columns = match self.question.what {
            Patched::Heads => capture.model.heads,
            Patched::Residual => capture.tokens.len(),
        };
        (capture.model.layers, columns)
    }

    /// The effect of a place; nothing before it is known.
    pub fn effect(&self, (layer, column): (usize, usize)) -> Option<f32> {
        *self.found.as_ref()?.effects.get(layer)?.get(column)?
    }

    /// Places that are done, and all of them.
    pub fn progress(&self) -> (usize, usize) {
        let (layers, columns) = self.shape();
        let done = self.found.iter().flat_map(|found| found.effects.iter().flatten().flatten()).count();
        (done, layers * columns)
    }

    /// Takes what is known, unless something else was asked since.
    pub(in crate::app) fn found(
        &mut self,
        question: &PatchJob,
        found: Result<Arc<Patching>, WorkerError>,
        is_all: bool,
    ) {
        if !self.question.is(question) || self.stage != PatchStage::Running {
            return;
        }
        match found {
            Ok(found) => {
                self.found = Some(found);
                // Where it is stopped, it goes on from here.
                self.question.patch.clone_from(&question.patch);
                if is_all {
                    self.stage = PatchStage::Known;
                }
            }
            Err(error) => self.stage = PatchStage::Failed(error),
        }
    }

    fn choose(&mut self, (rows, columns): (isize, isize)) {
        let (layers, count) = self.shape();
        self.chosen = (step(self.chosen.0, rows, layers), step(self.chosen.1, columns, count));
    }

    /// Goes to the chosen head, or to the chosen token, of the prompt that is changed.
    fn go_to_chosen(&self, panes: &mut Panes) -> Reaction {
        let Some(to) = changed(panes) else { return Reaction::ClosesToPanes(vec![]) };
        let (layer, column) = self.chosen;
        let effects = match self.what() {
            Patched::Heads => panes.go_to(to, View::Head { layer, head: column }),
            Patched::Residual => {
                let effects = panes.go_to(to, View::Layer(layer));
                if let Some(shown) = &panes.pane(to).shown {
                    let cell = column / shown.matrix().bin();
                    panes.point(to, Cursor { query: cell, column: Column::Key(cell) });
                }
                effects
            }
        };
        Reaction::ClosesToPanes(effects)
    }
}

impl Panel for PatchMap {
    fn command(&mut self, command: Command, panes: &mut Panes) -> Reaction {
        let page = 10;
        match command {
            Command::CursorUp => self.choose((-1, 0)),
            Command::CursorDown => self.choose((1, 0)),
            Command::CursorLeft => self.choose((0, -1)),
            Command::CursorRight => self.choose((0, 1)),
            Command::PageUp => self.choose((-page, 0)),
            Command::PageDown => self.choose((page, 0)),
            Command::RowStart => self.choose((0, isize::MIN)),
            Command::RowEnd => self.choose((0, isize::MAX)),
            // There is nothing to choose from: what is on screen says why.
            Command::Normalisation if self.is_refused() => {}
            Command::Normalisation => {
                let what = match self.what() {
                    Patched::Heads => Patched::Residual,
                    Patched::Residual => Patched::Heads,
                };
                if let Some(anew) = Self::of(panes, what) {
                    *self = anew;
                }
            }
            Command::Cancel if self.is_busy() => {
                return Reaction::Stays(vec![Effect::Send(Request::StopPatching)]);
            }
            Command::Open => return self.go_to_chosen(panes),
            Command::Back | Command::Patching => return Reaction::Closes(vec![]),
            _ => return Reaction::Passes,
        }
        Reaction::Stays(vec![])
    }

    fn head(&self, panes: &Panes) -> Option<(Side, View)> {
        let (layer, column) = self.chosen;
        let view = match self.what() {
            Patched::Heads => View::Head { layer, head: column },
            Patched::Residual => View::Layer(layer),
        };
        Some((changed(panes)?, view))
    }

    /// A click chooses a head, and a click on the chosen one opens it.
    fn open_head(&mut self, (_, head): (Side, View), panes: &mut Panes) -> Reaction {
        let View::Head { layer, head } = head else { return Reaction::Stays(vec![]) };
        if self.chosen == (layer, head) {
            return self.go_to_chosen(panes);
        }
        self.chosen = (layer, head);
        Reaction::Stays(vec![])
    }

    fn scroll(&mut self, _: Side, by: (isize, isize), _: &Panes) {
        self.choose(by);
    }

    /// Begins anew where the panes show something else, and asks for what isn't known.
    fn refresh(&mut self, panes: &mut Panes) -> Vec<Effect> {
        let is_here = |now: [Arc<Capture>; 2]| {
            now.iter().zip(&self.question.captures).all(|(now, old)| Arc::ptr_eq(now, old))
        };
        if !captures(panes).is_some_and(is_here) {
            match Self::of(panes, self.what()) {
                Some(anew) => *self = anew,
                None => {
                    let why = "nothing is pinned any more".to_owned();
                    self.stage = PatchStage::Failed(WorkerError::Refused(why));
                }
            }
        }
        if self.stage != PatchStage::Running || std::mem::replace(&mut self.is_sent, true) {
            return vec![];
        }
        vec![Effect::Send(Request::Patch(Box::new(self.question.clone())))]
    }

    /// Goes on from the first place that isn't known.
    fn retry(&mut self, panes: &mut Panes) -> bool {
        let PatchStage::Failed(_) = self.stage else { return false };
        let (patch, found, chosen) = (self.question.patch.take(), self.found.take(), self.chosen);
        if let Some(anew) = Self::of(panes, self.what()) {
            *self = anew;
            (self.question.patch, self.found, self.chosen) = (patch, found, chosen);
        }
        true
    }

    fn is_busy(&self) -> bool {
        self.stage == PatchStage::Running
    }

    /// When it is closed, nobody waits for it.
    fn close(&mut self) -> Vec<Effect> {
        if self.is_busy() { vec![Effect::Send(Request::StopPatching)] } else { vec![] }
    }
}

/// The side of the prompt that is changed: beside the pinned one.
fn changed(panes: &Panes) -> Option<Side> {
    panes.pin.as_ref().map(|pin| pin.side.other())
}

/// What is taken from, and what is changed.
fn captures(panes: &Panes) -> Option<[Arc<Capture>; 2]> {
    let to = changed(panes)?;
    let shown = |side: Side| Some(panes.pane(side).shown.as_ref()?.capture.clone());
    Some([shown(to.other())?, shown(to)?])
}
