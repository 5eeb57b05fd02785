//! Where attention goes that goes nowhere: learned sinks, tokens that heads look at whatever they say, and what is large in
//! the residual stream behind these.

use std::sync::Arc;

use super::panel::{Panel, Reaction};
use super::panes::Panes;
use crate::app::action::Effect;
use crate::app::state::notes::NOTHING_SHOWN;
use crate::app::state::side::Side;
use crate::app::state::step::row_after;
use crate::attention::sinks::{HeadSink, Sinks, StateActivations};
use crate::attention::{Capture, View};
use crate::config::keys::Command;
use crate::worker::protocol::{ActivationsJob, Asker, Request, SinksJob, Slot, WorkerError};

/// Which number of each head is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SinkNumber {
    /// What goes to the first token.
    #[default]
    First,
    /// What goes to the learned sink.
    Learned,
    /// What goes to either.
    Both,
}

impl SinkNumber {
    /// Of a head; nothing of a head without a learned sink, if that is asked, nor where no token is behind the first one.
    pub fn of(self, head: &HeadSink) -> Option<f32> {
        match self {
            Self::First => head.first,
            Self::Learned => head.learned,
            Self::Both => Some(head.first? + head.learned.unwrap_or(0.0)),
        }
    }

    /// In a few words.
    pub fn title(self) -> &'static str {
        match self {
            Self::First => "to the first token",
            Self::Learned => "to the learned sink",
            Self::Both => "to the sink or the first token",
        }
    }
}

/// The sinks of a side.
#[derive(Debug, Clone)]
pub struct SinkSide {
    /// The pass that the pane shows.
    pub capture: Arc<Capture>,
    /// What heads give; nothing before it is known.
    pub sinks: Option<Result<Arc<Sinks>, WorkerError>>,
    /// What is large after the embedding and after each layer; nothing before it is known.
    pub activations: Option<Result<Arc<Vec<StateActivations>>, WorkerError>>,
}

impl SinkSide {
    /// Why something of it is not known, if it failed.
    pub fn error(&self) -> Option<&WorkerError> {
        let sinks = self.sinks.as_ref().and_then(|found| found.as_ref().err());
        sinks.or_else(|| self.activations.as_ref().and_then(|found| found.as_ref().err()))
    }

    /// Whether something of it is still to come.
    pub fn awaits(&self) -> bool {
        self.sinks.is_none() || self.activations.is_none()
    }
}

/// The sinks of both sides.
#[derive(Debug, Clone, Default)]
pub struct SinkTruth {
    /// Left and right; nothing where a pane shows nothing.
    pub sides: [Option<SinkSide>; 2],
    /// Which number of each head is shown.
    pub number: SinkNumber,
    /// The row that is chosen: 0 is the embedding, then the layers.
    pub row: usize,
}

impl SinkTruth {
    /// Looks at what the panes show.
    ///
    /// # Errors
    /// If no pane shows anything yet.
    pub(in crate::app) fn open(panes: &Panes) -> Result<Self, &'static str> {
        if panes.shown().next().is_none() {
            return Err(NOTHING_SHOWN);
        }
        let row = panes.focused().selection.view().layer().map_or(1, |layer| layer + 1);
        Ok(Self { row, ..Self::default() })
    }

    /// The row that is chosen, of those that a side has.
    pub fn row_of(&self, side: Side) -> usize {
        let layers = self.sides[side.index()].as_ref().map_or(0, |of| of.capture.model.layers);
        self.row.min(layers)
    }

    /// Takes what heads give, unless something else was asked since.
    pub(in crate::app) fn found(&mut self, question: &SinksJob, found: Result<Arc<Sinks>, WorkerError>) {
        if let Some(side) = self.asked_by(question.asker, &question.capture) {
            side.sinks = Some(found);
        }
    }

    /// Takes what is large in the residual stream, unless something else was asked since.
    pub(in crate::app) fn found_activations(
        &mut self,
        question: &ActivationsJob,
        found: Result<Arc<Vec<StateActivations>>, WorkerError>,
    ) {
        if let Some(side) = self.asked_by(question.asker, &question.capture) {
            side.activations = Some(found);
        }
    }

    fn asked_by(&mut self, asker: Asker, capture: &Arc<Capture>) -> Option<&mut SinkSide> {
        self.sides.get_mut(asker.0)?.as_mut().filter(|side| Arc::ptr_eq(&side.capture, capture))
    }

    fn ask(&mut self, side: Side, panes: &Panes) -> Vec<Effect> {
        let Some(shown) = &panes.pane(side).shown else { return vec![] };
        let capture = shown.capture.clone();
        let place = &mut self.sides[side.index()];
        if place.as_ref().is_some_and(|old| Arc::ptr_eq(&old.capture, &capture)) {
            return vec![];
        }
        let asker = Asker(side.index());
        let runs =
            |slot: &Slot| panes.resident(*slot).model.as_ref().is_some_and(|model| *model == capture.model);
        let slot = [side, side.other()].map(Side::slot).into_iter().find(runs);
        let gone = || Err(WorkerError::ModelGone(capture.model.name.clone()));
        let activations = if slot.is_none() { Some(gone()) } else { None };
        *place = Some(SinkSide { capture: capture.clone(), sinks: None, activations });
        let of_heads = Request::Sinks(SinksJob { asker, capture: capture.clone() });
        let of_stream = slot.map(|slot| Request::Activations(ActivationsJob { asker, slot, capture }));
        [Some(of_heads), of_stream].into_iter().flatten().map(Effect::Send).collect()
    }
}

impl Panel for SinkTruth {
    fn command(&mut self, command: Command, panes: &mut Panes) -> Reaction {
        let layers = |side: &Option<SinkSide>| side.as_ref().map(|of| of.capture.model.layers + 1);
        let rows = self.sides.iter().filter_map(layers).max().unwrap_or(0);
        if let Some(row) = row_after(command, self.row_of(panes.focus), rows) {
            self.row = row;
            return Reaction::Stays(vec![]);
        }
        match command {
            Command::Normalisation => {
                let has_sinks = panes.shown().any(|shown| shown.capture.model.has_sinks);
                self.number = match self.number {
                    SinkNumber::First if has_sinks => SinkNumber::Learned,
                    SinkNumber::Learned => SinkNumber::Both,
                    SinkNumber::First | SinkNumber::Both => SinkNumber::First,
                };
            }
            Command::Cancel if self.is_busy() => return Reaction::Stays(stop()),
            Command::Open => {
                let effects = match self.row_of(panes.focus).checked_sub(1) {
                    Some(layer) => panes.go_to(panes.focus, View::Layer(layer)),
                    None => vec![],
                };
                return Reaction::ClosesToPanes(effects);
            }
            Command::Back | Command::Sinks => return Reaction::Closes(vec![]),
            _ => return Reaction::Passes,
        }
        Reaction::Stays(vec![])
    }

    fn head(&self, panes: &Panes) -> Option<(Side, View)> {
        Some((panes.focus, panes.focused().selection.view()))
    }

    fn scroll(&mut self, side: Side, (rows, _): (isize, isize), _: &Panes) {
        self.row = self.row_of(side).saturating_add_signed(rows);
        self.row = Side::BOTH.map(|side| self.row_of(side)).into_iter().max().unwrap_or(0);
    }

    fn refresh(&mut self, panes: &mut Panes) -> Vec<Effect> {
        Side::BOTH.into_iter().flat_map(|side| self.ask(side, panes)).collect()
    }

    fn retry(&mut self, _: &mut Panes) -> bool {
        let has_failed = |side: &mut SinkSide| side.error().is_some();
        self.sides.iter_mut().filter_map(|side| side.take_if(has_failed)).count() > 0
    }

    fn is_busy(&self) -> bool {
        self.sides.iter().flatten().any(SinkSide::awaits)
    }

    /// When it is closed, nobody waits for it, and nothing is kept for it.
    fn close(&mut self) -> Vec<Effect> {
        let was_asked = self.sides.iter_mut().filter_map(Option::take).count() > 0;
        if was_asked { stop() } else { vec![] }
    }
}

/// Nobody waits for what was asked any more.
fn stop() -> Vec<Effect> {
    vec![Effect::Send(Request::StopSinks), Effect::Send(Request::ForgetLens)]
}
