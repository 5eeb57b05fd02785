//! Push, or direct logit attribution (Elhage et al. 2021): what each part of a pass adds to the logit of a next token. All
//! parts together are the logit, because the residual stream is their sum and the norm behind it is held where it is.
//!
//! These are direct effects only: a later head may undo what an earlier one adds.

use std::fmt;

use super::{ModelInfo, NextToken, View};

/// What each part of a pass adds to the logit of a token after another, in logits.
#[derive(Debug, Clone, PartialEq)]
pub struct Push {
    /// The position of the token that the next one is predicted after.
    pub query: usize,
    /// The next token whose logit is told apart.
    pub target: NextToken,
    /// The likeliest next tokens after it, the likeliest first.
    pub next: Vec<NextToken>,
    /// The token whose logit is taken off, if one is. Without it, the mean of all logits is.
    pub versus: Option<NextToken>,
    /// The logit of `target` less that of `versus`, or less the mean of all: what the parts add up to. Caps of logits are
    /// left off.
    pub logit: f64,
    /// What the embedding adds, position included.
    pub embedding: f64,
    /// What biases add: of output projections, of norms and of the head.
    pub biases: f64,
    /// What heads that are off add in whose place stands what they give on average; nothing where no head has its mean. It
    /// comes from no key.
    pub means: Option<f64>,
    /// What the MLP of each layer adds, its biases included.
    pub mlps: Vec<f64>,
    /// The heads, by layer and then by head.
    pub heads: Vec<HeadPush>,
    /// Every part and what it adds, those of the largest magnitude first.
    parts: Vec<(Part, f64)>,
    /// \[query + 1\]
    by_key: Vec<f32>,
}

/// What [`Part::Means`] is called where there is room.
pub const MEANS: &str = "means of heads off";

/// A part of a pass that adds to the residual stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// The embedding, position included.
    Embedding,
    /// All biases but those of MLPs.
    Biases,
    /// The means that stand in the place of heads that are off, all together.
    Means,
    /// The MLP of a layer; all of its experts together.
    Mlp(usize),
    /// A head.
    Head {
        /// Layer, from zero.
        layer: usize,
        /// Query head of that layer, from zero.
        head: usize,
    },
}

impl Part {
    /// The head, if it is one.
    pub fn view(self) -> Option<View> {
        if let Self::Head { layer, head } = self { Some(View::Head { layer, head }) } else { None }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedding => f.pad("embedding"),
            Self::Biases => f.pad("biases"),
            Self::Means => f.pad("means"),
            Self::Mlp(layer) => f.pad(&format!("MLP {layer}")),
            Self::Head { layer, head } => f.pad(&format!("{layer}.{head}")),
        }
    }
}

/// What a head adds.
#[derive(Debug, Clone, PartialEq)]
pub struct HeadPush {
    /// Layer, from zero.
    pub layer: usize,
    /// Query head of that layer, from zero.
    pub head: usize,
    /// Over all keys; a learned sink adds nothing.
    pub total: f64,
    /// The first key that it sees.
    pub first_key: usize,
    /// What it adds through each key from there on.
    pub keys: Vec<f32>,
}

/// A logit, and what adds to it besides the heads.
#[derive(Debug, Clone, PartialEq)]
pub struct PushedLogit {
    /// See [`Push::logit`].
    pub logit: f64,
    /// See [`Push::embedding`].
    pub embedding: f64,
    /// See [`Push::biases`].
    pub biases: f64,
    /// See [`Push::means`].
    pub means: Option<f64>,
    /// See [`Push::mlps`].
    pub mlps: Vec<f64>,
}

impl Push {
    /// Of the heads, by layer and then by head, and the other parts.
    pub fn new(
        query: usize,
        (target, versus, next): (NextToken, Option<NextToken>, Vec<NextToken>),
        heads: Vec<HeadPush>,
        rest: PushedLogit,
    ) -> Self {
        let PushedLogit { logit, embedding, biases, means, mlps } = rest;
        let mut by_key = vec![0f64; query + 1];
        for head in &heads {
            for (sum, push) in by_key[head.first_key..].iter_mut().zip(&head.keys) {
                *sum += f64::from(*push);
            }
        }
        let of_head = |head: &HeadPush| (Part::Head { layer: head.layer, head: head.head }, head.total);
        let of_mlp = |(layer, push): (usize, &f64)| (Part::Mlp(layer), *push);
        let mut parts = vec![(Part::Embedding, embedding), (Part::Biases, biases)];
        parts.extend(means.map(|means| (Part::Means, means)));
        parts.extend(mlps.iter().enumerate().map(of_mlp).chain(heads.iter().map(of_head)));
        parts.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
        let by_key = by_key.into_iter().map(|sum| sum as f32).collect();
        Self { query, target, versus, next, logit, embedding, biases, means, mlps, heads, parts, by_key }
    }

    /// \[query + 1\]: what all heads add through each key.
    pub fn by_key(&self) -> &[f32] {
        &self.by_key
    }

    /// The heads that a view is of.
    pub fn heads_of(&self, view: View, model: &ModelInfo) -> impl Iterator<Item = &HeadPush> {
        let group_size = model.group_size().max(1);
        let kind: Option<Vec<usize>> = match view {
            View::Kind(kind) => Some(model.layers_of(kind).collect()),
            _ => None,
        };
        let is_in = move |head: &&HeadPush| match view.attention() {
            View::Layer(layer) => head.layer == layer,
            View::Head { layer, head: own } => (head.layer, head.head) == (layer, own),
            View::Group { layer, group } => head.layer == layer && head.head / group_size == group,
            _ => kind.as_ref().is_none_or(|layers| layers.contains(&head.layer)),
        };
        self.heads.iter().filter(is_in)
    }

    /// \[query + 1\]: what the heads that a view is of add through each key, all together.
    pub fn of_view(&self, view: View, model: &ModelInfo) -> Vec<f32> {
        let mut sums = vec![0f32; self.query + 1];
        for head in self.heads_of(view, model) {
            for (sum, push) in sums[head.first_key..].iter_mut().zip(&head.keys) {
                *sum += push;
            }
        }
        sums
    }

    /// Every part and what it adds, those of the largest magnitude first.
    pub fn parts(&self) -> &[(Part, f64)] {
        &self.parts
    }

    /// One head.
    pub fn head(&self, layer: usize, head: usize) -> Option<&HeadPush> {
        let per_layer = self.heads.len() / self.mlps.len().max(1);
        self.heads.get(layer * per_layer + head).filter(|found| (found.layer, found.head) == (layer, head))
    }

    /// What the heads of a layer add, each over all keys.
    pub fn of_layer(&self, layer: usize) -> f64 {
        self.heads.iter().filter(|head| head.layer == layer).map(|head| head.total).sum()
    }

    /// What all parts add up to.
    pub fn sum(&self) -> f64 {
        self.parts.iter().map(|(_, push)| push).sum()
    }

    /// The completeness residual: what all parts add up to, less the logit. It is 0 but for rounding.
    pub fn residual(&self) -> f64 {
        self.sum() - self.logit
    }
}

impl HeadPush {
    /// Of a head (layer, head) that gives `weights` to the keys from `first_key` on, whose values lie so far along the direction of the
    /// logit.
    pub fn new((layer, head): (usize, usize), first_key: usize, weights: &[f32], along: &[f64]) -> Self {
        let keys: Vec<f64> =
            weights.iter().zip(along).map(|(weight, along)| f64::from(*weight) * along).collect();
        let (total, keys) = (keys.iter().sum(), keys.into_iter().map(|push| push as f32).collect());
        Self { layer, head, total, first_key, keys }
    }

    /// What it adds through a key; 0 of one that it doesn't see.
    pub fn key(&self, key: usize) -> f32 {
        key.checked_sub(self.first_key).and_then(|at| self.keys.get(at)).copied().unwrap_or(0.0)
    }

    /// The keys that it sees with what it adds through each, those of the largest magnitude first.
    pub fn ranked_keys(&self) -> Vec<(usize, f32)> {
        let mut keys: Vec<(usize, f32)> = (self.first_key..).zip(self.keys.iter().copied()).collect();
        keys.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
        keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attention::Token;

    /// Two layers of one head over three tokens. The first gives ½, ¼ and ¼ to values that lie 2, −4 and 8 along the
    /// logit: 1, −1 and 2. The second sees the last two keys only, and its sink takes ½ of the row.
    fn push() -> Push {
        let heads = vec![
            HeadPush::new((0, 0), 0, &[0.5, 0.25, 0.25], &[2.0, -4.0, 8.0]),
            HeadPush::new((1, 0), 1, &[0.25, 0.25], &[4.0, -16.0]),
        ];
        let target = NextToken { token: Token::from_id(7), probability: 0.5 };
        let rest =
            PushedLogit { logit: 1.5, embedding: 0.25, biases: -0.5, means: None, mlps: vec![1.0, 2.0] };
        Push::new(2, (target.clone(), None, vec![target]), heads, rest)
    }

    #[test]
    fn heads_and_keys_by_hand() {
        let push = push();
        assert_eq!(push.heads[0].keys, [1.0, -1.0, 2.0]);
        assert_eq!(push.heads.iter().map(|head| head.total).collect::<Vec<_>>(), [2.0, -3.0]);
        assert_eq!(push.by_key(), [1.0, 0.0, -2.0]);
        let names: Vec<String> = push.parts().iter().map(|(part, _)| part.to_string()).collect();
        assert_eq!(names, ["1.0", "MLP 1", "0.0", "MLP 0", "biases", "embedding"]);
        assert_eq!([0, 1, 2, 3].map(|key| push.heads[1].key(key)), [0.0, 1.0, -4.0, 0.0]);
        assert_eq!(push.heads[1].ranked_keys(), [(2, -4.0), (1, 1.0)]);
        assert_eq!(push.head(1, 0), Some(&push.heads[1]));
        assert_eq!((push.head(1, 1), push.head(2, 0)), (None, None));
        assert_eq!([0, 1].map(|layer| push.of_layer(layer)), [2.0, -3.0]);
    }

    /// ¼ − ½ + 1 + 2 + 2 − 3 = 1¾, and the logit is 1½.
    #[test]
    fn what_is_missing_is_said() {
        assert_eq!((push().sum(), push().residual()), (1.75, 0.25));
    }

    /// −¼ of heads at their mean makes ¼ − ½ − ¼ + 1 + 2 + 2 − 3 = 1½: the logit.
    #[test]
    fn means_of_heads_are_a_part_of_their_own() {
        let Push { query, target, next, logit, embedding, biases, mlps, heads, .. } = push();
        let rest = PushedLogit { logit, embedding, biases, means: Some(-0.25), mlps };
        let push = Push::new(query, (target, None, next), heads, rest);
        assert_eq!((push.sum(), push.residual(), push.biases), (1.5, 0.0, -0.5));
        assert_eq!(push.parts().last(), Some(&(Part::Means, -0.25)));
        assert_eq!(push.by_key(), [1.0, 0.0, -2.0], "they come from no key");
    }
}
