//! Both panes: their models, what each shows, what is pinned in the place of one, and how the other one follows the
//! one that keys go to. It is always there; the other panels read from it, and lie in its place.

use std::ops::Range;
use std::sync::Arc;

use crate::app::action::Effect;
use crate::app::state::ablations::Ablations;
use crate::app::state::cursor::{Column, Cursor};
use crate::app::state::displayed::DisplayedCapture;
use crate::app::state::link;
use crate::app::state::pane::{Load, Pane, Pass};
use crate::app::state::scores::Scores;
use crate::app::state::selection::{Depth, Selection};
use crate::app::state::side::Side;
use crate::app::state::span::Span;
use crate::attention::{Ablation, Capture, LayerKind, Normalisation, View};
use crate::worker::protocol::{JobId, Slot};

/// A pane that shows a capture that stays while newer prompts run.
#[derive(Debug, Clone)]
pub struct Pin {
    /// The side whose place it takes.
    pub side: Side,
    /// Whether it is what the model beside it does with all its heads on.
    pub is_before: bool,
    /// The pane whose place it takes; it goes on with its model.
    pub behind: Pane,
}

/// Both panes.
#[derive(Debug, Clone)]
pub struct Panes {
    /// Left and right, as they are on screen.
    pub both: [Pane; 2],
    /// What is pinned, if anything is.
    pub pin: Option<Pin>,
    /// Heads that are switched off.
    pub ablations: Ablations,
    /// The pane that keys go to. The other one follows while they are linked.
    pub focus: Side,
    /// Whether the pane that keys don't go to follows the other one.
    pub linked: bool,
}

impl Panes {
    pub(in crate::app) fn new(left: Pane, right: Pane) -> Self {
        Self {
            both: [left, right],
            pin: None,
            ablations: Ablations::default(),
            focus: Side::Left,
            linked: true,
        }
    }

    /// Left and right.
    pub fn iter(&self) -> std::slice::Iter<'_, Pane> {
        self.both.iter()
    }

    /// What is on screen, left and right, as far as there is something.
    pub fn shown(&self) -> impl Iterator<Item = &DisplayedCapture> {
        self.iter().filter_map(|pane| pane.shown.as_ref())
    }

    /// Those on screen, and the one behind what is pinned.
    pub(in crate::app) fn all(&self) -> impl Iterator<Item = &Pane> {
        self.iter().chain(self.pin.as_ref().map(|pin| &pin.behind))
    }

    pub(in crate::app) fn all_mut(&mut self) -> impl Iterator<Item = &mut Pane> {
        self.both.iter_mut().chain(self.pin.as_mut().map(|pin| &mut pin.behind))
    }

    /// The pane on a side of the screen.
    pub fn pane(&self, side: Side) -> &Pane {
        &self.both[side.index()]
    }

    pub(in crate::app) fn pane_mut(&mut self, side: Side) -> &mut Pane {
        &mut self.both[side.index()]
    }

    /// The pane that keys go to.
    pub fn focused(&self) -> &Pane {
        self.pane(self.focus)
    }

    /// What is pinned on a side, if anything is.
    pub fn pinned(&self, side: Side) -> Option<&Pin> {
        self.pin.as_ref().filter(|pin| pin.side == side)
    }

    /// The pane that goes on with the model of a slot: on screen, or behind what is pinned there.
    pub fn resident(&self, slot: Slot) -> &Pane {
        let side = Side::of(slot);
        self.pinned(side).map_or(self.pane(side), |pin| &pin.behind)
    }

    pub(in crate::app) fn resident_mut(&mut self, slot: Slot) -> &mut Pane {
        let side = Side::of(slot);
        match &mut self.pin {
            Some(pin) if pin.side == side => &mut pin.behind,
            _ => &mut self.both[side.index()],
        }
    }

    /// Whether a slot has no model, and none was asked for.
    pub fn is_absent(&self, slot: Slot) -> bool {
        let pane = self.resident(slot);
        pane.load == Load::Absent && pane.model.is_none()
    }

    /// The slots that have a model, or for which one was asked for.
    pub(in crate::app) fn present(&self) -> Vec<Slot> {
        Slot::ALL.into_iter().filter(|slot| !self.is_absent(*slot)).collect()
    }

    /// Whether there is one model, with nothing pinned beside it.
    pub fn is_alone(&self) -> bool {
        self.pin.is_none() && self.present().len() < 2
    }

    /// Whether a load, a pass, or something that is computed of one is under way.
    pub(in crate::app) fn is_busy(&self) -> bool {
        self.all().any(|pane| pane.is_busy() || pane.scores.is_running())
            || self.shown().any(|shown| shown.by_layer.is_busy() || shown.is_sweeping())
    }

    /// Whether the pass of a model over the newest prompt failed.
    pub(in crate::app) fn has_failed_pass(&self) -> bool {
        Slot::ALL.into_iter().any(|slot| matches!(self.resident(slot).pass, Pass::Failed(_)))
    }

    /// The heads that are off in a pane: in what is pinned, or as it was last asked of the model.
    pub fn ablated_heads(&self, side: Side) -> Ablation {
        match (self.pinned(side), &self.pane(side).shown) {
            (Some(_), Some(shown)) => shown.capture.ablation.clone(),
            _ => self.ablations.of(side.slot()),
        }
    }

    /// What the heads of a capture's model score without the heads that were off in that capture, if the model is
    /// resident.
    pub fn scores_of(&self, shown: &DisplayedCapture) -> Option<&Scores> {
        let slot = self.slot_of(shown)?;
        Some(self.resident(slot).scores.of(&shown.capture.ablation))
    }

    /// Where the very model of a capture is resident.
    pub(in crate::app) fn slot_of(&self, shown: &DisplayedCapture) -> Option<Slot> {
        Slot::ALL.into_iter().find(|slot| {
            let resident = self.resident(*slot).model.as_ref();
            resident.is_some_and(|resident| Arc::ptr_eq(resident, &shown.capture.model))
        })
    }
}

/// How panes move, and how the other one follows.
impl Panes {
    /// Sets a pane to a view, and the other one after it.
    pub(in crate::app) fn select(&mut self, side: Side, selection: Selection) -> Vec<Effect> {
        let linked = self.linked;
        let pane = self.pane_mut(side);
        pane.selection = pane.info().map_or(selection, |model| selection.within(model));
        let other = self.pane_mut(side.other());
        if linked {
            other.selection = other.selection.following(selection, other.info());
        }
        self.both.iter_mut().filter_map(Pane::refresh).map(Effect::Send).collect()
    }

    /// Goes to a view of a side's model, if there is one.
    pub(in crate::app) fn go_to(&mut self, side: Side, view: View) -> Vec<Effect> {
        self.focus = side;
        let pane = self.pane(side);
        let Some(model) = pane.info() else { return vec![] };
        let selection = pane.selection.at(view).within(model);
        self.select(side, selection)
    }

    /// Moves the cursor of a pane, and the other one to the same text.
    pub(in crate::app) fn point(&mut self, side: Side, cursor: Cursor) {
        self.pane_mut(side).point(cursor);
        let (from, to) = (self.pane(side), self.pane(side.other()));
        if let Some(cursor) = link::same_place(from, from.cursor, to).filter(|_| self.linked) {
            self.pane_mut(side.other()).point(cursor);
        }
    }

    /// Moves the cursor of a pane to the row of a token and the key that is strongest there, and the other one to the same
    /// text.
    pub(in crate::app) fn point_to_token(&mut self, side: Side, token: usize, normalisation: Normalisation) {
        let pane = self.pane_mut(side);
        let Some(shown) = &pane.shown else { return };
        let token = token.min(shown.capture.tokens.len().saturating_sub(1));
        let cursor = Cursor::at_strongest(shown.matrix(), normalisation, token / shown.matrix().bin());
        pane.text.token = token;
        self.point(side, cursor);
        let [from, to] = [side, side.other()].map(|side| self.pane(side).shown.as_ref());
        let same = from.zip(to).and_then(|(from, to)| link::same_token(from, token, to));
        if let Some(token) = same.filter(|_| self.linked) {
            self.pane_mut(side.other()).text.token = token;
        }
    }

    /// Brings the other pane to view and cursor of one, if they are linked.
    pub(in crate::app) fn follow(&mut self, side: Side) -> Vec<Effect> {
        let (selection, cursor) = (self.pane(side).selection, self.pane(side).cursor);
        let effects = self.select(side, selection);
        self.point(side, cursor);
        effects
    }

    /// Goes from the mean of all layers to that of the sliding ones, of the full ones, and back. Which models have
    /// layers of a kind differs: a side without them keeps its mean of all.
    pub(in crate::app) fn next_layer_kind(&mut self) -> Vec<Effect> {
        let followers = || Side::BOTH.into_iter().filter(|side| self.linked || *side == self.focus);
        let depth =
            followers().map(|side| self.pane(side).selection.depth).find(|depth| *depth != Depth::Mean);
        let order = [LayerKind::Sliding, LayerKind::Full];
        let shown = order.iter().position(|kind| depth == Some(Depth::Kind(*kind)));
        let after = &order[shown.map_or(0, |at| at + 1)..];
        let has = |kind: LayerKind| {
            let model = |side: Side| self.pane(side).info();
            followers().filter_map(model).any(|model| model.has(View::Kind(kind)))
        };
        let next = after.iter().copied().find(|kind| has(*kind)).map_or(Depth::Mean, Depth::Kind);
        self.select(self.focus, Selection { depth: next, ..self.focused().selection })
    }

    /// Brings panes that were waiting to what they waited for.
    pub(in crate::app) fn refresh(&mut self, mut waited: impl FnMut(&mut Pane) -> bool) -> Vec<Effect> {
        let panes = self.all_mut().filter_map(|pane| waited(pane).then_some(pane));
        let effects = panes.filter_map(Pane::refresh).map(Effect::Send).collect();
        self.keep_linked();
        effects
    }

    /// Checks that both sides show one text, or one that is pinned beside another.
    ///
    /// # Errors
    /// If they don't: how the two texts could be compared.
    pub(in crate::app) fn check_one_text(&self) -> Result<(), &'static str> {
        let [Some(left), Some(right)] = self.both.each_ref().map(|pane| pane.shown.as_ref()) else {
            return Ok(());
        };
        if self.pin.is_some() || left.prompt == right.prompt {
            return Ok(());
        }
        let wrote = |shown: &DisplayedCapture| shown.capture.prompt_tokens() < shown.capture.tokens.len();
        Err(match wrote(left) || wrote(right) {
            true => "each model wrote its own text: let one write and the other read along",
            false => "the sides read two prompts: pin one to compare them",
        })
    }
}

/// What is pinned: a capture in the place of the other model, beside the model that it came from.
impl Panes {
    /// Shows a copy of what a pane shows in the place of the other pane, if it shows something.
    pub(in crate::app) fn pin(&mut self, of: Side, is_before: bool) -> Vec<Effect> {
        let Some(pinned) = self.pane(of).pinned() else { return vec![] };
        let side = of.other();
        let behind = std::mem::replace(self.pane_mut(side), pinned);
        self.pin = Some(Pin { side, is_before, behind });
        self.pane_mut(side).refresh().map(Effect::Send).into_iter().collect()
    }

    /// Gives the place of what is pinned back.
    pub(in crate::app) fn unpin(&mut self) -> Vec<Effect> {
        let Some(Pin { side, behind, .. }) = self.pin.take() else { return vec![] };
        *self.pane_mut(side) = behind;
        if self.linked { self.follow(side.other()) } else { vec![] }
    }

    /// A model has run without some heads: what it does with all is renewed beside it, if that is what is there.
    pub(in crate::app) fn refresh_pin(
        &mut self,
        of: Side,
        (job, prompt): (JobId, &str),
        after: &Capture,
    ) -> Option<Effect> {
        let pin = self.pin.as_ref().filter(|pin| pin.is_before && pin.side == of.other())?;
        let (before, side) = (after.before.clone()?, pin.side);
        let pane = self.pane_mut(side);
        pane.take(job, prompt.to_owned(), before, Some(after));
        pane.refresh().map(Effect::Send)
    }

    /// After a newer prompt has come on screen beside a pinned one, both cursors stand on the same text again.
    pub(in crate::app) fn keep_linked(&mut self) {
        if self.pin.is_some() && self.linked {
            self.point(self.focus, self.focused().cursor);
        }
    }
}

/// The span of tokens that are taken together.
impl Panes {
    /// Marks the token of the cursor's query in a text, else that of its key, or of its query where it is on the sink: one
    /// end of a span, then the other. The third time takes the span away. The other side's span covers the same text. Returns the name of a
    /// span whose other end is still to be marked; nothing is marked where nothing is shown.
    pub(in crate::app) fn mark_span(&mut self, in_text: bool) -> Option<String> {
        let pane = self.focused();
        let shown = pane.shown.as_ref()?;
        let at = match pane.cursor.column {
            Column::Key(key) if !in_text => key,
            Column::Key(_) | Column::Sink => pane.cursor.query,
        };
        let span = match &pane.span {
            None => Some(Span { cells: at..at + 1, is_open: true }),
            Some(Span { cells, is_open: true }) => {
                let cells: Range<usize> = cells.start.min(at)..cells.end.max(at + 1);
                Some(Span { cells, is_open: false })
            }
            Some(_) => None,
        };
        let name = span.as_ref().filter(|span| span.is_open).map(|span| span.name(shown));
        let other = self.pane(self.focus.other()).shown.as_ref().zip(span.as_ref()).and_then(|(to, span)| {
            let cells = link::same_cells(shown, &span.cells, to)?;
            Some(Span { cells, is_open: span.is_open })
        });
        self.pane_mut(self.focus).span = span;
        self.pane_mut(self.focus.other()).span = other;
        name
    }

    /// Takes the span away; false if there is none.
    pub(in crate::app) fn clear_span(&mut self) -> bool {
        let spans = Side::BOTH.map(|side| self.pane_mut(side).span.take());
        spans.iter().any(Option::is_some)
    }
}
