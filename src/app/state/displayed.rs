//! A capture on screen: the view of it that is looked at, and what was computed of it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use super::by_layer::ByLayer;
use crate::attention::ablation::Swept;
use crate::attention::text::TextLayout;
use crate::attention::{
    Capture, CausalMatrix, Extent, LookedAt, NextToken, Normalisation, Pooled, Pooling, View,
};
use crate::worker::protocol::{JobId, WorkerError};

/// Computed matrices kept after they were looked at.
const KEPT_VIEWS: usize = 16;

/// A capture, and the view of it that is on screen.
#[derive(Debug, Clone)]
pub struct DisplayedCapture {
    /// The job that ran its prompt.
    pub job: JobId,
    /// The text of its prompt.
    pub prompt: String,
    /// What was captured of the pass.
    pub capture: Arc<Capture>,
    /// What is computed of it layer by layer.
    pub by_layer: ByLayer,
    /// What each head alone is worth, if somebody asked.
    pub(in crate::app) sweep: SweepStage,
    /// By how much the probability of each next token rises, by id, when heads are switched off: with these on
    /// before, or off after.
    changes: Vec<(u32, f32)>,
    view: View,
    /// Heads, and other views that are no matrix of the capture.
    computed: VecDeque<(View, Arc<CausalMatrix>)>,
    /// The matrix on screen in pixels, as it was last asked for.
    pooled: RefCell<Option<(Pixels, Arc<Pooled>)>>,
    /// How much each token is looked at as its cells say it, as that was last asked for.
    looked_at: RefCell<Option<(Normalisation, Arc<LookedAt>)>>,
    /// How much each token is looked at in some views, from all of their rows.
    exact_keys: VecDeque<((View, Normalisation), Arc<LookedAt>)>,
    /// Its text in lines, as it was last asked for: of so many columns, with or without names of special tokens.
    text: RefCell<Option<(Columns, Arc<TextLayout>)>>,
}

/// How far it is known what each head alone is worth.
#[derive(Debug, Clone, Default)]
pub enum SweepStage {
    /// Nobody asked.
    #[default]
    Unknown,
    /// So many of all heads are done.
    Running {
        /// Heads that are done.
        done: usize,
        /// All heads.
        all: usize,
    },
    /// It is known.
    Known(Arc<Swept>),
    /// It won't be known.
    Failed(WorkerError),
}
/// Columns of a line, and whether special tokens are not named.
type Columns = (usize, bool);

/// Normalisation, pooling, and rows of a pixel.
type Pixels = (Normalisation, Pooling, usize);

impl DisplayedCapture {
    /// A new capture, shown as the mean of everything; `beside` it another of the same prompt and model, if heads are
    /// off in one of them.
    pub fn new(job: JobId, prompt: String, capture: Arc<Capture>, beside: Option<&Capture>) -> Self {
        let changes = beside.map(|beside| changes(&capture, beside)).unwrap_or_default();
        Self {
            job,
            prompt,
            by_layer: ByLayer::new(&capture),
            sweep: SweepStage::default(),
            changes,
            view: View::Mean,
            computed: VecDeque::new(),
            pooled: RefCell::default(),
            looked_at: RefCell::default(),
            exact_keys: VecDeque::new(),
            text: RefCell::default(),
            capture,
        }
    }

    /// The same capture once more, of a newer job; `beside` as for a new one.
    pub(in crate::app) fn rerun(&mut self, job: JobId, prompt: String, beside: Option<&Capture>) {
        self.changes = beside.map(|beside| changes(&self.capture, beside)).unwrap_or_default();
        (self.job, self.prompt) = (job, prompt);
    }

    /// How far it is known what each head alone is worth.
    pub fn sweep(&self) -> &SweepStage {
        &self.sweep
    }

    /// What each head alone is worth, once that is known.
    pub fn swept(&self) -> Option<&Arc<Swept>> {
        match &self.sweep {
            SweepStage::Known(swept) => Some(swept),
            _ => None,
        }
    }

    /// Whether it is being found out what each head alone is worth.
    pub(in crate::app) fn is_sweeping(&self) -> bool {
        matches!(self.sweep, SweepStage::Running { .. })
    }

    /// The text that was read, in which the spans of tokens lie: the prompt, or the model's chat template around it.
    pub fn text(&self) -> &str {
        self.capture.chat.as_ref().map_or(&self.prompt, |chat| chat.text())
    }

    /// The token that covers a byte of the prompt.
    pub fn token_at(&self, byte: usize) -> Option<usize> {
        let byte = self.capture.chat.as_ref().map_or(Some(byte), |chat| chat.byte(byte))?;
        self.capture.tokens.iter().position(|token| token.span.contains(&byte))
    }

    /// What each row, and each column, stands for: a token, or the first and the last of several.
    pub fn labels(&self) -> &[String] {
        &self.capture.digest().labels
    }

    /// Whether each row, and each column, stands for special tokens only.
    pub fn special(&self) -> &[bool] {
        &self.capture.digest().special
    }

    /// The first and the last token of some cells, by their text: `write…story`; one of them, if that is all.
    pub fn passage(&self, cells: Range<usize>) -> String {
        let (tokens, unit) = (&self.capture.tokens, self.matrix().bin());
        let end = (cells.end * unit).min(tokens.len());
        match tokens.get(cells.start * unit..end) {
            Some([first, .., last]) => format!("{}…{}", first.label(), last.label()),
            Some([token]) => token.label(),
            _ => String::new(),
        }
    }

    /// The view on screen.
    pub fn view(&self) -> View {
        self.view
    }

    /// The matrix on screen.
    pub fn matrix(&self) -> &CausalMatrix {
        self.get(self.view).unwrap_or(&self.capture.mean)
    }

    /// What the colour scale of the matrix on screen is to show: [`Normalisation::extent`].
    pub fn extent(&self, normalisation: Normalisation) -> Extent {
        self.matrix().extents()[normalisation as usize]
    }

    /// A small picture of a layer's mean or of a head, value-weighted where the view on screen is; nothing until that
    /// is computed.
    pub fn picture(&self, view: View) -> Option<&CausalMatrix> {
        match view {
            View::Layer(_) | View::Head { .. } if self.view.is_value_weighted() => {
                self.by_layer.picture(view)
            }
            View::Layer(layer) => self.capture.digest().layer_pictures.get(layer),
            View::Head { layer, head } => Some(&self.capture.layers.get(layer)?.heads.get(head)?.thumbnail),
            _ => None,
        }
    }

    /// What the one colour scale of the pictures of all heads is to show.
    pub fn heads_extent(&self) -> Extent {
        if !self.view.is_value_weighted() {
            return self.capture.digest().heads;
        }
        self.by_layer.heads_extent()
    }

    /// Rows that are the same in another capture of this model: those of the text that both begin with.
    pub(in crate::app) fn same_cells(&self, other: &DisplayedCapture) -> usize {
        let (bin, other_bin) = (self.matrix().bin(), other.matrix().bin());
        if bin != other_bin {
            return 0;
        }
        let (a, b) = (&self.capture.tokens, &other.capture.tokens);
        let same = a.iter().zip(b.iter()).take_while(|(a, b)| a == b).count();
        if same == a.len().min(b.len()) { same.div_ceil(bin) } else { same / bin }
    }

    /// By how much the probability of a next token rises when heads are switched off, if some are, here or beside.
    pub fn change(&self, next: &NextToken) -> Option<f32> {
        self.changes.iter().find(|(id, _)| *id == next.token.id).map(|(_, change)| *change)
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

    /// How much each token is looked at in the view on screen: from all of its rows if that is known, else as the cells of its
    /// matrix say it, computed once and not for every frame.
    pub fn looked_at(&self, normalisation: Normalisation) -> Arc<LookedAt> {
        if let Some(exact) = self.exact_keys_of((self.view, normalisation)) {
            return exact.clone();
        }
        let mut kept = self.looked_at.borrow_mut();
        if let Some((_, looked_at)) = kept.as_ref().filter(|kept| kept.0 == normalisation) {
            return looked_at.clone();
        }
        let looked_at = LookedAt::by_token(self.matrix(), normalisation, self.capture.tokens.len());
        kept.insert((normalisation, Arc::new(looked_at))).1.clone()
    }

    /// Whether it is known from all rows how much each token is looked at in the view on screen.
    pub fn has_exact_keys(&self, normalisation: Normalisation) -> bool {
        self.exact_keys_of((self.view, normalisation)).is_some()
    }

    fn exact_keys_of(&self, of: (View, Normalisation)) -> Option<&Arc<LookedAt>> {
        self.exact_keys.iter().find(|kept| kept.0 == of).map(|kept| &kept.1)
    }

    /// Keeps how much each token is looked at in a view.
    pub(in crate::app) fn keep_looked_at(&mut self, of: (View, Normalisation), found: &Arc<LookedAt>) {
        self.exact_keys.retain(|kept| kept.0 != of);
        self.exact_keys.push_back((of, found.clone()));
        if self.exact_keys.len() > KEPT_VIEWS {
            self.exact_keys.pop_front();
        }
    }

    /// Its text in lines of so many columns, laid out once and not for every frame.
    pub fn text_layout(&self, columns: usize, hides_special: bool) -> Arc<TextLayout> {
        let wanted = (columns, hides_special);
        let mut kept = self.text.borrow_mut();
        if let Some((_, layout)) = kept.as_ref().filter(|kept| kept.0 == wanted) {
            return layout.clone();
        }
        let layout = Arc::new(TextLayout::new(&self.capture.tokens, hides_special, columns));
        kept.insert((wanted, layout)).1.clone()
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
    pub(in crate::app) fn show(&mut self, view: View) -> bool {
        let is_at_hand = self.get(view).is_some();
        if is_at_hand && view != self.view {
            self.view = view;
            self.pooled.take();
            self.looked_at.take();
        }
        is_at_hand
    }

    pub(in crate::app) fn keep(&mut self, view: View, matrix: Arc<CausalMatrix>) {
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

fn changes(capture: &Capture, beside: &Capture) -> Vec<(u32, f32)> {
    let sign = if capture.ablation.is_empty() { -1.0 } else { 1.0 };
    let listed = capture.next.iter().chain(&capture.drawn).map(|next| next.token.id);
    let change = |id: u32| Some(sign * (capture.probability_of(id)? - beside.probability_of(id)?));
    listed.filter_map(|id| Some((id, change(id)? as f32))).collect()
}
