//! Which matrix of a capture is looked at.

use std::fmt;
use std::str::FromStr;

/// A matrix of a capture. Written `mean`, `layer:3`, `head:3.5`, layers and heads counted from zero.
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
}

impl View {
    /// The layer, unless this is the mean of all.
    pub fn layer(self) -> Option<usize> {
        match self {
            View::Mean => None,
            View::Layer(layer) | View::Head { layer, .. } => Some(layer),
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
        }
    }
}

/// A text that names no view.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("'{0}' is no view: use mean, layer:3 or head:3.5 (counted from zero)")]
pub struct ParseViewError(String);

impl FromStr for View {
    type Err = ParseViewError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or_else(|| ParseViewError(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<View> {
    if text == "mean" {
        return Some(View::Mean);
    }
    let (kind, number) = text.split_once(':')?;
    match kind {
        "layer" => Some(View::Layer(number.parse().ok()?)),
        "head" => {
            let (layer, head) = number.split_once('.')?;
            Some(View::Head { layer: layer.parse().ok()?, head: head.parse().ok()? })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for view in [View::Mean, View::Layer(3), View::Head { layer: 3, head: 5 }] {
            assert_eq!(view.to_string().parse(), Ok(view));
        }
    }

    #[test]
    fn refuses_what_is_no_view() {
        for text in ["", "head:3", "layer:", "layer:-1", "head:3.x", "rollouts"] {
            let error = text.parse::<View>().unwrap_err();
            assert!(error.to_string().contains("head:3.5"), "{error}");
        }
    }
}
