//! Where a pane is between the mean of everything and a single head.

use crate::attention::{ModelCard, View};
use crate::config::keys::Command;

/// Layers that a page of heads goes up or down.
const PAGE: isize = 8;

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

impl Depth {
    fn deeper(self) -> Self {
        match self {
            Depth::Mean => Depth::Layer,
            Depth::Layer | Depth::Head => Depth::Head,
        }
    }

    fn back(self) -> Self {
        match self {
            Depth::Head => Depth::Layer,
            Depth::Layer | Depth::Mean => Depth::Mean,
        }
    }
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

    /// Changed as a command says; `None` if the command changes no view.
    pub fn changed(self, command: Command, model: Option<&ModelCard>) -> Option<Self> {
        Some(match command {
            Command::Mean => Self { depth: Depth::Mean, ..self },
            Command::Open => Self { depth: self.depth.deeper(), ..self },
            Command::Back => Self { depth: self.depth.back(), ..self },
            Command::PreviousLayer => self.layer_by(-1, model),
            Command::NextLayer => self.layer_by(1, model),
            Command::PreviousHead => self.head_by(-1, model),
            Command::NextHead => self.head_by(1, model),
            _ => return None,
        })
    }

    /// The layer `by` further. Where layers are averaged over, the remembered one is shown first.
    fn layer_by(self, by: isize, model: Option<&ModelCard>) -> Self {
        match (self.depth, model) {
            (Depth::Mean, _) => Self { depth: Depth::Layer, ..self },
            (_, Some(model)) => Self { layer: step(self.layer, by, model.layers), ..self },
            (_, None) => self,
        }
    }

    /// The head `by` further. Where heads are averaged over, the remembered one is shown first.
    fn head_by(self, by: isize, model: Option<&ModelCard>) -> Self {
        match (self.depth, model) {
            (Depth::Mean | Depth::Layer, _) => Self { depth: Depth::Head, ..self },
            (_, Some(model)) => Self { head: step(self.head, by, model.heads), ..self },
            (_, None) => self,
        }
    }

    /// The head that a command goes to from this one, where all heads are on screen, a row per layer;
    /// `None` if it goes to none.
    pub fn walked(self, command: Command, model: &ModelCard) -> Option<Self> {
        let (layers, heads) = match command {
            Command::CursorUp | Command::PreviousLayer => (-1, 0),
            Command::CursorDown | Command::NextLayer => (1, 0),
            Command::CursorLeft | Command::PreviousHead => (0, -1),
            Command::CursorRight | Command::NextHead => (0, 1),
            Command::PageUp => (-PAGE, 0),
            Command::PageDown => (PAGE, 0),
            Command::RowStart => (0, isize::MIN),
            Command::RowEnd => (0, isize::MAX),
            _ => return None,
        };
        Some(self.walked_by(layers, heads, model))
    }

    /// The head so many layers and heads further.
    pub fn walked_by(self, layers: isize, heads: isize, model: &ModelCard) -> Self {
        Self {
            depth: Depth::Head,
            layer: step(self.layer, layers, model.layers),
            head: step(self.head, heads, model.heads),
        }
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
