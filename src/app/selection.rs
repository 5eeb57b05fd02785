//! Where a pane is between the mean of everything and a single head.

use crate::attention::{ModelCard, View};

/// How deep a pane looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Depth {
    /// The mean over all layers and heads.
    #[default]
    Mean,
    /// The mean over the heads of a layer.
    Layer,
    /// One head.
    Head,
}

/// What a pane is set to. Layer and head are remembered where they are averaged over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Selection {
    /// How deep.
    pub depth: Depth,
    /// The layer to go to.
    pub layer: usize,
    /// The head to go to.
    pub head: usize,
}

impl Selection {
    /// The view it stands for.
    pub fn view(self) -> View {
        match self.depth {
            Depth::Mean => View::Mean,
            Depth::Layer => View::Layer(self.layer),
            Depth::Head => View::Head { layer: self.layer, head: self.head },
        }
    }

    /// Set to a view; what the view averages over is remembered.
    pub fn at(self, view: View) -> Self {
        let depth = match view {
            View::Mean => Depth::Mean,
            View::Layer(_) => Depth::Layer,
            View::Head { .. } => Depth::Head,
        };
        Self { depth, layer: view.layer().unwrap_or(self.layer), head: view.head().unwrap_or(self.head) }
    }

    /// One step deeper.
    pub fn opened(self) -> Self {
        let depth = if self.depth == Depth::Mean { Depth::Layer } else { Depth::Head };
        Self { depth, ..self }
    }

    /// One step back.
    pub fn closed(self) -> Self {
        let depth = if self.depth == Depth::Head { Depth::Layer } else { Depth::Mean };
        Self { depth, ..self }
    }

    /// The layer `by` further. Where layers are averaged over, the remembered one is shown first.
    pub fn layer_by(self, by: isize, model: &ModelCard) -> Self {
        if self.depth == Depth::Mean {
            return Self { depth: Depth::Layer, ..self };
        }
        Self { layer: step(self.layer, by, model.layers), ..self }
    }

    /// The head `by` further. Where heads are averaged over, the remembered one is shown first.
    pub fn head_by(self, by: isize, model: &ModelCard) -> Self {
        if self.depth != Depth::Head {
            return Self { depth: Depth::Head, ..self };
        }
        Self { head: step(self.head, by, model.heads), ..self }
    }

    /// Moved along with the other pane, to its layer and head where this model has them.
    pub fn following(self, other: Self, model: Option<&ModelCard>) -> Self {
        let has = |at: usize, count: Option<usize>| count.is_none_or(|count| at < count);
        Self {
            depth: other.depth,
            layer: if has(other.layer, model.map(|m| m.layers)) { other.layer } else { self.layer },
            head: if has(other.head, model.map(|m| m.heads)) { other.head } else { self.head },
        }
    }

    /// What of it a model has.
    pub fn within(self, model: &ModelCard) -> Self {
        let last = |count: usize| count.saturating_sub(1);
        Self { layer: self.layer.min(last(model.layers)), head: self.head.min(last(model.heads)), ..self }
    }
}

/// `at` moved by `by` within 0 .. `count`.
pub(super) fn step(at: usize, by: isize, count: usize) -> usize {
    at.saturating_add_signed(by).min(count.saturating_sub(1))
}
