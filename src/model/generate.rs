//! The token that a model writes next: the likeliest one, or one drawn at random.

use std::fmt;

use candle_core::{Device, Tensor};
use candle_transformers::generation::{LogitsProcessor, Sampling as Rule};

use super::{Cancel, Model, ModelError};
use crate::attention::{Capture, NextToken};
use crate::kernels::softmax::softmax_with_sink;

/// How a next token is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampling {
    /// What logits are divided by: 0 always draws the likeliest token, 1 keeps the model's probabilities.
    pub temperature: f64,
    /// Only the likeliest tokens that together have this probability are drawn from.
    pub top_p: f64,
    /// The same seed draws the same tokens.
    pub seed: u64,
}

impl Default for Sampling {
    /// Draws with the probabilities that the model gives.
    fn default() -> Self {
        Self { temperature: 1.0, top_p: 1.0, seed: 0 }
    }
}

impl fmt::Display for Sampling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "temperature {}, top-p {}, seed {}", self.temperature, self.top_p, self.seed)
    }
}

impl Sampling {
    /// The id of a token for the place after `tokens` tokens. It depends on nothing else: a text whose last tokens are
    /// removed and drawn again comes out the same, and two places draw differently.
    ///
    /// # Errors
    /// If the logits are no numbers.
    pub fn draw(self, logits: &[f32], tokens: usize) -> Result<u32, ModelError> {
        let seed = self.seed.rotate_left(32) ^ tokens as u64;
        let mut processor = LogitsProcessor::new(seed, Some(self.temperature), None);
        let drawn_from = match self.top_p > 0.0 && self.top_p < 1.0 && self.temperature > 0.0 {
            true => nucleus(logits, self.temperature, self.top_p),
            false => (0..logits.len() as u32).collect(),
        };
        let logits: Vec<f32> = drawn_from.iter().map(|id| logits[*id as usize]).collect();
        Ok(drawn_from[processor.sample(&Tensor::new(logits, &Device::Cpu)?)? as usize])
    }
}

/// Ids of the likeliest tokens that together have at least the probability `top_p`, in order, and no more than it takes:
/// Holtzman et al. 2020, "The Curious Case of Neural Text Degeneration". Sorting them all would take longer than many a pass
/// of one token: only those are sorted that are nearly as likely as the last one.
fn nucleus(logits: &[f32], temperature: f64, top_p: f64) -> Vec<u32> {
    let mut weights: Vec<f32> = logits.iter().map(|logit| logit / temperature as f32).collect();
    softmax_with_sink(&mut weights, None);
    // The first bits of a weight, which is not negative: nearly alike are those of weights that are nearly alike.
    let class = |weight: f32| (weight.to_bits() >> 20) as usize;
    let mut sums = vec![0.0; class(f32::from_bits(u32::MAX)) + 1];
    weights.iter().for_each(|weight| sums[class(*weight)] += f64::from(*weight));
    let wanted = top_p * sums.iter().sum::<f64>();
    let (mut last, mut sum) = (sums.len() - 1, 0.0);
    while last > 0 && (sums[last] == 0.0 || sum + sums[last] < wanted) {
        sum += sums[last];
        last -= 1;
    }
    // The likelier before the others, and of two alike the first.
    let likelier = |a: &u32, b: &u32| weights[*b as usize].total_cmp(&weights[*a as usize]).then(a.cmp(b));
    let ids = 0..logits.len() as u32;
    let mut nearly: Vec<u32> = ids.clone().filter(|id| class(weights[*id as usize]) == last).collect();
    nearly.sort_unstable_by(likelier);
    let is_enough = |id: &&u32| {
        sum += f64::from(weights[**id as usize]);
        sum >= wanted
    };
    let least = nearly.iter().find(is_enough).or(nearly.last()).copied();
    ids.filter(|id| least.is_none_or(|least| likelier(id, &least).is_le())).collect()
}

impl Model {
    /// The token that `sampling` draws after a capture's last one, with the probability the model gave it.
    ///
    /// # Errors
    /// If the model has no output head, or the logits are no numbers.
    pub fn draw(&self, capture: &Capture, sampling: Sampling) -> Result<NextToken, ModelError> {
        self.check_output_head()?;
        let id = sampling.draw(&capture.logits, capture.tokens.len())?;
        Ok(self.next_token(capture, id))
    }
}

/// The `count` ids that follow `ids` if the likeliest is taken each time. Each costs a pass of one token, unless the
/// model keeps nothing.
///
/// # Errors
/// If the model has no output head, `ids` and what follows don't fit it, or it was cancelled.
pub fn greedy(model: &Model, ids: &[u32], count: usize, cancel: &Cancel) -> Result<Vec<u32>, ModelError> {
    let mut processor = LogitsProcessor::from_sampling(0, Rule::ArgMax);
    model.check_output_head()?;
    let mut all = ids.to_vec();
    for _ in 0..count {
        let capture = model.run(model.tokens_from_ids(&all)?, cancel, &mut |_| ())?;
        all.push(processor.sample(&Tensor::new(capture.logits.as_slice(), &Device::Cpu)?)?);
    }
    Ok(all.split_off(ids.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Probabilities 0.5, 0.25, 0.125, 0.125.
    fn logits() -> Vec<f32> {
        [0.5f32, 0.25, 0.125, 0.125].map(f32::ln).to_vec()
    }

    /// How often each token is drawn, over many places.
    fn drawn(sampling: Sampling) -> [usize; 4] {
        let mut counts = [0; 4];
        (0..4_000).for_each(|place| counts[sampling.draw(&logits(), place).unwrap() as usize] += 1);
        counts
    }

    #[test]
    fn tokens_are_drawn_as_the_model_says() {
        for (count, expected) in drawn(Sampling::default()).into_iter().zip([2_000, 1_000, 500, 500]) {
            assert!(count.abs_diff(expected) < 120, "{count} of {expected}");
        }
    }

    #[test]
    fn a_nucleus_is_the_smallest_set_of_the_likeliest_that_has_the_probability() {
        // Two alike: the first of them comes first.
        for (top_p, expected) in [
            (0.0, vec![0]),
            (0.5, vec![0]),
            (0.51, vec![0, 1]),
            (0.8, vec![0, 1, 2]),
            (0.999, vec![0, 1, 2, 3]),
        ] {
            assert_eq!(nucleus(&logits(), 1.0, top_p), expected, "{top_p}");
        }
        assert_eq!(nucleus(&logits(), 0.01, 0.9), [0]);
        assert_eq!(nucleus(&[0.0, 3.0, 1.0, 2.0], 1.0, 0.85), [1, 3], "in the order of their ids");
        // By sorting all of many.
        let many: Vec<f32> =
            (0..5_000u32).map(|at| (at.wrapping_mul(2_654_435_761) % 1_000) as f32 / 100.0).collect();
        let mut sorted: Vec<usize> = (0..many.len()).collect();
        sorted.sort_by(|a, b| many[*b].total_cmp(&many[*a]));
        let weight = |at: &usize| f64::from(many[*at]).exp();
        let wanted = 0.7 * sorted.iter().map(weight).sum::<f64>();
        let mut sum = 0.0;
        let is_before = |at: &&usize| {
            let is_before = sum < wanted;
            sum += weight(at);
            is_before
        };
        let count = sorted.iter().take_while(is_before).count();
        let mut expected: Vec<u32> = sorted[..count].iter().map(|at| *at as u32).collect();
        expected.sort_unstable();
        assert_eq!(nucleus(&many, 1.0, 0.7), expected);
    }

    #[test]
    fn a_low_temperature_prefers_the_likeliest() {
        let half = drawn(Sampling { temperature: 0.5, ..Sampling::default() });
        // Squares of the probabilities: 16 to 4 to 1 to 1.
        assert!(half[0].abs_diff(4_000 * 16 / 22) < 120, "{half:?}");
        assert_eq!(drawn(Sampling { temperature: 0.0, ..Sampling::default() }), [4_000, 0, 0, 0]);
    }

    #[test]
    fn top_p_leaves_the_unlikely_out() {
        let [a, b, c, d] = drawn(Sampling { top_p: 0.7, ..Sampling::default() });
        assert!(a.abs_diff(4_000 * 2 / 3) < 120 && a + b == 4_000 && c + d == 0, "{a} {b} {c} {d}");
    }

    #[test]
    fn a_seed_draws_the_same_again_and_another_one_differs() {
        let draws = |seed| {
            let sampling = Sampling { seed, ..Sampling::default() };
            (0..64).map(|place| sampling.draw(&logits(), place).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(draws(1), draws(1));
        assert!(draws(1) != draws(2) && draws(u64::MAX).len() == 64);
    }

    #[test]
    fn what_is_no_number_is_an_error() {
        assert!(Sampling::default().draw(&[f32::NAN; 4], 1).is_err());
    }
}
