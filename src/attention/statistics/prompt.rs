//! Where in a prompt the keys are that statistics ask for.

use std::collections::HashMap;
use std::iter;

use super::mask::Mask;
use super::table::Statistic;
use crate::attention::Token;

/// Where in a prompt the keys are that statistics ask for.
#[derive(Debug, Clone)]
pub struct PromptIndex {
    /// For each position, the nearest earlier position with the same id.
    earlier: Vec<Option<usize>>,
    /// For each statistic, the positions of the tokens that its [`Mask::Tokens`] chooses, in order.
    chosen: Vec<Vec<usize>>,
}

impl PromptIndex {
    /// The index of a prompt.
    pub fn new(tokens: &[Token]) -> Self {
        let mut last = HashMap::new();
        let earlier = tokens.iter().enumerate().map(|(at, token)| last.insert(token.id, at)).collect();
        let chosen = |statistic: Statistic| match statistic.mask() {
            Some(Mask::Tokens { is, .. }) => (0..tokens.len()).filter(|at| is(*at, &tokens[*at])).collect(),
            _ => Vec::new(),
        };
        Self { earlier, chosen: Statistic::ALL.map(chosen).into() }
    }

    /// The earlier positions with the same id as `position`, nearest first.
    pub fn earlier(&self, position: usize) -> impl Iterator<Item = usize> + '_ {
        iter::successors(self.earlier[position], |&at| self.earlier[at])
    }

    /// The positions of the tokens that the [`Mask::Tokens`] of a statistic chooses, in order.
    pub fn chosen(&self, statistic: Statistic) -> &[usize] {
        &self.chosen[statistic as usize]
    }

    /// Visits the keys that the mask of a statistic counts, of those that the row of `query` has: from `first_key` to
    /// the query itself.
    pub(super) fn for_each_key(
        &self,
        (statistic, mask): (Statistic, Mask),
        (query, first_key): (usize, usize),
        visit: impl FnMut(usize),
    ) {
        match mask {
            Mask::Near { from, to } => {
                let farthest = (query - first_key + 1).min(to);
                (from..farthest).map(|distance| query - distance).for_each(visit);
            }
            Mask::Tokens { own, .. } => {
                let chosen = self.chosen(statistic);
                let end = if own { query + 1 } else { query };
                let keys = &chosen[chosen.partition_point(|key| *key < first_key)..];
                keys.iter().copied().take_while(|key| *key < end).for_each(visit);
            }
            Mask::Copies => self.earlier(query).take_while(|key| *key >= first_key).for_each(visit),
            Mask::AfterCopies => {
                self.earlier(query).map(|copy| copy + 1).take_while(|key| *key >= first_key).for_each(visit);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn earlier_copies_are_found_nearest_first() {
        let index = PromptIndex::new(&[5, 6, 5, 5].map(Token::from_id));
        assert_eq!(index.earlier(3).collect::<Vec<_>>(), [2, 0]);
        assert_eq!(index.earlier(1).count(), 0);
        assert_eq!(index.chosen(Statistic::FirstToken), [0]);
    }
}
