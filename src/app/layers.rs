//! What is computed of a capture layer by layer while it is on screen: value-weighted pictures, and how far heads
//! moved when others went off. One layer is asked for at a time, so that nothing goes on that nobody looks at.

use std::sync::Arc;

use super::{Effect, Mode, Shown, State};
use crate::attention::ablation::MovedHead;
use crate::attention::{Capture, CausalMatrix, LayerPictures, View};
use crate::worker::protocol::{LayerAnswer, LayerJob, LayerQuestion, Request, Side};

/// Heads that are kept of those that moved.
const MOVED: usize = 8;

/// What is known of a capture layer by layer.
#[derive(Debug, Clone)]
pub struct ByLayer {
    /// The value-weighted pictures of each layer.
    pictures: Vec<Option<Arc<LayerPictures>>>,
    /// The heads that moved most, the farthest first.
    moved: Vec<MovedHead>,
    /// Layers that were compared, from the first one on.
    compared: usize,
    asked: Option<(usize, LayerQuestion)>,
}

impl ByLayer {
    /// Of a capture: nothing yet.
    pub(super) fn new(capture: &Capture) -> Self {
        // A head moves others only after it.
        let first = capture.ablation.heads().next().map_or(0, |(layer, _)| layer + 1);
        let compared = if capture.before.is_some() { first } else { capture.layers.len() };
        let pictures = vec![None; capture.layers.len()];
        Self { pictures, moved: Vec::new(), compared, asked: None }
    }

    /// The value-weighted picture of a layer or a head, if it is there.
    pub fn picture(&self, view: View) -> Option<&CausalMatrix> {
        let pictures = self.pictures.get(view.layer()?)?.as_ref()?;
        match view.head() {
            Some(head) => pictures.heads.get(head),
            None => Some(&pictures.mean),
        }
    }

    /// The value-weighted pictures of all heads that are there.
    pub fn heads(&self) -> impl Iterator<Item = &CausalMatrix> {
        self.pictures.iter().flatten().flat_map(|pictures| &pictures.heads)
    }

    /// Nobody answers what was asked: somebody else asked it.
    pub(super) fn forget_question(&mut self) {
        self.asked = None;
    }

    /// Whether something is being computed.
    pub fn is_busy(&self) -> bool {
        self.asked.is_some()
    }

    /// The heads whose attention moved most when others went off, the farthest first, and how many layers were looked
    /// at for that; nothing where none are off, or their model was not run with all.
    pub fn moved(&self, capture: &Capture) -> Option<(&[MovedHead], usize)> {
        capture.before.as_ref().map(|_| (self.moved.as_slice(), self.compared))
    }

    fn take(&mut self, layer: usize, answer: LayerAnswer) {
        match answer {
            LayerAnswer::Pictures(pictures) => {
                if let Some(place) = self.pictures.get_mut(layer) {
                    *place = Some(pictures);
                }
                self.answered(layer, LayerQuestion::Pictures);
            }
            LayerAnswer::Moved(heads) => {
                // The same answer may come twice: two panes may show one capture.
                if layer == self.compared {
                    self.compared += 1;
                    self.moved.extend(heads.into_iter().filter(|head| head.divergence > 0.0));
                    self.moved.sort_by(|a, b| b.divergence.total_cmp(&a.divergence));
                    self.moved.truncate(MOVED);
                }
                self.answered(layer, LayerQuestion::Moved);
            }
        }
    }

    fn answered(&mut self, layer: usize, question: LayerQuestion) {
        if self.asked == Some((layer, question)) {
            self.asked = None;
        }
    }
}

/// Asks for the next layer of what is on screen, unless one is on its way.
pub(super) fn refresh(state: &mut State) -> Vec<Effect> {
    Side::BOTH.into_iter().filter_map(|side| ask(state, side)).collect()
}

fn ask(state: &mut State, side: Side) -> Option<Effect> {
    let is_grid = matches!(state.mode, Mode::HeadGrid(_)) && state.focus == side;
    let pane = state.pane_mut(side);
    let (selection, asker) = (pane.selection, pane.asker);
    let shown = pane.shown.as_mut()?;
    let (is_weighted, layers) = (shown.view().is_value_weighted(), shown.capture.layers.len());
    let by_layer = &mut shown.by_layer;
    if by_layer.is_busy() {
        return None;
    }
    let has_none = |layer: &usize| by_layer.pictures.get(*layer).is_some_and(Option::is_none);
    let picture = is_weighted.then(|| {
        let own = Some(selection.layer).filter(has_none);
        let is_over_layers = is_grid || selection.depth.is_over_layers();
        own.or_else(|| (0..layers).filter(|_| is_over_layers).find(has_none))
    });
    let moved = || (by_layer.compared < layers).then_some((by_layer.compared, LayerQuestion::Moved));
    let picture = picture.flatten().map(|layer| (layer, LayerQuestion::Pictures));
    let (layer, question) = picture.or_else(moved)?;
    by_layer.asked = Some((layer, question));
    Some(Effect::Send(Request::Layer(LayerJob { asker, capture: shown.capture.clone(), layer, question })))
}

/// Takes an answer to every pane that shows the capture.
pub(super) fn found(state: &mut State, capture: &Arc<Capture>, layer: usize, answer: &LayerAnswer) {
    let is_it = |shown: &&mut Shown| Arc::ptr_eq(&shown.capture, capture);
    let behind = state.pin.as_mut().map(|pin| &mut pin.behind);
    let panes = state.panes.iter_mut().chain(behind);
    for shown in panes.filter_map(|pane| pane.shown.as_mut()).filter(is_it) {
        shown.by_layer.take(layer, answer.clone());
    }
}
