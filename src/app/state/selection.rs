//! Where a pane is between the mean of everything and a single head.

use super::step::step;
use crate::attention::{LayerKind, ModelInfo, View};
use crate::config::keys::Command;

/// Layers that a page of heads goes up or down.
const PAGE: isize = 8;

/// How much of a model a pane averages over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Depth {
    /// The mean over all layers and heads.
    #[default]
    Mean,
    /// The mean over all heads of the layers of a kind.
    Kind(LayerKind),
    /// Attention through all layers.
    Rollout,
    /// The mean over the heads of a layer.
    Layer,
    /// The mean over the heads of a layer that share keys.
    Group,
    /// One head.
    Head,
}

impl Depth {
    fn deeper(self) -> Self {
        match self {
            Depth::Mean | Depth::Kind(_) | Depth::Rollout => Depth::Layer,
            Depth::Layer | Depth::Group | Depth::Head => Depth::Head,
        }
    }

    fn back(self) -> Self {
        match self {
            Depth::Head | Depth::Group => Depth::Layer,
            Depth::Layer | Depth::Mean | Depth::Kind(_) | Depth::Rollout => Depth::Mean,
        }
    }

    /// Whether layers are averaged over, or otherwise taken together.
    pub fn is_over_layers(self) -> bool {
        matches!(self, Depth::Mean | Depth::Kind(_) | Depth::Rollout)
    }
}

/// What a pane is set to. Layer and head are remembered where they are averaged over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Selection {
    /// How much is averaged over.
    pub depth: Depth,
    /// The layer to go to.
    pub layer: usize,
    /// The head to go to.
    pub head: usize,
    /// The key/value head whose query heads are averaged over.
    pub group: usize,
    /// Whether means, layers and heads are value-weighted.
    pub is_value_weighted: bool,
}

impl Selection {
    /// The view it stands for.
    pub fn view(self) -> View {
        let view = match self.depth {
            Depth::Mean => View::Mean,
            Depth::Kind(kind) => View::Kind(kind),
            Depth::Rollout => View::Rollout,
            Depth::Layer => View::Layer(self.layer),
            Depth::Group => View::Group { layer: self.layer, group: self.group },
            Depth::Head => View::Head { layer: self.layer, head: self.head },
        };
        view.value_weighted().filter(|_| self.is_value_weighted).unwrap_or(view)
    }

    /// Set to a view; what the view averages over is remembered.
    pub fn at(self, view: View) -> Self {
        let depth = match view.attention() {
            View::Mean | View::ValueWeighted(_) => Depth::Mean,
            View::Kind(kind) => Depth::Kind(kind),
            View::Rollout => Depth::Rollout,
            View::Layer(_) => Depth::Layer,
            View::Group { .. } => Depth::Group,
            View::Head { .. } => Depth::Head,
        };
        let group = if let View::Group { group, .. } = view { group } else { self.group };
        let (layer, head) = (view.layer().unwrap_or(self.layer), view.head().unwrap_or(self.head));
        Self { depth, layer, head, group, ..self }
    }

    /// Changed as a command says; `None` if the command changes no view.
    pub fn changed(self, command: Command, model: Option<&ModelInfo>) -> Option<Self> {
        Some(match command {
            Command::Mean => Self { depth: Depth::Mean, ..self },
            Command::Rollout if self.depth == Depth::Rollout => Self { depth: Depth::Mean, ..self },
            Command::Rollout => Self { depth: Depth::Rollout, ..self },
            Command::ValueWeighted if self.is_value_weighted => Self { is_value_weighted: false, ..self },
            Command::ValueWeighted => {
                let depth = match self.depth {
                    Depth::Kind(_) | Depth::Rollout => Depth::Mean,
                    Depth::Group => Depth::Layer,
                    depth => depth,
                };
                Self { depth, is_value_weighted: true, ..self }
            }
            Command::KvGroup if self.depth == Depth::Group => Self { depth: Depth::Head, ..self },
            Command::KvGroup => {
                let group = model.map_or(0, |model| self.head / model.group_size());
                Self { depth: Depth::Group, group, ..self }
            }
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
    fn layer_by(self, by: isize, model: Option<&ModelInfo>) -> Self {
        match (self.depth, model) {
            (depth, _) if depth.is_over_layers() => Self { depth: Depth::Layer, ..self },
            (_, Some(model)) => Self { layer: step(self.layer, by, model.layers), ..self },
            (_, None) => self,
        }
    }

    /// The head, or the group of heads, `by` further. Where heads are averaged over, the remembered one is
    /// shown first.
    fn head_by(self, by: isize, model: Option<&ModelInfo>) -> Self {
        match (self.depth, model) {
            (Depth::Group, Some(model)) => {
                let group = step(self.group, by, model.kv_heads);
                Self { group, head: group * model.group_size(), ..self }
            }
            (depth, _) if depth == Depth::Layer || depth.is_over_layers() => {
                Self { depth: Depth::Head, ..self }
            }
            (_, Some(model)) => Self { head: step(self.head, by, model.heads), ..self },
            (_, None) => self,
        }
    }

    /// The head that a command goes to from this one, where all heads are on screen, a row per layer;
    /// `None` if it goes to none.
    pub fn moved(self, command: Command, model: &ModelInfo) -> Option<Self> {
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
        Some(self.moved_by(layers, heads, model))
    }

    /// The head so many layers and heads further.
    pub fn moved_by(self, layers: isize, heads: isize, model: &ModelInfo) -> Self {
        Self {
            depth: Depth::Head,
            layer: step(self.layer, layers, model.layers),
            head: step(self.head, heads, model.heads),
            ..self
        }
    }

    /// Moved along with the other pane, to its layer, head and group where this model has them.
    pub fn following(self, other: Self, model: Option<&ModelInfo>) -> Self {
        let Some(model) = model else { return other };
        let take = |theirs: usize, ours: usize, count: usize| if theirs < count { theirs } else { ours };
        let following = Self {
            depth: other.depth,
            layer: take(other.layer, self.layer, model.layers),
            head: take(other.head, self.head, model.heads),
            group: take(other.group, self.group, model.kv_heads),
            is_value_weighted: other.is_value_weighted,
        };
        following.within(model)
    }

    /// What of it a model has; in place of layers of a kind that it hasn't, all.
    pub fn within(self, model: &ModelInfo) -> Self {
        let last = |count: usize| count.saturating_sub(1);
        let depth = match self.depth {
            Depth::Kind(kind) if !model.has(View::Kind(kind)) => Depth::Mean,
            depth => depth,
        };
        let (layer, head) = (self.layer.min(last(model.layers)), self.head.min(last(model.heads)));
        Self { depth, layer, head, group: self.group.min(last(model.kv_heads)), ..self }
    }
}
