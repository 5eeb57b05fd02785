//! Rows of long prompts, token by token. Their matrices have cells of several tokens each, and a text shows every token.

use std::sync::Arc;

use crate::app::action::Effect;
use crate::app::panels::Panes;
use crate::app::state::pane::Pane;
use crate::app::state::side::Side;
use crate::attention::View;
use crate::worker::protocol::{Asker, Request, RowJob, TokenRow, WorkerError};

/// A row that was asked for, and the answer, if it came.
#[derive(Debug, Clone)]
struct AskedRow {
    question: RowJob,
    answer: Option<Result<Arc<TokenRow>, WorkerError>>,
}

/// The rows of the tokens that both panes look from.
#[derive(Debug, Clone, Default)]
pub struct ExactRows {
    sides: [Option<AskedRow>; 2],
}

impl ExactRows {
    /// Asks for the rows that the panes look from now, where these are not asked for.
    pub(in crate::app) fn refresh(&mut self, panes: &Panes) -> Vec<Effect> {
        let mut ask = |side: Side| {
            let wanted = wanted(side, panes.pane(side))?;
            let place = &mut self.sides[side.index()];
            if place.as_ref().is_some_and(|asked| asked.question.is(&wanted)) {
                return None;
            }
            *place = Some(AskedRow { question: wanted.clone(), answer: None });
            Some(Effect::Send(Request::Row(wanted)))
        };
        Side::BOTH.into_iter().filter_map(&mut ask).collect()
    }

    /// Takes an answer, unless something else was asked since.
    pub(in crate::app) fn found(&mut self, question: &RowJob, row: Result<Arc<TokenRow>, WorkerError>) {
        let asked = self.sides.get_mut(question.asker.0).and_then(Option::as_mut);
        if let Some(asked) = asked.filter(|asked| asked.question.is(question)) {
            asked.answer = Some(row);
        }
    }

    /// The row that a pane looks from, if the matrix on screen doesn't have it and it is known.
    pub(in crate::app) fn of(&self, side: Side, pane: &Pane) -> Option<&TokenRow> {
        let (asked, wanted) = (self.sides[side.index()].as_ref()?, wanted(side, pane)?);
        asked.answer.as_ref()?.as_deref().ok().filter(|_| asked.question.is(&wanted))
    }

    /// Whether an answer is to come.
    pub(in crate::app) fn is_busy(&self) -> bool {
        self.sides.iter().flatten().any(|asked| asked.answer.is_none())
    }
}

/// The row that a pane looks from, if cells of its matrix are several tokens. Rollout has rows of cells only.
fn wanted(side: Side, pane: &Pane) -> Option<RowJob> {
    let shown = pane.shown.as_ref()?;
    let is_of_cells = shown.matrix().bin() > 1 && shown.view() != View::Rollout;
    let (capture, view) = (shown.capture.clone(), shown.view());
    is_of_cells.then(|| RowJob { asker: Asker(side.index()), capture, view, query: pane.token() })
}
