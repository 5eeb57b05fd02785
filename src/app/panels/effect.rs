//! Effect: what hiding spans of the prompt from all that is behind them does to the next token of both models, beside what
//! these spans are given.

use std::sync::Arc;

use super::panel::{Panel, Reaction};
use super::panes::Panes;
use crate::app::action::Effect;
use crate::app::state::cursor::{Column, Cursor};
use crate::app::state::displayed::DisplayedCapture;
use crate::app::state::notes::NOTHING_SHOWN;
use crate::app::state::pane::Pane;
use crate::app::state::side::Side;
use crate::app::state::step::{row_after, step};
use crate::attention::knockout::{Agreement, HiddenSpan, SpanEffect};
use crate::attention::segments::{Cut, Segments};
use crate::attention::{Capture, NO_OUTPUT_HEAD, NextToken, SegmentRule, View};
use crate::config::keys::Command;
use crate::worker::protocol::{Asker, EffectJob, Request, Slot, WorkerError};

/// What a marked span is cut by.
const MARKED: &str = "the marked span";

/// What is hidden at a time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum HiddenUnit {
    /// The span that is marked in a pane; where none is, segments.
    #[default]
    Marked,
    /// Each segment by a rule. A prompt of a single one is hidden word by word.
    Segments(SegmentRule),
    /// Each word.
    Words,
}

/// How far the spans of a side are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EffectStage {
    /// The next span is asked for, and nothing was heard of it yet.
    Waiting,
    /// The pass with the next span hidden is under way.
    Running {
        /// Layers that are done.
        layer: usize,
        /// Layers of the model.
        layers: usize,
    },
    /// All are there.
    Known,
    /// It failed, or was stopped: what, where, what to do.
    Failed(WorkerError),
}

/// The spans of a side, and what hiding them does.
#[derive(Debug, Clone)]
pub struct EffectSide {
    question: EffectJob,
    unit: HiddenUnit,
    /// What the prompt is cut by: `sentences`.
    pub cut_by: &'static str,
    /// How far it is.
    pub stage: EffectStage,
    is_sent: bool,
    /// Of the spans that are done, in the order of the text.
    pub effects: Vec<Arc<SpanEffect>>,
    /// How far what they are given ranks them as their effects do.
    pub agreement: Agreement,
    /// The place of the chosen span.
    pub row: usize,
}

impl EffectSide {
    /// The pass that the pane shows.
    pub fn capture(&self) -> &Arc<Capture> {
        &self.question.capture
    }

    /// All spans, in the order of the text.
    pub fn spans(&self) -> &[HiddenSpan] {
        &self.question.spans
    }

    /// What is hidden at a time: the marked span only if there is one.
    pub fn unit(&self) -> HiddenUnit {
        match self.unit {
            HiddenUnit::Marked if self.cut_by != MARKED => HiddenUnit::Segments(SegmentRule::Auto),
            ref unit => unit.clone(),
        }
    }

    /// The next token that is looked at; nothing before the first span is done.
    pub fn target(&self) -> Option<&NextToken> {
        Some(&self.question.keys.as_ref()?.target)
    }

    /// Asks for what isn't known, unless that was asked for.
    fn ask(&mut self) -> Option<Effect> {
        if self.stage != EffectStage::Waiting || std::mem::replace(&mut self.is_sent, true) {
            return None;
        }
        self.question.done = self.effects.len();
        Some(Effect::Send(Request::Effect(self.question.clone())))
    }

    fn awaits(&self) -> bool {
        matches!(self.stage, EffectStage::Waiting | EffectStage::Running { .. })
    }
}

/// Effect on both panes.
#[derive(Debug, Clone, Default)]
pub struct SpanEffects {
    /// What is hidden at a time.
    pub unit: HiddenUnit,
    /// Left and right; nothing where a pane shows nothing.
    pub sides: [Option<EffectSide>; 2],
}

impl SpanEffects {
    /// Looks at what the panes show.
    ///
    /// # Errors
    /// If no pane shows anything yet.
    pub(in crate::app) fn open(panes: &Panes) -> Result<Self, &'static str> {
        if panes.shown().next().is_some() { Ok(Self::default()) } else { Err(NOTHING_SHOWN) }
    }

    /// Begins anew where a pane shows something else, or another unit is hidden.
    fn look(&mut self, side: Side, panes: &Panes) {
        let pane = panes.pane(side);
        let Some(shown) = &pane.shown else { return };
        let capture = &shown.capture;
        let is_here = |old: &EffectSide| Arc::ptr_eq(old.capture(), capture) && old.unit == self.unit;
        if self.sides[side.index()].as_ref().is_some_and(is_here) {
            return;
        }
        let found = spans(&self.unit, pane, shown);
        let runs =
            |slot: &Slot| panes.resident(*slot).model.as_ref().is_some_and(|model| *model == capture.model);
        let slot = [side, side.other()].map(Side::slot).into_iter().find(runs);
        let name = &capture.model.name;
        let stage = match (&found, slot) {
            _ if !capture.model.has_output_head => {
                let why = format!("{name}: {NO_OUTPUT_HEAD}: it predicts nothing");
                EffectStage::Failed(WorkerError::Refused(why))
            }
            (Err(why), _) => EffectStage::Failed(WorkerError::Refused(why.clone())),
            (_, None) => EffectStage::Failed(WorkerError::ModelGone(name.clone())),
            _ => EffectStage::Waiting,
        };
        let (spans, cut_by) = found.unwrap_or_default();
        let question = EffectJob {
            asker: Asker(side.index()),
            slot: slot.unwrap_or(side.slot()),
            capture: capture.clone(),
            spans: spans.into(),
            done: 0,
            keys: None,
        };
        let (unit, effects, agreement) = (self.unit.clone(), Vec::new(), Agreement::default());
        let anew = EffectSide { question, unit, cut_by, stage, is_sent: false, effects, agreement, row: 0 };
        self.sides[side.index()] = Some(anew);
    }

    /// The pass with the next span hidden has come further.
    pub(in crate::app) fn running(&mut self, asker: Asker, done: usize, (layer, layers): (usize, usize)) {
        let side = self.sides.get_mut(asker.0).and_then(Option::as_mut);
        if let Some(side) = side.filter(|side| side.awaits() && side.effects.len() == done) {
            side.stage = EffectStage::Running { layer, layers };
        }
    }

    /// Takes an answer, unless something else was asked since.
    pub(in crate::app) fn found(
        &mut self,
        question: &EffectJob,
        found: Result<Arc<SpanEffect>, WorkerError>,
    ) {
        let side = self.sides.get_mut(question.asker.0).and_then(Option::as_mut);
        let is_next =
            |side: &&mut EffectSide| side.question.is(question) && side.effects.len() == question.done;
        let Some(side) = side.filter(is_next) else { return };
        match found {
            Ok(effect) => {
                side.effects.push(effect);
                side.question.keys.clone_from(&question.keys);
                let is_done = side.effects.len() == side.spans().len();
                side.stage = if is_done { EffectStage::Known } else { EffectStage::Waiting };
                side.agreement = Agreement::of(side.effects.iter().map(AsRef::as_ref));
            }
            Err(error) => side.stage = EffectStage::Failed(error),
        }
    }

    /// Hides by the next unit: by turns only where there are some, a marked span only where there is one.
    fn next_unit(&mut self, panes: &Panes) {
        let has_chat = panes.shown().any(|shown| shown.capture.chat.is_some());
        let has_span = panes.iter().any(|pane| pane.span.is_some());
        let rules = [SegmentRule::Auto, SegmentRule::Chat, SegmentRule::Paragraphs, SegmentRule::Sentences];
        let rules = rules.into_iter().filter(|rule| *rule != SegmentRule::Chat || has_chat);
        let marked = has_span.then_some(HiddenUnit::Marked);
        let units: Vec<HiddenUnit> =
            marked.into_iter().chain(rules.map(HiddenUnit::Segments)).chain([HiddenUnit::Words]).collect();
        // Without a marked span, that was the first rule.
        let at = units.iter().position(|unit| *unit == self.unit).unwrap_or(0);
        self.unit = units[(at + 1) % units.len()].clone();
    }

    /// Goes to what the last token gives the chosen span, in the panes.
    fn go_to_chosen(&self, panes: &mut Panes) -> Reaction {
        let side = panes.focus;
        let chosen = self.sides[side.index()].as_ref().and_then(|side| side.spans().get(side.row));
        if let (Some(span), Some(shown)) = (chosen, &panes.pane(side).shown) {
            let (bin, size) = (shown.matrix().bin(), shown.matrix().size());
            let column = Column::Key(span.tokens.start / bin);
            panes.point(side, Cursor { query: size.saturating_sub(1), column });
        }
        Reaction::ClosesToPanes(vec![])
    }
}

impl Panel for SpanEffects {
    fn command(&mut self, command: Command, panes: &mut Panes) -> Reaction {
        match command {
            Command::MarkSpan => {
                self.next_unit(panes);
                return Reaction::Stays(vec![]);
            }
            Command::Cancel if self.is_busy() => {
                return Reaction::Stays(vec![Effect::Send(Request::StopEffect)]);
            }
            Command::Open => return self.go_to_chosen(panes),
            Command::Back | Command::SpanEffect => return Reaction::Closes(vec![]),
            _ => {}
        }
        let Some(side) = &mut self.sides[panes.focus.index()] else { return Reaction::Passes };
        let Some(row) = row_after(command, side.row, side.spans().len()) else { return Reaction::Passes };
        side.row = row;
        Reaction::Stays(vec![])
    }

    fn head(&self, panes: &Panes) -> Option<(Side, View)> {
        Some((panes.focus, panes.focused().selection.view()))
    }

    fn scroll(&mut self, side: Side, (rows, _): (isize, isize), _: &Panes) {
        if let Some(side) = &mut self.sides[side.index()] {
            side.row = step(side.row, rows, side.spans().len());
        }
    }

    fn refresh(&mut self, panes: &mut Panes) -> Vec<Effect> {
        Side::BOTH.into_iter().for_each(|side| self.look(side, panes));
        self.sides.iter_mut().flatten().filter_map(EffectSide::ask).collect()
    }

    /// Goes on from the first span that isn't known.
    fn retry(&mut self, _: &mut Panes) -> bool {
        let mut any = false;
        for place in &mut self.sides {
            let Some(side) = place.as_mut().filter(|side| matches!(side.stage, EffectStage::Failed(_)))
            else {
                continue;
            };
            any = true;
            (side.stage, side.is_sent) = (EffectStage::Waiting, false);
            if side.effects.is_empty() {
                *place = None;
            }
        }
        any
    }

    fn is_busy(&self) -> bool {
        self.sides.iter().flatten().any(EffectSide::awaits)
    }

    /// When it is closed, nobody waits for it.
    fn close(&mut self) -> Vec<Effect> {
        let was_busy = self.is_busy();
        self.sides = Default::default();
        if was_busy { vec![Effect::Send(Request::StopEffect)] } else { vec![] }
    }
}

/// The spans that a unit cuts what a pane shows into, and by what.
///
/// # Errors
/// If it can't be cut so.
fn spans(
    unit: &HiddenUnit,
    pane: &Pane,
    shown: &DisplayedCapture,
) -> Result<(Vec<HiddenSpan>, &'static str), String> {
    let (capture, bin) = (&shown.capture, shown.matrix().bin());
    let words = || (HiddenSpan::words(&capture.tokens), "words");
    let rule = match (unit, &pane.span) {
        (HiddenUnit::Marked, Some(span)) => {
            let end = (span.cells.end * bin).min(capture.tokens.len());
            let tokens = (span.cells.start * bin).min(end.saturating_sub(1))..end;
            return Ok((vec![HiddenSpan::of(&capture.tokens, tokens)], MARKED));
        }
        (HiddenUnit::Words, _) => return Ok(words()),
        (HiddenUnit::Marked, None) => SegmentRule::Auto,
        (HiddenUnit::Segments(rule), _) => *rule,
    };
    let segments =
        Segments::new(capture, &shown.prompt, &Cut::Rule(rule)).map_err(|error| error.to_string())?;
    if segments.parts().len() < 2 {
        return Ok(words());
    }
    let named = segments.named().map(|(name, tokens)| HiddenSpan { name: name.to_owned(), tokens });
    Ok((named.collect(), segments.by()))
}
