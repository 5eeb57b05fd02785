//! One of the two models on screen: its load, its pass, and what it has to show.

use std::sync::Arc;

use super::cursor::{Cursor, Scroll, Viewport};
use super::displayed::DisplayedCapture;
use super::scores::ScoreBook;
use super::selection::Selection;
use super::span::Span;
use super::text_place::TextPlace;
use crate::attention::{Capture, CausalMatrix, ModelInfo, View};
use crate::worker::protocol::{Asker, JobId, LoadProgress, Request, ViewJob, WorkerError};

/// The number of the pane that shows what is pinned, if anything is. The other two have 0 and 1.
const PINNED: Asker = Asker(2);

/// The state of a load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Load {
    /// No model was asked for.
    Absent,
    /// Asked for; nothing was heard of it yet.
    Waiting,
    /// Under way.
    Running(LoadProgress),
    /// The model is resident.
    Ready,
    /// It failed, or was stopped.
    Failed(WorkerError),
}

/// The state of the pass over the newest prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pass {
    /// Nothing is asked for.
    Idle,
    /// Asked for; nothing was heard of it yet.
    Waiting,
    /// Under way.
    Running {
        /// Layers that are done.
        layer: usize,
        /// Layers of the model.
        layers: usize,
    },
    /// It failed, or was stopped.
    Failed(WorkerError),
}

/// One of the two models on screen.
#[derive(Debug, Clone)]
pub struct Pane {
    /// The number by which it asks the worker.
    pub(in crate::app) asker: Asker,
    /// As it was asked for: `demo:gpt2`.
    pub reference: String,
    /// The state of the newest load.
    pub load: Load,
    /// The resident model; stays while another is loading.
    pub model: Option<Arc<ModelInfo>>,
    /// The state of the pass over the newest prompt.
    pub pass: Pass,
    /// What is on screen: of an earlier prompt, while the newest is still running.
    pub shown: Option<DisplayedCapture>,
    /// What the heads of the model score on repeated random tokens.
    pub scores: ScoreBook,
    /// What is to be looked at. The screen follows once the matrix is there.
    pub selection: Selection,
    /// The cell that is looked at.
    pub cursor: Cursor,
    /// The tokens that are taken together, if any are marked.
    pub span: Option<Span>,
    /// Where the program put the cursor last. Where it is elsewhere, the user chose its place.
    pub(in crate::app) first_cursor: Option<Cursor>,
    /// Whether the text on screen is new, and nobody has looked for a place for the cursor.
    pub(in crate::app) is_new: bool,
    /// Whether the text on screen is new, and nobody knows whether its matrix fits.
    pub(in crate::app) is_unmeasured: bool,
    /// The first cell on screen.
    pub scroll: Scroll,
    /// How many cells there is room for.
    pub viewport: Viewport,
    /// The place in the text, where that is on screen in the place of the matrix.
    pub text: TextPlace,
    /// Which next token is to be appended, if another was chosen than the one of itself.
    pub(in crate::app) chosen: Option<usize>,
    /// A newer capture, put on screen when the head that is looked at is computed.
    incoming: Option<DisplayedCapture>,
}

impl Pane {
    /// A pane for a model that is still to be loaded. No other one that is there has its number.
    pub fn new(asker: Asker, reference: String) -> Self {
        Self {
            asker,
            reference,
            load: Load::Waiting,
            model: None,
            pass: Pass::Idle,
            shown: None,
            scores: ScoreBook::default(),
            selection: Selection::default(),
            cursor: Cursor::default(),
            span: None,
            first_cursor: None,
            is_new: false,
            is_unmeasured: false,
            scroll: Scroll::default(),
            viewport: Viewport::default(),
            text: TextPlace::default(),
            chosen: None,
            incoming: None,
        }
    }

    /// Whether something is under way.
    pub fn is_busy(&self) -> bool {
        matches!(self.load, Load::Waiting | Load::Running(_))
            || self.is_passing() && self.model.is_some()
            || self.awaits_head()
    }

    /// Whether the newest prompt is to be run, or is running.
    pub fn is_passing(&self) -> bool {
        matches!(self.pass, Pass::Waiting | Pass::Running { .. })
    }

    /// Whether a newer capture waits for the head that is looked at.
    pub(in crate::app) fn has_incoming(&self) -> bool {
        self.incoming.is_some()
    }

    /// Whether the head to be looked at is being computed.
    pub fn awaits_head(&self) -> bool {
        self.incoming.is_some()
            || self.shown.as_ref().is_some_and(|shown| shown.view() != self.selection.view())
    }

    /// What it shows, in a pane that runs nothing.
    pub(in crate::app) fn pinned(&self) -> Option<Self> {
        let mut pinned = Self { load: Load::Ready, pass: Pass::Idle, incoming: None, ..self.clone() };
        // It asks the worker for itself.
        pinned.asker = PINNED;
        pinned.shown.as_mut()?.by_layer.forget_question();
        Some(pinned)
    }

    /// The model whose layers and heads can be looked at: that of the picture, which is another than the resident one
    /// until a new one has read the prompt.
    pub fn info(&self) -> Option<&ModelInfo> {
        let shown = self.incoming.as_ref().or(self.shown.as_ref());
        shown.map(|shown| &*shown.capture.model).or(self.model.as_deref())
    }

    /// Goes on with the resident model, if there is one, and without what was to take its place.
    pub(in crate::app) fn keep_model(&mut self) {
        if let Some(model) = &self.model {
            self.reference = model.name.clone();
            self.load = Load::Ready;
        }
    }

    /// Takes a new capture of a prompt, or the one it has once more; `beside` as in [`DisplayedCapture::new`].
    pub(in crate::app) fn take(
        &mut self,
        job: JobId,
        prompt: String,
        capture: Arc<Capture>,
        beside: Option<&Capture>,
    ) {
        if let Some(shown) = self.shown.as_mut().filter(|shown| Arc::ptr_eq(&shown.capture, &capture)) {
            shown.rerun(job, prompt, beside);
            self.incoming = None;
            return;
        }
        self.selection = self.selection.within(&capture.model);
        self.incoming = Some(DisplayedCapture::new(job, prompt, capture, beside));
        if self.shown.is_none() {
            self.promote();
        }
    }

    /// Keeps a head that was computed, if it is of a capture that is here. Returns whether it was waited for.
    pub(in crate::app) fn keep(
        &mut self,
        capture: &Arc<Capture>,
        view: View,
        matrix: &Arc<CausalMatrix>,
    ) -> bool {
        let found = self.find(capture);
        let is_found = found.map(|shown| shown.keep(view, Arc::clone(matrix))).is_some();
        is_found && self.selection.view() == view
    }

    /// Gives up a head that can't be computed, if it was waited for.
    pub(in crate::app) fn give_up(
        &mut self,
        capture: &Arc<Capture>,
        view: View,
        error: &WorkerError,
    ) -> bool {
        let waited = self.selection.view() == view && self.find(capture).is_some();
        if waited {
            self.pass = Pass::Failed(error.clone());
            self.stay();
        }
        waited
    }

    fn find(&mut self, capture: &Arc<Capture>) -> Option<&mut DisplayedCapture> {
        let captures = [self.incoming.as_mut(), self.shown.as_mut()];
        captures.into_iter().flatten().find(|shown| Arc::ptr_eq(&shown.capture, capture))
    }

    /// Brings the screen to what is selected, if its matrix is at hand; else says what to compute.
    pub(in crate::app) fn refresh(&mut self) -> Option<Request> {
        let view = self.selection.view();
        let target = self.incoming.as_mut().or(self.shown.as_mut())?;
        if !target.show(view) {
            return Some(Request::View(ViewJob { asker: self.asker, capture: target.capture.clone(), view }));
        }
        self.promote();
        self.clamp();
        None
    }

    /// Goes to what is on screen, or to what a head that isn't is averaged into.
    fn stay(&mut self) {
        let view = self.shown.as_ref().map_or(View::Mean, DisplayedCapture::view);
        let at_hand = view.layer().map_or(View::Mean, View::Layer);
        self.selection = Selection { is_value_weighted: false, ..self.selection.at(at_hand) };
    }

    /// Whether the matrix has more cells than there is room for; not known before it is on screen.
    pub fn is_cut(&self) -> bool {
        let size = self.shown.as_ref().map_or(0, |shown| shown.matrix().size());
        self.viewport != Viewport::default() && size > self.viewport.rows.min(self.viewport.keys)
    }

    /// The first cell on screen where there is room for so many: with cells of another size the cursor comes to the
    /// middle, with as large ones it stays in sight.
    pub fn scroll_in(&self, viewport: Viewport) -> Scroll {
        let Some(shown) = self.shown.as_ref().filter(|_| viewport != self.viewport) else {
            return self.scroll;
        };
        let size = shown.matrix().size();
        if self.viewport.cell == viewport.cell {
            self.scroll.within(size, viewport).revealing(self.cursor, viewport)
        } else {
            self.scroll.centering(self.cursor, viewport).within(size, viewport)
        }
    }

    /// Takes how much there is room for.
    pub(in crate::app) fn fit(&mut self, viewport: Viewport) {
        (self.scroll, self.viewport) = (self.scroll_in(viewport), viewport);
    }

    /// Scrolls by so many cells.
    pub(in crate::app) fn scroll_by(&mut self, rows: isize, columns: isize) {
        self.scroll.row = self.scroll.row.saturating_add_signed(rows);
        self.scroll.key = self.scroll.key.saturating_add_signed(columns);
        self.clamp();
    }

    /// Brings the cursor to the middle of the screen.
    pub(in crate::app) fn center(&mut self) {
        self.scroll = self.scroll.centering(self.cursor, self.viewport);
        self.clamp();
    }

    /// Moves the cursor, and the part on screen after it.
    pub(in crate::app) fn point(&mut self, cursor: Cursor) {
        self.cursor = cursor;
        self.clamp();
        self.scroll = self.scroll.revealing(self.cursor, self.viewport);
    }

    /// What went wrong last, if it did.
    pub fn error(&self) -> Option<String> {
        match (&self.load, &self.pass) {
            (Load::Failed(error), _) => Some(error.about("load")),
            (_, Pass::Failed(error)) => Some(error.about("pass")),
            _ => None,
        }
    }

    /// The model of the picture, which stays until another one has read the prompt; before there is one, the resident
    /// model.
    pub fn pictured(&self) -> Option<&ModelInfo> {
        self.shown.as_ref().map(|shown| &*shown.capture.model).or(self.model.as_deref())
    }

    /// Keeps cursor and scroll inside the matrix.
    pub(in crate::app) fn clamp(&mut self) {
        if let Some(shown) = &self.shown {
            self.cursor = self.cursor.within(shown.matrix());
            self.scroll = self.scroll.within(shown.matrix().size(), self.viewport);
        }
    }

    fn promote(&mut self) {
        let Some(incoming) = self.incoming.take() else { return };
        self.chosen = None;
        let old = self.shown.replace(incoming);
        let Some(shown) = &self.shown else { return };
        let same = old.as_ref().map_or(0, |old| shown.same_cells(old));
        if old.is_some_and(|old| old.capture.tokens == shown.capture.tokens) {
            return;
        }
        self.is_unmeasured = true;
        self.span.take_if(|span| span.cells.end > same);
        // Of a text that grew, the cells before are the same ones: what the user chose stays.
        let is_chosen = self.first_cursor.is_some_and(|first| first != self.cursor);
        if is_chosen && self.cursor.query < same {
            self.point(self.cursor);
            return;
        }
        let start = Cursor::start(shown.matrix());
        (self.scroll, self.is_new) = (Scroll::default(), true);
        self.point(start);
    }
}
