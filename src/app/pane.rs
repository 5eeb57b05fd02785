//! One of the two models on screen: its load, its pass, and what it has to show.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;

use super::{Cursor, Scores, Scroll, Selection, Span, Viewport};
use crate::attention::{Capture, CausalMatrix, ModelCard, Normalisation, Pooled, Pooling, View};
use crate::worker::protocol::{JobId, LoadProgress, Request};

/// Computed matrices kept after they were looked at.
const KEPT_VIEWS: usize = 16;
/// Rows and columns of a layer's thumbnail, at most.
const THUMBNAIL_CELLS: usize = 16;

/// How a load stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Load {
    /// Asked for; nothing was heard of it yet.
    Waiting,
    /// Under way.
    Running(LoadProgress),
    /// The model is resident.
    Ready,
    /// It failed: what, where, what to do.
    Failed(String),
}

/// How the newest prompt stands.
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
    /// It failed: what, where, what to do.
    Failed(String),
}

/// A capture, and the view of it that is on screen.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Names the prompt it came from.
    pub job: JobId,
    /// Its text.
    pub prompt: String,
    /// What was captured.
    pub capture: Arc<Capture>,
    /// What each row, and each column, stands for: a token, or a range of token numbers.
    pub labels: Vec<String>,
    /// The mean of each layer, pooled to a few cells by their maximum.
    pub layer_thumbnails: Vec<CausalMatrix>,
    /// The largest [`CausalMatrix::peak_after_first_row`] of all heads' thumbnails.
    pub heads_peak: f32,
    view: View,
    /// The top of the colour scale for each normalisation.
    peaks: [f32; Normalisation::ALL.len()],
    /// Heads, and other views that are no matrix of the capture.
    computed: VecDeque<(View, Arc<CausalMatrix>)>,
    /// The matrix on screen in pixels, as it was last asked for.
    pooled: RefCell<Option<(Pixels, Arc<Pooled>)>>,
}

/// Normalisation, pooling, and rows of a pixel.
type Pixels = (Normalisation, Pooling, usize);

impl Shown {
    /// A new capture, shown as the mean of everything.
    pub fn new(job: JobId, prompt: String, capture: Arc<Capture>) -> Self {
        let layer_thumbnails = capture.layers.iter().map(|layer| pooled(&layer.mean)).collect();
        let peaks = peaks(&capture.mean);
        let labels = capture.labels();
        let heads_peak = capture.heads_peak();
        let (view, computed, pooled) = (View::Mean, VecDeque::new(), RefCell::default());
        Self { job, prompt, capture, labels, layer_thumbnails, heads_peak, view, peaks, computed, pooled }
    }

    /// The view on screen.
    pub fn view(&self) -> View {
        self.view
    }

    /// The matrix on screen.
    pub fn matrix(&self) -> &CausalMatrix {
        self.get(self.view).unwrap_or(&self.capture.mean)
    }

    /// Where the colour scale of the matrix on screen ends: [`Normalisation::peak`].
    pub fn peak(&self, normalisation: Normalisation) -> f32 {
        self.peaks[normalisation as usize]
    }

    /// The matrix on screen in pixels of `bin` × `bin` cells, pooled once and not for every frame.
    pub fn pooled(&self, normalisation: Normalisation, pooling: Pooling, bin: usize) -> Arc<Pooled> {
        let pixels = (normalisation, pooling, bin);
        let mut kept = self.pooled.borrow_mut();
        if let Some((_, pooled)) = kept.as_ref().filter(|kept| kept.0 == pixels) {
            return pooled.clone();
        }
        let pooled = Arc::new(Pooled::new(self.matrix(), normalisation, pooling, bin));
        kept.insert((pixels, pooled)).1.clone()
    }

    /// A matrix that is at hand.
    fn get(&self, view: View) -> Option<&CausalMatrix> {
        match view {
            View::Mean => Some(&self.capture.mean),
            View::Layer(layer) => self.capture.layers.get(layer).map(|layer| &layer.mean),
            _ => self.computed.iter().find(|computed| computed.0 == view).map(|computed| &*computed.1),
        }
    }

    /// Shows a view if its matrix is at hand.
    fn show(&mut self, view: View) -> bool {
        let Some(matrix) = self.get(view) else { return false };
        if view != self.view {
            (self.peaks, self.view) = (peaks(matrix), view);
            self.pooled.take();
        }
        true
    }

    fn keep(&mut self, view: View, matrix: Arc<CausalMatrix>) {
        let on_screen = self.view;
        self.computed.retain(|computed| computed.0 != view);
        self.computed.push_back((view, matrix));
        if self.computed.len() > KEPT_VIEWS
            && let Some(oldest) = self.computed.iter().position(|computed| computed.0 != on_screen)
        {
            self.computed.remove(oldest);
        }
    }
}

/// One of the two models on screen.
#[derive(Debug, Clone)]
pub struct Pane {
    /// As it was asked for: `demo:gpt2`.
    pub reference: String,
    /// How the newest load stands.
    pub load: Load,
    /// The resident model; stays while another is loading.
    pub model: Option<Arc<ModelCard>>,
    /// How the newest prompt stands.
    pub pass: Pass,
    /// What is on screen: of an earlier prompt, while the newest is still running.
    pub shown: Option<Shown>,
    /// What the heads of the model score on repeated random tokens.
    pub scores: Scores,
    /// What is to be looked at. The screen follows once the matrix is there.
    pub selection: Selection,
    /// The cell that is looked at.
    pub cursor: Cursor,
    /// The tokens that are taken together, if any are marked.
    pub span: Option<Span>,
    /// The first cell on screen.
    pub scroll: Scroll,
    /// How many cells there is room for.
    pub viewport: Viewport,
    /// Which next token is to be appended, if another was chosen than the one of itself.
    pub(super) chosen: Option<usize>,
    /// A newer capture, put on screen when the head that is looked at is computed.
    incoming: Option<Shown>,
}

impl Pane {
    /// A pane for a model that is still to be loaded.
    pub fn new(reference: String) -> Self {
        Self {
            reference,
            load: Load::Waiting,
            model: None,
            pass: Pass::Idle,
            shown: None,
            scores: Scores::default(),
            selection: Selection::default(),
            cursor: Cursor::default(),
            span: None,
            scroll: Scroll::default(),
            viewport: Viewport::default(),
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
    pub(super) fn is_passing(&self) -> bool {
        matches!(self.pass, Pass::Waiting | Pass::Running { .. })
    }

    /// Whether the head to be looked at is being computed.
    pub fn awaits_head(&self) -> bool {
        self.incoming.is_some()
            || self.shown.as_ref().is_some_and(|shown| shown.view != self.selection.view())
    }

    /// What it shows, in a pane that runs nothing.
    pub(super) fn pinned(&self) -> Option<Self> {
        self.shown.as_ref()?;
        Some(Self { load: Load::Ready, pass: Pass::Idle, incoming: None, ..self.clone() })
    }

    /// The model whose layers and heads can be looked at: that of the picture, which is another than the resident one
    /// until a new one has read the prompt.
    pub fn card(&self) -> Option<&ModelCard> {
        let shown = self.incoming.as_ref().or(self.shown.as_ref());
        shown.map(|shown| &*shown.capture.model).or(self.model.as_deref())
    }

    /// Goes on with the resident model, if there is one, and without what was to take its place.
    pub(super) fn keep_model(&mut self) {
        if let Some(model) = &self.model {
            self.reference = model.name.clone();
            self.load = Load::Ready;
        }
    }

    /// Takes a new capture of a prompt.
    pub(super) fn take(&mut self, job: JobId, prompt: String, capture: Arc<Capture>) {
        self.selection = self.selection.within(&capture.model);
        self.incoming = Some(Shown::new(job, prompt, capture));
        if self.shown.is_none() {
            self.promote();
        }
    }

    /// Keeps a head that was computed, if it is of a capture that is here. Returns whether it was waited for.
    pub(super) fn keep(&mut self, capture: &Arc<Capture>, view: View, matrix: &Arc<CausalMatrix>) -> bool {
        let found = self.find(capture);
        let is_found = found.map(|shown| shown.keep(view, Arc::clone(matrix))).is_some();
        is_found && self.selection.view() == view
    }

    /// Gives up a head that can't be computed, if it was waited for.
    pub(super) fn give_up(&mut self, capture: &Arc<Capture>, view: View, error: &str) -> bool {
        let waited = self.selection.view() == view && self.find(capture).is_some();
        if waited {
            self.pass = Pass::Failed(error.to_owned());
            self.stay();
        }
        waited
    }

    fn find(&mut self, capture: &Arc<Capture>) -> Option<&mut Shown> {
        let captures = [self.incoming.as_mut(), self.shown.as_mut()];
        captures.into_iter().flatten().find(|shown| Arc::ptr_eq(&shown.capture, capture))
    }

    /// Brings the screen to what is selected, if its matrix is at hand; else says what to compute.
    pub(super) fn refresh(&mut self) -> Option<Request> {
        let view = self.selection.view();
        let target = self.incoming.as_mut().or(self.shown.as_mut())?;
        if !target.show(view) {
            return Some(Request::View { capture: target.capture.clone(), view });
        }
        self.promote();
        self.clamp();
        None
    }

    /// Goes to what is on screen, or to what a head that isn't is averaged into.
    fn stay(&mut self) {
        let view = self.shown.as_ref().map_or(View::Mean, Shown::view);
        self.selection = match view {
            View::Mean | View::Layer(_) => self.selection.at(view),
            view => self.selection.at(view.layer().map_or(View::Mean, View::Layer)),
        };
    }

    /// Whether the matrix has more cells than there is room for; not known before it is on screen.
    pub fn is_cut(&self) -> bool {
        let size = self.shown.as_ref().map_or(0, |shown| shown.matrix().size());
        self.viewport != Viewport::default() && size > self.viewport.rows.min(self.viewport.keys)
    }

    /// Takes how much there is room for. With cells of another size the cursor comes to the middle.
    pub(super) fn resize(&mut self, viewport: Viewport) {
        let old = std::mem::replace(&mut self.viewport, viewport);
        if old.cell == viewport.cell { self.point(self.cursor) } else { self.center() }
    }

    /// Brings the cursor to the middle of the screen.
    pub(super) fn center(&mut self) {
        self.scroll = self.scroll.centering(self.cursor, self.viewport);
        self.clamp();
    }

    /// Moves the cursor, and the part on screen after it.
    pub(super) fn point(&mut self, cursor: Cursor) {
        self.cursor = cursor;
        self.clamp();
        self.scroll = self.scroll.revealing(self.cursor, self.viewport);
    }

    /// Keeps cursor and scroll inside the matrix.
    pub(super) fn clamp(&mut self) {
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
        if old.is_none_or(|old| old.capture.tokens != shown.capture.tokens) {
            let start = Cursor::start(shown.matrix());
            (self.scroll, self.span) = (Scroll::default(), None);
            self.point(start);
        }
    }
}

fn peaks(matrix: &CausalMatrix) -> [f32; Normalisation::ALL.len()] {
    Normalisation::ALL.map(|normalisation| normalisation.peak(matrix))
}

/// At most [`THUMBNAIL_CELLS`] rows and columns, each the largest value of the cells it stands for.
fn pooled(matrix: &CausalMatrix) -> CausalMatrix {
    let size = matrix.size();
    let bin = size.div_ceil(THUMBNAIL_CELLS).max(1);
    let mut pooled = CausalMatrix::zeros(size, bin, matrix.sinks().is_some());
    let mut rows = pooled.rows_mut();
    for query in 0..size {
        rows.raise_row(query, 0, matrix.row(query), matrix.sink(query).unwrap_or(0.0));
    }
    pooled
}
