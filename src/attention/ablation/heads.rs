//! Heads that are switched off.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::attention::ModelInfo;
use crate::vocabulary::{Instead, View, serde_as_text};

/// Heads that are off: what they would add to the residual stream, before the projection that heads share, so that its
/// bias stays, is zero, or what they give on average. Written `5.1, 6.9`, layer and head, both counted from zero; or
/// `mean: 5.1, 6.9`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Ablation {
    heads: BTreeSet<(usize, usize)>,
    instead: Instead,
}

impl Ablation {
    /// Whether all heads are on.
    pub fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }

    /// What stands in the place of these heads.
    pub fn instead(&self) -> Instead {
        self.instead
    }

    /// These heads, with something else in their place.
    #[must_use]
    pub fn replaced_by(self, instead: Instead) -> Self {
        Self { instead, ..self }
    }

    /// Whether what they give on average is put in their place, so that a pass depends on one with all heads on.
    pub fn needs_means(&self) -> bool {
        self.instead == Instead::Mean && !self.is_empty()
    }

    /// Whether a head is ablated.
    pub fn contains(&self, layer: usize, head: usize) -> bool {
        self.heads.contains(&(layer, head))
    }

    /// These heads and those of another set, with what stands in the place of these.
    #[must_use]
    pub fn with(&self, other: &Self) -> Self {
        Self { heads: &self.heads | &other.heads, instead: self.instead }
    }

    /// What stands behind a model's name where heads are off: ` without 0.1`, ` with 0.1 at its mean`; nothing where all are
    /// on.
    pub fn suffix(&self) -> String {
        if self.is_empty() { String::new() } else { format!(" {}", self.words()) }
    }

    /// What is put in the place of these heads, as people read it: `without 0.1, 2.3`, `with 0.1 at its mean`.
    pub fn words(&self) -> String {
        self.words_about(&self.list())
    }

    /// The same, with the heads called by other words: `without 0.1 and 2 more heads`.
    pub fn words_about(&self, heads: &str) -> String {
        match self.instead {
            Instead::Zero => format!("without {heads}"),
            Instead::Mean => format!("with {heads} {}", self.at_mean()),
        }
    }

    /// Where heads are that give what they give on average: `at its mean`, `at their means`.
    pub fn at_mean(&self) -> &'static str {
        if self.heads.len() == 1 { "at its mean" } else { "at their means" }
    }

    /// Their names alone: `5.1, 6.9`.
    pub fn list(&self) -> String {
        self.heads().map(|(layer, head)| format!("{layer}.{head}")).collect::<Vec<_>>().join(", ")
    }

    /// Switches a head off, or on again.
    pub fn toggle(&mut self, layer: usize, head: usize) {
        if !self.heads.remove(&(layer, head)) {
            self.heads.insert((layer, head));
        }
    }

    /// The ablated heads of a layer, in order.
    pub fn of_layer(&self, layer: usize) -> impl Iterator<Item = usize> + '_ {
        self.heads.range((layer, 0)..=(layer, usize::MAX)).map(|(_, head)| *head)
    }

    /// All ablated heads, layer after layer.
    pub fn heads(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.heads.iter().copied()
    }

    /// The first head that a model doesn't have.
    pub fn beyond(&self, model: &ModelInfo) -> Option<View> {
        let view = |(layer, head)| View::Head { layer, head };
        self.heads().map(view).find(|view| !model.has(*view))
    }
}

serde_as_text!(Ablation);

impl fmt::Display for Ablation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.needs_means() {
            write!(f, "{MEAN} ")?;
        }
        f.write_str(&self.list())
    }
}

/// What says that all heads are on.
const NONE: &str = "none";
/// What the text begins with of heads in whose place stands their mean.
const MEAN: &str = "mean:";

/// A text that names no heads.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "'{0}' is no head: write 5.1,6.9, layer and head counted from zero; mean:5.1,6.9 puts what each gives on average in \
     its place"
)]
pub struct ParseAblationError(String);

impl FromStr for Ablation {
    type Err = ParseAblationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim() == NONE {
            return Ok(Self::default());
        }
        let head = |name: &str| {
            let (layer, head) = name.trim().split_once('.')?;
            Some((layer.parse().ok()?, head.parse().ok()?))
        };
        let read = |name: &str| head(name).ok_or_else(|| ParseAblationError(name.to_owned()));
        let (text, instead) = match text.trim().strip_prefix(MEAN) {
            Some(heads) => (heads, Instead::Mean),
            None => (text, Instead::Zero),
        };
        Ok(Self { heads: text.split(',').map(read).collect::<Result<_, _>>()?, instead })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes_and_what_people_type() {
        let ablation: Ablation = "6.9,5.1, 5.1".parse().unwrap();
        assert_eq!(ablation.to_string(), "5.1, 6.9");
        assert_eq!(ablation.to_string().parse(), Ok(ablation));
        let mean: Ablation = "mean: 6.9,5.1".parse().unwrap();
        assert_eq!((mean.to_string().as_str(), mean.instead()), ("mean: 5.1, 6.9", Instead::Mean));
        assert_eq!(mean.to_string().parse(), Ok(mean));
        assert_eq!("none".parse(), Ok(Ablation::default()));
        for text in ["mean:", "mean", "none,0.1", "", "5", "5.", "5.1,", "5.1.2", "-1.0", "a.b"] {
            let error = text.parse::<Ablation>().unwrap_err();
            assert!(error.to_string().contains("5.1,6.9"), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_put_in_the_place_of_heads_reads_as_words() {
        let words = ["0.1", "0.1,2.3", "mean:0.1", "mean:0.1,2.3"].map(|heads| {
            let ablation: Ablation = heads.parse().unwrap();
            ablation.words()
        });
        assert_eq!(
            words,
            ["without 0.1", "without 0.1, 2.3", "with 0.1 at its mean", "with 0.1, 2.3 at their means"]
        );
        assert_eq!(Ablation::default().replaced_by(Instead::Mean).suffix(), "");
    }

    #[test]
    fn a_head_goes_off_and_on_again() {
        let mut ablation = Ablation::default();
        ablation.toggle(5, 9);
        ablation.toggle(5, 1);
        ablation.toggle(6, 0);
        assert_eq!(ablation.of_layer(5).collect::<Vec<_>>(), [1, 9]);
        assert!(ablation.contains(6, 0) && !ablation.contains(6, 1));
        ablation.toggle(6, 0);
        assert_eq!(ablation.heads().collect::<Vec<_>>(), [(5, 1), (5, 9)]);
        assert_eq!(ablation.of_layer(6).count(), 0);
    }
}
