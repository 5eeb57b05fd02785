//! All heads of a model in numbers: to be sorted by one of them, and filtered.

use std::cmp::Reverse;
use std::fmt;
use std::str::FromStr;

use super::push::Push;
use super::statistics::{HeadStatistics, Over, Statistic};
use super::{Capture, ModelInfo, RepeatScores};
use crate::vocabulary::{LayerKind, View};

/// One head, and what is known of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeadEntry {
    /// Layer, from zero.
    pub layer: usize,
    /// Query head of that layer, from zero.
    pub head: usize,
    /// The key/value head that it shares.
    pub group: usize,
    /// What its layer sees.
    pub kind: LayerKind,
    /// Whether it has a sink: without one nothing goes there, and there is no such number.
    pub has_sink: bool,
    /// Over the prompt.
    pub statistics: HeadStatistics,
    /// On repeated random tokens, once they are known.
    pub repeated: Option<RepeatScores>,
    /// What it alone is worth, once that is known.
    pub swept: Option<f32>,
    /// What it adds to the logit of the likeliest next token, once that is known.
    pub push: Option<f32>,
    /// Its similarity to a chosen head, if one is chosen.
    pub similarity: Option<f32>,
}

impl HeadEntry {
    /// All heads of a capture, layer after layer, with what is known from the capture.
    pub fn all(capture: &Capture) -> Vec<Self> {
        let ModelInfo { windows, heads, has_sinks, .. } = &*capture.model;
        let size = capture.model.group_size();
        let scores = |layer: usize, head: usize| capture.repeated.as_ref()?.get(layer)?.get(head).copied();
        let entry = |layer: usize, head: usize| Self {
            layer,
            head,
            group: head / size,
            kind: LayerKind::of(windows.get(layer).copied().flatten()),
            has_sink: *has_sinks,
            statistics: capture.layers[layer].heads[head].statistics,
            repeated: scores(layer, head),
            swept: capture.swept.as_ref().and_then(|swept| swept.of(layer, head)),
            push: None,
            similarity: None,
        };
        (0..capture.layers.len()).flat_map(|layer| (0..*heads).map(move |head| entry(layer, head))).collect()
    }

    /// The same head with what it adds to a logit.
    #[must_use]
    pub fn pushing(self, push: &Push) -> Self {
        Self { push: push.head(self.layer, self.head).map(|head| head.total as f32), ..self }
    }

    /// A statistic of it; nothing if it is not known, or the head cannot have it.
    pub fn value(&self, statistic: Statistic) -> Option<f32> {
        match statistic.over() {
            Over::Prompt(..) => {
                let can_have = self.has_sink || !statistic.needs_sinks();
                can_have.then(|| self.statistics.get(statistic))?
            }
            Over::Repeated(score) => self.repeated.as_ref().map(score),
            Over::Sweep => self.swept,
        }
    }

    /// Its view.
    pub fn view(&self) -> View {
        View::Head { layer: self.layer, head: self.head }
    }
}

/// What heads are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HeadOrder {
    /// Layer after layer.
    Head,
    /// A statistic.
    By(Statistic),
    /// [`HeadEntry::push`].
    Push,
    /// [`HeadEntry::similarity`].
    Similarity,
}

impl Default for HeadOrder {
    fn default() -> Self {
        Self::By(Statistic::default())
    }
}

impl HeadOrder {
    /// All of them, in the order in which people go through them.
    pub fn all() -> impl Iterator<Item = Self> {
        [Self::Head]
            .into_iter()
            .chain(Statistic::in_turn().map(Self::By))
            .chain([Self::Push, Self::Similarity])
    }

    /// As the command line spells it. The patterns without `prompt-` are those on repeated random tokens.
    pub fn name(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::By(statistic) => statistic.id(),
            Self::Push => "push",
            Self::Similarity => "similarity",
        }
    }

    /// The number of a head that it is sorted by; nothing if it is not known, or heads are not sorted by a number.
    pub fn value(self, entry: &HeadEntry) -> Option<f32> {
        match self {
            Self::Head => None,
            Self::By(statistic) => entry.value(statistic),
            Self::Push => entry.push,
            Self::Similarity => entry.similarity,
        }
    }

    /// Sorts heads, the largest number first, what is not known last; heads that are equal stay in order.
    pub fn sort<T>(self, entries: &mut [T], entry: impl Fn(&T) -> &HeadEntry) {
        // As whole numbers in the order of the values, so that each value is looked up once.
        let key = |item: &T| {
            let bits = self.value(entry(item)).unwrap_or(f32::NEG_INFINITY).to_bits() as i32;
            Reverse(bits ^ (((bits >> 31) as u32) >> 1) as i32)
        };
        entries.sort_by_cached_key(key);
    }
}

impl fmt::Display for HeadOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for HeadOrder {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Without a head that is chosen nothing is similar to it.
        let known = || Self::all().filter(|order| *order != Self::Similarity);
        known().find(|order| order.name() == text).ok_or_else(|| {
            let names: Vec<&str> = known().map(Self::name).collect();
            format!("'{text}' is nothing that heads are sorted by: use {}", names.join(", "))
        })
    }
}

/// Which heads are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HeadFilter {
    /// Only heads of layers of this kind.
    pub kind: Option<LayerKind>,
    /// Only heads that share this key/value head.
    pub group: Option<usize>,
}

impl HeadFilter {
    /// Whether a head is listed.
    pub fn takes(self, entry: &HeadEntry) -> bool {
        self.kind.is_none_or(|kind| kind == entry.kind) && self.group.is_none_or(|group| group == entry.group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(head: usize, sink_mass: f32, induction: Option<f32>) -> HeadEntry {
        HeadEntry {
            layer: 0,
            head,
            group: head / 2,
            kind: if head == 3 { LayerKind::Full } else { LayerKind::Sliding },
            has_sink: true,
            statistics: HeadStatistics::default().with(Statistic::Sink, sink_mass),
            repeated: induction.map(|induction| RepeatScores { induction, ..RepeatScores::default() }),
            swept: None,
            push: induction.map(|induction| 0.5 - induction),
            similarity: None,
        }
    }

    fn sorted(order: HeadOrder) -> Vec<usize> {
        let mut entries =
            [entry(0, 0.5, None), entry(1, 0.1, Some(0.2)), entry(2, 0.9, Some(0.7)), entry(3, 0.5, None)];
        order.sort(&mut entries, |entry| entry);
        entries.iter().map(|entry| entry.head).collect()
    }

    #[test]
    fn the_largest_comes_first_and_what_is_not_known_last() {
        assert_eq!(sorted(HeadOrder::Head), [0, 1, 2, 3]);
        assert_eq!(sorted(HeadOrder::By(Statistic::Sink)), [2, 0, 3, 1]);
        assert_eq!(sorted(HeadOrder::By(Statistic::Induction)), [2, 1, 0, 3]);
        assert_eq!(sorted(HeadOrder::Push), [1, 2, 0, 3], "what pushes against it is known, too");
        let without = HeadEntry { has_sink: false, ..entry(0, 0.0, None) };
        assert_eq!(without.value(Statistic::Sink), None, "no sink, no number");
    }

    #[test]
    fn filters_add_up() {
        let taken = |filter: HeadFilter| {
            (0..4).filter(|head| filter.takes(&entry(*head, 0.0, None))).collect::<Vec<_>>()
        };
        assert_eq!(taken(HeadFilter::default()), [0, 1, 2, 3]);
        assert_eq!(taken(HeadFilter { kind: Some(LayerKind::Sliding), group: None }), [0, 1, 2]);
        assert_eq!(taken(HeadFilter { kind: Some(LayerKind::Sliding), group: Some(1) }), [2]);
    }

    #[test]
    fn orders_are_read_by_name() {
        for order in HeadOrder::all().filter(|order| *order != HeadOrder::Similarity) {
            assert_eq!(order.to_string().parse(), Ok(order));
        }
        assert!("size".parse::<HeadOrder>().unwrap_err().contains("first-token, entropy"));
    }
}
