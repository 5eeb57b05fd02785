//! Which matrix of a capture is looked at.

use std::fmt;
use std::str::FromStr;

/// Which keys a layer's queries see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LayerKind {
    /// Those within a window.
    Sliding,
    /// All.
    Full,
}

impl LayerKind {
    /// Of a layer with that window.
    pub fn of(window: Option<usize>) -> Self {
        if window.is_some() { LayerKind::Sliding } else { LayerKind::Full }
    }

    /// `sliding` or `full`.
    pub fn name(self) -> &'static str {
        match self {
            LayerKind::Sliding => "sliding",
            LayerKind::Full => "full",
        }
    }
}

/// A matrix of a capture. Written `mean`, `layer:3`, `head:3.5`, `group:3.1`, `sliding`, `full`, `rollout`;
/// layers, heads and groups counted from zero.
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
    /// What of the first layer's input is in the last layer's output, by attention alone:
    /// [`rollout`](super::rollout::rollout).
    Rollout,
}

impl View {
    /// The layer, unless several come together.
    pub fn layer(self) -> Option<usize> {
        match self {
            View::Layer(layer) | View::Head { layer, .. } | View::Group { layer, .. } => Some(layer),
            View::Mean | View::Kind(_) | View::Rollout => None,
        }
    }

    /// The head, if it is one.
    pub fn head(self) -> Option<usize> {
        match self {
            View::Head { head, .. } => Some(head),
            _ => None,
        }
    }
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            View::Mean => f.write_str("mean"),
            View::Layer(layer) => write!(f, "layer:{layer}"),
            View::Head { layer, head } => write!(f, "head:{layer}.{head}"),
            View::Group { layer, group } => write!(f, "group:{layer}.{group}"),
            View::Kind(kind) => f.write_str(kind.name()),
            View::Rollout => f.write_str("rollout"),
        }
    }
}

/// A text that names no view.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "'{0}' is no view: use mean, layer:3, head:3.5, group:3.1 (all counted from zero), sliding, full or rollout"
)]
pub struct ParseViewError(String);

impl FromStr for View {
    type Err = ParseViewError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or_else(|| ParseViewError(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<View> {
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
        for view in [View::Mean, View::Rollout].into_iter().chain(kinds).chain(parts) {
            assert_eq!(view.to_string().parse(), Ok(view));
        }
    }

    #[test]
    fn refuses_what_is_no_view() {
        for text in ["", "head:3", "layer:", "layer:-1", "head:3.x", "group:3", "rollouts", "mean:", "full:1"]
        {
            let error = text.parse::<View>().unwrap_err();
            assert!(error.to_string().contains("head:3.5"), "{error}");
        }
    }
}
