//! What is computed of a capture layer by layer: value-weighted pictures, and how far heads moved when others went off.

use std::sync::Arc;

use crate::attention::ablation::MovedHead;
use crate::attention::{Capture, CausalMatrix, Extent, LayerPictures, View};
use crate::worker::protocol::{LayerAnswer, LayerQuestion};

/// Heads that are kept of those that moved.
const MOVED: usize = 8;

/// What is known of a capture layer by layer.
#[derive(Debug, Clone)]
pub struct ByLayer {
    /// The value-weighted pictures of each layer.
    pictures: Vec<Option<Arc<LayerPictures>>>,
    heads_extent: Extent,
    /// The heads that moved most, the farthest first.
    moved: Vec<MovedHead>,
    /// Layers that were compared, from the first one on.
    compared: usize,
    asked: Option<(usize, LayerQuestion)>,
}

impl ByLayer {
    /// Of a capture: nothing yet.
    pub(in crate::app) fn new(capture: &Capture) -> Self {
        // A head moves others only after it.
        let first = capture.ablation.heads().next().map_or(0, |(layer, _)| layer + 1);
        let compared = if capture.before.is_some() { first } else { capture.layers.len() };
        let pictures = vec![None; capture.layers.len()];
        Self { pictures, heads_extent: Extent::NONE, moved: Vec::new(), compared, asked: None }
    }

    /// The value-weighted picture of a layer or a head, if it is there.
    pub fn picture(&self, view: View) -> Option<&CausalMatrix> {
        let pictures = self.pictures.get(view.layer()?)?.as_ref()?;
        match view.head() {
            Some(head) => pictures.heads.get(head),
            None => Some(&pictures.mean),
        }
    }

    /// What one colour scale of the value-weighted pictures of all heads that are there is to show.
    pub fn heads_extent(&self) -> Extent {
        self.heads_extent
    }

    /// Nobody answers what was asked: somebody else asked it.
    pub(in crate::app) fn forget_question(&mut self) {
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

    /// The next layer to ask for, and what of it, unless an answer is on its way. Of `pictures`, the layer comes first,
    /// and the others only if they are wanted, too.
    pub(in crate::app) fn ask(
        &mut self,
        pictures: Option<(usize, bool)>,
        layers: usize,
    ) -> Option<(usize, LayerQuestion)> {
        if self.is_busy() {
            return None;
        }
        let has_none = |layer: &usize| self.pictures.get(*layer).is_some_and(Option::is_none);
        let picture = pictures.and_then(|(first, wants_others)| {
            let own = Some(first).filter(has_none);
            own.or_else(|| (0..layers).filter(|_| wants_others).find(has_none))
        });
        let moved = || (self.compared < layers).then_some((self.compared, LayerQuestion::Moved));
        self.asked = picture.map(|layer| (layer, LayerQuestion::Pictures)).or_else(moved);
        self.asked
    }

    /// Takes an answer.
    pub(in crate::app) fn take(&mut self, layer: usize, answer: LayerAnswer) {
        match answer {
            LayerAnswer::Pictures(pictures) => {
                let extents = pictures.heads.iter().map(CausalMatrix::extent_after_first_row);
                self.heads_extent = extents.fold(self.heads_extent, Extent::and);
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
