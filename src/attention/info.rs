//! What a model is.

use super::{LayerKind, View};

/// What stands where next tokens would, of a model that has nothing to predict them with.
pub const NO_OUTPUT_HEAD: &str = "no output head";

/// A model, as its pane's title and an export's recipe name it.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelInfo {
    /// As it was asked for: `openai-community/gpt2`, a folder, `demo:gpt2`.
    pub name: String,
    /// The commit its files came from, if they came from the hub.
    pub revision: Option<String>,
    /// `gpt2` or `gpt_oss`, as config.json says.
    pub family: String,
    /// Number of layers.
    pub layers: usize,
    /// Query heads of a layer.
    pub heads: usize,
    /// Key/value heads of a layer.
    pub kv_heads: usize,
    /// Keys a query sees in each layer, itself included; `None` sees all.
    pub windows: Vec<Option<usize>>,
    /// Whether its heads have learned sinks, so that rows sum to less than 1.
    pub has_sinks: bool,
    /// Whether its file has, or shares with the embedding, what predicts the next token.
    pub has_output_head: bool,
    /// Longest prompt, in tokens.
    pub context: usize,
    /// Size of the vocabulary.
    pub vocabulary: usize,
    /// Number of weights.
    pub parameters: u64,
    /// How the weights are held: `f32`, `bf16`, `mxfp4`.
    pub precision: String,
    /// Where they are held: `cpu`, `cuda:0`.
    pub device: String,
    /// Bytes they take there.
    pub resident_bytes: u64,
    /// What its files ask for and this program does not do, a sentence each.
    pub notes: Vec<String>,
}

/// A view that a model doesn't have.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("{view}: {name} has {has}")]
pub struct NoSuchView {
    view: View,
    name: String,
    has: String,
}

impl NoSuchView {
    /// What there is in its place: `gpt2 has layers 0 to 11 and heads 0 to 11`.
    pub fn there_is(&self) -> String {
        format!("{} has {}", self.name, self.has)
    }
}

impl ModelInfo {
    /// Query heads that share a key/value head.
    pub fn group_size(&self) -> usize {
        (self.heads / self.kv_heads.max(1)).max(1)
    }

    /// The layers of a kind, in order.
    pub fn layers_of(&self, kind: LayerKind) -> impl Iterator<Item = usize> + '_ {
        let windows = self.windows.iter().enumerate();
        windows.filter(move |(_, window)| LayerKind::of(**window) == kind).map(|(layer, _)| layer)
    }

    /// Checks that it has the layers and heads that a view is made of.
    ///
    /// # Errors
    /// If it hasn't.
    pub fn check(&self, view: View) -> Result<(), NoSuchView> {
        let Self { name, layers, heads, kv_heads, .. } = self;
        if self.has(view) {
            return Ok(());
        }
        let has = match view {
            View::Kind(kind) => format!("no {} layers", kind.name()),
            View::Group { .. } => format!("layers 0 to {} and groups 0 to {}", layers - 1, kv_heads - 1),
            _ => format!("layers 0 to {} and heads 0 to {}", layers - 1, heads - 1),
        };
        Err(NoSuchView { view, name: name.clone(), has })
    }

    /// Whether it has the layers and heads that a view is made of.
    pub fn has(&self, view: View) -> bool {
        match view.attention() {
            View::Mean | View::Rollout | View::ValueWeighted(_) => true,
            View::Layer(layer) => layer < self.layers,
            View::Head { layer, head } => layer < self.layers && head < self.heads,
            View::Group { layer, group } => layer < self.layers && group < self.kv_heads,
            View::Kind(kind) => self.layers_of(kind).next().is_some(),
        }
    }
}
