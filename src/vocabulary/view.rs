//! Which matrix of a capture is looked at.

use std::fmt;
use std::str::FromStr;

use strum::{EnumCount, EnumMessage, IntoStaticStr, VariantArray};

use super::names::{names, serde_as_text};

/// Which keys a layer's queries see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumCount, EnumMessage, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "lowercase")]
pub enum LayerKind {
    /// Those that see a window of keys.
    Sliding,
    /// Those that see all keys.
    Full,
}
names!(LayerKind, "kind of layers");

impl LayerKind {
    /// The kind of a layer with that window.
    pub fn of(window: Option<usize>) -> Self {
        if window.is_some() { LayerKind::Sliding } else { LayerKind::Full }
    }
}

/// The heads that value-weighted attention is averaged over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Weighted {
    /// The mean over all layers and heads.
    Mean,
    /// The mean over the heads of one layer.
    Layer(usize),
    /// One head.
    Head {
        /// Layer, from zero.
        layer: usize,
        /// Query head of that layer, from zero.
        head: usize,
    },
}

/// A matrix of a capture. Written `mean`, `layer:3`, `head:3.5`, `group:3.1`, `sliding`, `full`, `rollout`, the first
/// three also after `value-weighted:`; layers, heads and groups counted from zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum View {
    /// The mean over all layers and heads.
    #[default]
    Mean,
    /// The mean over the heads of one layer.
    Layer(usize),
    /// One head.
    Head {
        /// Layer, from zero.
        layer: usize,
        /// Query head of that layer, from zero.
        head: usize,
    },
    /// The mean over the heads of a layer that share a key/value head.
    Group {
        /// Layer, from zero.
        layer: usize,
        /// Key/value head of that layer, from zero.
        group: usize,
    },
    /// The mean over all heads of the layers of a kind.
    Kind(LayerKind),
    /// How much of the first layer's input is in the last layer's output, by attention alone:
    /// [`rollout`](crate::attention::rollout::rollout).
    Rollout,
    /// The length of what each key adds to the residual stream through a head: ‖α · v W_O‖ (Kobayashi et al. 2020).
    /// What goes to a sink adds nothing.
    ValueWeighted(Weighted),
}

impl View {
    /// The layer, unless several come together.
    pub fn layer(self) -> Option<usize> {
        match self.attention() {
            View::Layer(layer) | View::Head { layer, .. } | View::Group { layer, .. } => Some(layer),
            _ => None,
        }
    }

    /// The head, if it is one.
    pub fn head(self) -> Option<usize> {
        match self.attention() {
            View::Head { head, .. } => Some(head),
            _ => None,
        }
    }

    /// Whether it is value-weighted.
    pub fn is_value_weighted(self) -> bool {
        matches!(self, View::ValueWeighted(_))
    }

    /// The same heads value-weighted, if there is such a view.
    pub fn value_weighted(self) -> Option<Self> {
        Some(View::ValueWeighted(match self.attention() {
            View::Mean => Weighted::Mean,
            View::Layer(layer) => Weighted::Layer(layer),
            View::Head { layer, head } => Weighted::Head { layer, head },
            _ => return None,
        }))
    }

    /// The attention of the same heads.
    pub fn attention(self) -> Self {
        match self {
            View::ValueWeighted(Weighted::Mean) => View::Mean,
            View::ValueWeighted(Weighted::Layer(layer)) => View::Layer(layer),
            View::ValueWeighted(Weighted::Head { layer, head }) => View::Head { layer, head },
            view => view,
        }
    }

    /// As people read it: `layer 3, mean of its heads`.
    pub fn title(self) -> String {
        match self {
            View::Mean => "mean of all layers and heads".to_owned(),
            View::Layer(layer) => format!("layer {layer}, mean of its heads"),
            View::Head { layer, head } => format!("layer {layer}, head {head}"),
            View::Group { layer, group } => format!("layer {layer}, mean of KV group {group}"),
            View::Kind(kind) => format!("mean of the {kind} layers"),
            View::Rollout => "rollout".to_owned(),
            View::ValueWeighted(_) => format!("{}, value-weighted", self.attention().title()),
        }
    }

    /// As people read it where there is little room: `layer 3 · head 5`.
    pub fn short_title(self) -> String {
        match self {
            View::Mean => "mean".to_owned(),
            View::Layer(layer) => format!("layer {layer}"),
            View::Head { layer, head } => format!("layer {layer} · head {head}"),
            View::Group { layer, group } => format!("layer {layer} · KV group {group}"),
            View::Kind(kind) => format!("{kind} layers"),
            View::Rollout => "rollout".to_owned(),
            View::ValueWeighted(_) => format!("{} · values", self.attention().short_title()),
        }
    }
}
serde_as_text!(View);

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            View::Mean => f.write_str("mean"),
            View::Layer(layer) => write!(f, "layer:{layer}"),
            View::Head { layer, head } => write!(f, "head:{layer}.{head}"),
            View::Group { layer, group } => write!(f, "group:{layer}.{group}"),
            View::Kind(kind) => f.write_str(kind.name()),
            View::Rollout => f.write_str("rollout"),
            View::ValueWeighted(_) => write!(f, "{WEIGHTED}{}", self.attention()),
        }
    }
}

/// What the text of a value-weighted view begins with.
const WEIGHTED: &str = "value-weighted:";

/// A text that names no view.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "'{0}' is no view: use mean, layer:3, head:3.5, group:3.1 (all counted from zero), sliding, full, rollout or value-weighted:mean"
)]
pub struct ParseViewError(String);

impl FromStr for View {
    type Err = ParseViewError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or_else(|| ParseViewError(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<View> {
    if let Some(of) = text.strip_prefix(WEIGHTED) {
        return parse(of).filter(|view| !view.is_value_weighted())?.value_weighted();
    }
    let (kind, number) = text.split_once(':').unwrap_or((text, ""));
    let pair = || {
        let (layer, of_it) = number.split_once('.')?;
        Some((layer.parse().ok()?, of_it.parse().ok()?))
    };
    Some(match kind {
        "layer" => View::Layer(number.parse().ok()?),
        "head" => pair().map(|(layer, head)| View::Head { layer, head })?,
        "group" => pair().map(|(layer, group)| View::Group { layer, group })?,
        _ if kind != text => return None,
        "mean" => View::Mean,
        "sliding" => View::Kind(LayerKind::Sliding),
        "full" => View::Kind(LayerKind::Full),
        "rollout" => View::Rollout,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        let kinds = [LayerKind::Sliding, LayerKind::Full].map(View::Kind);
        let parts = [View::Layer(3), View::Head { layer: 3, head: 5 }, View::Group { layer: 3, group: 1 }];
        let weighted = [View::Mean, parts[0], parts[1]].map(|view| view.value_weighted().unwrap());
        assert_eq!(weighted[2].to_string(), "value-weighted:head:3.5");
        assert_eq!(weighted.map(View::attention), [View::Mean, parts[0], parts[1]]);
        for view in [View::Mean, View::Rollout].into_iter().chain(kinds).chain(parts).chain(weighted) {
            assert_eq!(view.to_string().parse(), Ok(view));
        }
    }

    #[test]
    fn refuses_what_is_no_view() {
        for text in [
            "",
            "head:3",
            "layer:",
            "layer:-1",
            "head:3.x",
            "group:3",
            "rollouts",
            "mean:",
            "full:1",
            "value-weighted",
            "value-weighted:full",
            "value-weighted:value-weighted:mean",
        ] {
            let error = text.parse::<View>().unwrap_err();
            assert!(error.to_string().contains("head:3.5"), "{error}");
        }
    }
}
