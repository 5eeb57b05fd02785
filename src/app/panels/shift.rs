//! How far the heads of two passes are apart, of two models of one shape or of one model, the furthest first.

use std::sync::Arc;

use super::panel::{Panel, Reaction};
use super::panes::Panes;
use crate::app::action::Effect;
use crate::app::state::side::Side;
use crate::app::state::step::row_after;
use crate::attention::shift::{HeadShift, check_shape};
use crate::attention::{Capture, View};
use crate::config::keys::Command;
use crate::worker::protocol::{LayerShift, Request, ShiftJob, WorkerError};

/// The heads of both sides, matched by layer and head.
#[derive(Debug, Clone)]
pub struct ModelShift {
    /// The heads of the layers that are done, those that are furthest apart first.
    pub heads: Vec<HeadShift>,
    /// KL(left ‖ right) of the next token, in nats; nothing before it is known, or without an output head.
    pub next: Option<f64>,
    /// Layers that are done.
    pub done: usize,
    /// Layers of either model.
    pub layers: usize,
    /// The index of the chosen head in the list.
    pub row: usize,
    /// Why no more layers are compared, if they aren't.
    pub stopped: Option<String>,
    /// What is compared.
    captures: [Arc<Capture>; 2],
    /// Whether an answer is waited for.
    is_asked: bool,
}

impl ModelShift {
    /// Begins with what both panes show.
    ///
    /// # Errors
    /// If one shows nothing yet, or they are no models of one shape that have read the same tokens.
    pub(in crate::app) fn open(panes: &Panes) -> Result<Self, &'static str> {
        let captures = captures(panes).ok_or("both sides are compared: one has nothing to show yet")?;
        check_shape(&captures[0], &captures[1])?;
        panes.check_one_text()?;
        Ok(Self {
            heads: Vec::new(),
            next: None,
            done: 0,
            layers: captures[0].model.layers,
            row: 0,
            stopped: None,
            captures,
            is_asked: false,
        })
    }

    /// The passes that are compared, left and right.
    pub fn captures(&self) -> &[Arc<Capture>; 2] {
        &self.captures
    }

    /// The mean over the heads that are known.
    pub fn mean_divergence(&self) -> f32 {
        self.heads.iter().map(|head| head.divergence).sum::<f32>() / self.heads.len().max(1) as f32
    }

    /// Takes what was found of a layer, unless it is of other captures.
    pub(in crate::app) fn found(&mut self, question: &ShiftJob, found: Result<Arc<LayerShift>, WorkerError>) {
        if !are_same(&self.captures, &question.captures) || question.layer != self.done || !self.is_asked {
            return;
        }
        self.is_asked = false;
        match found {
            Ok(found) => {
                let chosen = self.heads.get(self.row).map(HeadShift::view);
                self.heads.extend_from_slice(&found.heads);
                HeadShift::sort(&mut self.heads);
                // Who has chosen a head keeps it; who hasn't sees the first.
                let is_chosen = |head: &HeadShift| Some(head.view()) == chosen;
                let at = self.heads.iter().position(is_chosen).filter(|_| self.row > 0);
                self.row = at.unwrap_or(0);
                (self.next, self.done) = (found.next, self.done + 1);
            }
            Err(error) => self.stopped = Some(error.to_string()),
        }
    }
}

impl Panel for ModelShift {
    fn command(&mut self, command: Command, panes: &mut Panes) -> Reaction {
        if let Some(row) = row_after(command, self.row, self.heads.len()) {
            self.row = row;
            return Reaction::Stays(vec![]);
        }
        match command {
            Command::Cancel if self.is_busy() => {
                (self.stopped, self.is_asked) = (Some("stopped".to_owned()), false);
            }
            Command::Open => return self.open_chosen(panes),
            Command::Back | Command::ModelShift => return Reaction::Closes(vec![]),
            _ => return Reaction::Passes,
        }
        Reaction::Stays(vec![])
    }

    fn head(&self, panes: &Panes) -> Option<(Side, View)> {
        self.heads.get(self.row).map(|head| (panes.focus, head.view()))
    }

    fn open_head(&mut self, (side, head): (Side, View), panes: &mut Panes) -> Reaction {
        Reaction::ClosesToPanes(panes.go_to(side, head))
    }

    fn scroll(&mut self, _: Side, (rows, _): (isize, isize), _: &Panes) {
        let last = self.heads.len().saturating_sub(1);
        self.row = self.row.saturating_add_signed(rows).min(last);
    }

    /// Begins anew where the panes show something else, and asks for the next layer.
    fn refresh(&mut self, panes: &mut Panes) -> Vec<Effect> {
        if captures(panes).is_some_and(|now| !are_same(&now, &self.captures)) {
            match Self::open(panes) {
                Ok(anew) => *self = anew,
                // The slower model has not read the newest prompt yet, or another one is there now.
                Err(why) => (self.stopped, self.is_asked) = (Some(why.to_owned()), false),
            }
        }
        if self.stopped.is_some() || self.is_asked || self.done == self.layers {
            return vec![];
        }
        self.is_asked = true;
        let question = ShiftJob { captures: self.captures.clone(), layer: self.done };
        vec![Effect::Send(Request::Shift(question))]
    }

    fn retry(&mut self, _: &mut Panes) -> bool {
        self.stopped.take().is_some()
    }

    fn is_busy(&self) -> bool {
        self.stopped.is_none() && self.done < self.layers
    }
}

fn captures(panes: &Panes) -> Option<[Arc<Capture>; 2]> {
    let [left, right] = panes.both.each_ref().map(|pane| Some(pane.shown.as_ref()?.capture.clone()));
    Some([left?, right?])
}

/// Whether these are the very same captures.
fn are_same(a: &[Arc<Capture>; 2], b: &[Arc<Capture>; 2]) -> bool {
    a.iter().zip(b).all(|(a, b)| Arc::ptr_eq(a, b))
}
