//! Activation patching (Wang et al. 2022): a prompt runs with a part of its pass taken from the pass over another prompt, and
//! a difference of two logits says how far that part brings the one prediction to the other.

use super::{Capture, NextToken, escape_controls};
pub use crate::vocabulary::Patched;

/// A part of a pass that can be taken from another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatchPlace {
    /// What a head took from the values, before the output projection, at all tokens.
    Head {
        /// Layer, from zero.
        layer: usize,
        /// Query head of that layer, from zero.
        head: usize,
    },
    /// The residual stream after a layer, at one token.
    Residual {
        /// Layer, from zero.
        layer: usize,
        /// Place of the token, from zero.
        position: usize,
    },
}

/// The two next tokens whose logits are told apart, and what both passes say of them.
#[derive(Debug, Clone, PartialEq)]
pub struct LogitPair {
    /// The token that the first prompt speaks for, with its probability there.
    pub token: NextToken,
    /// The one that the second prompt speaks for, with its probability there.
    pub versus: NextToken,
    /// Logit of `token` less that of `versus`: after the first prompt, and after the second.
    pub differences: [f64; 2],
}

/// Why nothing can be patched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// Places of tokens stand for each other one by one.
    #[error(
        "patching is of two prompts of equal length: these have {0} and {1} tokens; change the words of one until both are equal"
    )]
    Lengths(usize, usize),
    /// The vocabularies differ, or the models do.
    #[error("patching is of two prompts that one model reads")]
    Models,
    /// There is nothing to bring from one to the other.
    #[error("the likeliest next token of both prompts is \"{0}\": name two tokens with --token and --versus")]
    SameToken(String),
    /// The logit difference is the same.
    #[error(
        "both prompts give the same difference of these two logits: there is nothing to bring back; name other tokens, or other prompts"
    )]
    SameDifference,
    /// The model predicts nothing.
    #[error("{}: it predicts nothing", super::NO_OUTPUT_HEAD)]
    NoOutput,
}

/// Checks that passes, of the prompt that is taken from and of the one that is changed, can be patched.
///
/// # Errors
/// If they are of different models, or lengths.
pub fn check_pair(from: &Capture, to: &Capture) -> Result<(), PatchError> {
    if from.model != to.model {
        return Err(PatchError::Models);
    }
    match [from, to].map(|capture| capture.tokens.len()) {
        [a, b] if a != b => Err(PatchError::Lengths(a, b)),
        _ => Ok(()),
    }
}

impl LogitPair {
    /// Of two passes: `token` against `versus`; without them, the likeliest of the first against the likeliest of the
    /// second.
    ///
    /// # Errors
    /// If both are the same, or there is no difference between the prompts.
    pub fn new(
        passes: [&Capture; 2],
        token: Option<NextToken>,
        versus: Option<NextToken>,
    ) -> Result<Self, PatchError> {
        let likeliest = passes.map(|capture| capture.next.first().cloned());
        Self::of(passes.map(|capture| capture.logits.as_slice()), likeliest, [token, versus])
    }

    fn of(
        logits: [&[f32]; 2],
        likeliest: [Option<NextToken>; 2],
        named: [Option<NextToken>; 2],
    ) -> Result<Self, PatchError> {
        let [first, second] = named;
        let [token, versus] = [first.or(likeliest[0].clone()), second.or(likeliest[1].clone())];
        let (token, versus) = token.zip(versus).ok_or(PatchError::NoOutput)?;
        if token.token.id == versus.token.id {
            return Err(PatchError::SameToken(escape_controls(&token.token.text)));
        }
        let mut pair = Self { token, versus, differences: [0.0; 2] };
        let of = |logits| pair.difference(logits).ok_or(PatchError::NoOutput);
        let differences = [of(logits[0])?, of(logits[1])?];
        if differences[0] == differences[1] {
            return Err(PatchError::SameDifference);
        }
        pair.differences = differences;
        Ok(pair)
    }

    /// The logit of the one less that of the other; nothing where there are no logits.
    pub fn difference(&self, logits: &[f32]) -> Option<f64> {
        let logit = |next: &NextToken| logits.get(next.token.id as usize).map(|logit| f64::from(*logit));
        Some(logit(&self.token)? - logit(&self.versus)?)
    }

    /// How many logits the two prompts are apart, if that is little to divide by: what a place does then looks large.
    pub fn little(&self) -> Option<f64> {
        const LITTLE: f64 = 0.1;
        let [from, to] = self.differences;
        Some((from - to).abs()).filter(|apart| *apart < LITTLE)
    }

    /// How far a patched pass over the second prompt, with these logits, is brought to the first: 0 where nothing changes, 1
    /// where the logits differ as they do after the first prompt. It may be below 0, and above 1.
    pub fn effect(&self, patched: &[f32]) -> Option<f32> {
        let [from, to] = self.differences;
        Some(((self.difference(patched)? - to) / (from - to)) as f32)
    }
}

/// What each place alone does.
#[derive(Debug, Clone, PartialEq)]
pub struct Patching {
    /// What is taken from the other prompt.
    pub what: Patched,
    /// The logits that are told apart.
    pub logits: LogitPair,
    /// \[layers\]\[heads or tokens\]: the effects of those that are done.
    pub effects: Vec<Vec<Option<f32>>>,
}

impl Patching {
    /// The map of so many layers and columns, as far as it is done, layer after layer.
    pub fn new(what: Patched, logits: LogitPair, (layers, columns): (usize, usize), done: &[f32]) -> Self {
        let effect = |layer: usize, column: usize| done.get(layer * columns + column).copied();
        let effects =
            (0..layers).map(|layer| (0..columns).map(|column| effect(layer, column)).collect()).collect();
        Self { what, logits, effects }
    }

    /// Each place with its effect, those of the largest magnitude first.
    pub fn ranked(&self) -> Vec<(usize, usize, f32)> {
        let rows = self.effects.iter().enumerate();
        let cells = rows
            .flat_map(|(layer, row)| row.iter().enumerate().map(move |(at, effect)| (layer, at, *effect)));
        let mut ranked: Vec<_> = cells.filter_map(|(layer, at, effect)| Some((layer, at, effect?))).collect();
        ranked.sort_by(|a, b| b.2.abs().total_cmp(&a.2.abs()));
        ranked
    }

    /// The largest magnitude; 0 of none.
    pub fn largest(&self) -> f32 {
        self.effects.iter().flatten().flatten().fold(0.0, |largest, effect| effect.abs().max(largest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attention::Token;

    fn next(id: u32) -> NextToken {
        NextToken { token: Token::from_id(id), probability: 0.5 }
    }

    fn pair(a: [f32; 3], b: [f32; 3], named: [Option<u32>; 2]) -> Result<LogitPair, PatchError> {
        let likeliest = |logits: &[f32; 3]| {
            let at = (0..3).max_by(|a, b| logits[*a].total_cmp(&logits[*b])).unwrap();
            Some(next(at as u32))
        };
        LogitPair::of([&a, &b], [likeliest(&a), likeliest(&b)], named.map(|id| id.map(next)))
    }

    /// 3 − 1 = 2 after the first, 0 − 4 = −4 after the second: 1 − 2 = −1 is half of the way.
    #[test]
    fn an_effect_is_the_share_of_the_way_from_one_difference_to_the_other() {
        let (a, b) = ([3.0, 1.0, 0.0], [0.0, 4.0, 0.0]);
        let of = pair(a, b, [None, None]).unwrap();
        assert_eq!((of.token.token.id, of.versus.token.id, of.differences), (0, 1, [2.0, -4.0]));
        assert_eq!(of.effect(&[1.0, 2.0, 9.0]), Some(0.5));
        assert_eq!((of.effect(&a), of.effect(&b), of.effect(&[])), (Some(1.0), Some(0.0), None));
        assert_eq!(pair(a, b, [Some(1), Some(2)]).unwrap().differences, [1.0, 4.0]);
    }

    #[test]
    fn a_difference_that_is_little_to_divide_by_is_told() {
        let little = |to: f32| pair([1.0, 0.0, 0.0], [to, 0.0, 1.5], [Some(0), Some(1)]).unwrap().little();
        assert_eq!((little(0.875), little(1.5), little(-1.0)), (None, None, None));
        assert_eq!((little(0.9375), little(1.0625)), (Some(0.0625), Some(0.0625)));
    }

    #[test]
    fn what_does_not_differ_is_not_patched() {
        let (a, b) = ([3.0, 1.0, 0.0], [3.0, 1.0, 2.0]);
        assert_eq!(pair(a, b, [None, None]), Err(PatchError::SameToken("#0".to_owned())));
        assert_eq!(pair(a, b, [None, Some(1)]), Err(PatchError::SameDifference));
        assert_eq!(pair(a, b, [None, Some(9)]), Err(PatchError::NoOutput));
    }

    #[test]
    fn a_map_fills_layer_after_layer() {
        let of = pair([3.0, 1.0, 0.0], [0.0, 4.0, 0.0], [None, None]).unwrap();
        let map = Patching::new(Patched::Heads, of, (2, 2), &[0.1, -0.5, 0.2]);
        assert_eq!(map.effects, [vec![Some(0.1), Some(-0.5)], vec![Some(0.2), None]]);
        assert_eq!(map.ranked(), [(0, 1, -0.5), (1, 0, 0.2), (0, 0, 0.1)]);
        assert_eq!(map.largest(), 0.5);
    }
}
