//! Masks of a block of queries: what they may see, and what each statistic counts. They are made on the device from the
//! positions and ids of the prompt, and are the same for all layers with the same window.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::Range;

use candle_core::{DType, Device, Tensor};

use crate::attention::{EXACT_TOKENS, Feature, Mask, PromptIndex, Statistic, Token};
use crate::kernels::attention_rule::HiddenKeys;
use crate::model::ModelError;

/// No id of any vocabulary: stands before the first token.
const NO_TOKEN: u32 = u32::MAX;

/// What the queries of a layer see of the keys up to their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Seen {
    /// Keys a query sees, itself included; `None` sees all.
    pub sliding_window: Option<usize>,
    /// Keys that queries behind them don't see.
    pub hidden: Option<HiddenKeys>,
}

/// The masks of a prompt.
pub struct Masks {
    /// f32 \[S\]
    positions: Tensor,
    /// u32 \[S\]
    ids: Tensor,
    /// u32 \[S\]: the id of the token before each.
    ids_before: Tensor,
    /// f32 \[S\] by statistic: 1 for the tokens that its [`Mask::Tokens`] chooses, 0 for the others.
    chosen: HashMap<Statistic, Tensor>,
    /// Masks by first query and what is seen. Those of long prompts would take too much memory and are made anew.
    kept: HashMap<(usize, Seen), BlockMasks>,
}

/// The masks of some queries and the keys they may see.
#[derive(Debug, Clone)]
pub struct BlockMasks {
    /// \[queries, keys\], to be added to scores: far below any score where a query doesn't see a key. Not −∞,
    /// which times a weight of 0 is no number.
    pub unseen: Tensor,
    /// \[queries, keys\]: tokens from the key to the query.
    pub distance: Tensor,
    /// \[queries, features, keys\]: the masks of [`Feature::all`] for each query. They expect attention that is 0 where
    /// a query doesn't see a key.
    pub features: Tensor,
}

impl Masks {
    /// The masks of a prompt.
    ///
    /// # Errors
    /// If the device has no memory for them.
    pub fn new(tokens: &[Token], device: &Device) -> Result<Self, ModelError> {
        let ids: Vec<u32> = tokens.iter().map(|token| token.id).collect();
        let index = PromptIndex::new(tokens);
        let mut chosen = HashMap::new();
        for feature in Feature::all() {
            let Feature::Masked(statistic, Mask::Tokens { .. }) = feature else { continue };
            let mut flags = vec![0f32; ids.len()];
            index.chosen(statistic).iter().for_each(|position| flags[*position] = 1.0);
            chosen.insert(statistic, Tensor::new(flags, device)?);
        }
        let before: Vec<u32> = [&[NO_TOKEN], &ids[..ids.len().saturating_sub(1)]].concat();
        Ok(Self {
            positions: Tensor::arange(0, ids.len() as u32, device)?.to_dtype(DType::F32)?,
            ids: Tensor::new(ids.as_slice(), device)?,
            ids_before: Tensor::new(before, device)?,
            chosen,
            kept: HashMap::new(),
        })
    }

    /// Of the queries in a layer of which they see this, over `keys`: all that one of them sees, and the queries themselves.
    ///
    /// # Errors
    /// If the device has no memory for them.
    pub fn of(
        &mut self,
        queries: Range<usize>,
        keys: Range<usize>,
        seen: Seen,
    ) -> Result<BlockMasks, ModelError> {
        if self.ids.dim(0)? > EXACT_TOKENS {
            return self.make(&queries, &keys, seen);
        }
        let made = match self.kept.entry((queries.start, seen)) {
            Entry::Occupied(kept) => return Ok(kept.get().clone()),
            Entry::Vacant(_) => self.make(&queries, &keys, seen)?,
        };
        self.kept.insert((queries.start, seen), made.clone());
        Ok(made)
    }

    fn make(
        &self,
        queries: &Range<usize>,
        keys: &Range<usize>,
        Seen { sliding_window, hidden }: Seen,
    ) -> Result<BlockMasks, ModelError> {
        let column = |x: &Tensor| x.narrow(0, queries.start, queries.len())?.unsqueeze(1);
        let row = |x: &Tensor| x.narrow(0, keys.start, keys.len())?.unsqueeze(0);
        let truth = |x: Tensor| x.to_dtype(DType::F32);
        let (query, key) = (column(&self.positions)?, row(&self.positions)?);
        let id = column(&self.ids)?;
        let distance = query.broadcast_sub(&key)?;
        let mut seen = truth(distance.ge(0f32)?)?;
        if let Some(sliding_window) = sliding_window {
            seen = (seen * truth(distance.lt(sliding_window as f32)?)?)?;
        }
        if let Some(HiddenKeys { start, end }) = hidden {
            let before = truth(query.lt(end as f32)?)?;
            let outside = (truth(key.lt(start as f32)?)? + truth(key.ge(end as f32)?)?)?;
            seen = (seen * before.broadcast_maximum(&outside)?)?;
        }
        let within =
            |from: usize, to: usize| truth(distance.ge(from as f32)?)? * truth(distance.lt(to as f32)?)?;
        let feature = |feature: Feature| match feature {
            Feature::Mass => distance.ones_like(),
            Feature::Distance => Ok(distance.clone()),
            Feature::Masked(_, Mask::Near { from, to }) => within(from, to),
            Feature::Masked(statistic, Mask::Tokens { own, .. }) => {
                let counts = truth(if own { distance.ge(0f32)? } else { distance.gt(0f32)? })?;
                counts.broadcast_mul(&row(&self.chosen[&statistic])?)
            }
            Feature::Masked(_, Mask::Copies) => {
                truth(id.broadcast_eq(&row(&self.ids)?)?)? * truth(distance.gt(0f32)?)?
            }
            Feature::Masked(_, Mask::AfterCopies) => truth(id.broadcast_eq(&row(&self.ids_before)?)?),
        };
        let features = Feature::all().map(feature).collect::<Result<Vec<_>, _>>()?;
        let lowest = f64::from(f32::MIN);
        Ok(BlockMasks {
            unseen: seen.affine(-lowest, lowest)?,
            distance,
            features: Tensor::stack(&features, 1)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attention::{AttentionRule, HeadSums, row_sums, row_sums_of_features};
    use crate::kernels::softmax::softmax_with_sink;

    /// All queries give every key they see the same.
    #[test]
    fn masks_give_the_sums_of_rows() {
        let tokens = [3, 1, 3, 3, 2, 1, 3, 2].map(Token::from_id);
        let index = PromptIndex::new(&tokens);
        let mut masks = Masks::new(&tokens, &Device::Cpu).unwrap();
        let hide = |start, end| Some(HiddenKeys { start, end });
        for (sliding_window, hidden, queries, first) in [
            (None, None, 0..8, 0),
            (None, None, 4..8, 0),
            (Some(3), None, 0..5, 0),
            (Some(3), None, 5..8, 3),
            (None, hide(2, 5), 0..8, 0),
            (Some(3), hide(4, 6), 5..8, 3),
        ] {
            let (mut by_row, mut by_mask) = (HeadSums::default(), HeadSums::default());
            let block =
                masks.of(queries.clone(), first..queries.end, Seen { sliding_window, hidden }).unwrap();
            let unseen = block.unseen.to_vec2::<f32>().unwrap();
            let features = block.features.to_vec3::<f32>().unwrap();
            for query in queries.clone() {
                let rule = AttentionRule { sliding_window, hidden, ..AttentionRule::scaled(1.0) }.of_head(0);
                let first_key = rule.visible(query).start;
                let mut row = vec![0.0; query - first_key + 1];
                rule.hide(query, &mut row);
                let weight = 1.0 / row.iter().filter(|score| score.is_finite()).count() as f32;
                let norm = softmax_with_sink(&mut row, None);
                by_row.add(&row_sums(query, first_key, &row, norm, &index));

                let at = query - queries.start;
                let weights: Vec<f32> =
                    unseen[at].iter().map(|unseen| if *unseen == 0.0 { weight } else { 0.0 }).collect();
                let sum =
                    |mask: &Vec<f32>| mask.iter().zip(&weights).map(|(mask, weight)| mask * weight).sum();
                let features: Vec<f32> = features[at].iter().map(sum).collect();
                by_mask.add(&row_sums_of_features(&features, 0.0, 0.0));
            }
            let (row, mask) = (by_row.finish(), by_mask.finish());
            for statistic in Statistic::ALL.into_iter().filter(|it| !matches!(it, Statistic::Entropy)) {
                let (row, mask) = (row.get(statistic), mask.get(statistic));
                assert!(
                    row.zip(mask).map_or(row == mask, |(row, mask)| (row - mask).abs() < 1e-6),
                    "{sliding_window:?} {hidden:?} {queries:?}: {row:?} is not {mask:?}"
                );
            }
        }
    }
}
